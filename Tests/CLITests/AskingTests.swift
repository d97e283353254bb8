import Foundation
import TestSupport
import Testing

@Suite struct AskingTests {
  let program: Program

  init() throws {
    program = try Program()
    try program.run("index", try program.pictures(30))
  }

  private func json(_ arguments: String...) throws -> [String: Any] {
    let run = try program.run(["search"] + arguments + ["--json"])
    #expect(run.status == 0, "\(arguments): \(run.messages)")
    return try #require(try JSONSerialization.jsonObject(with: run.output) as? [String: Any])
  }

  private func words(_ document: [String: Any]) throws -> [[String: Any]] {
    let query = try #require(document["query"] as? [String: Any])
    return try #require(query["words"] as? [[String: Any]])
  }

  @Test func `weights and phrases are told in the document, with their places`() throws {
    let document = try json("small^0.5 \"red balloon\"^2", "dog")
    let terms = try words(document)
    #expect(terms.map { $0["text"] as? String } == ["small", "red balloon", "dog"])
    #expect(terms.map { $0["weight"] as? Double } == [0.5, 2, 1])
    #expect(terms.map { $0["span"] as? [Int] } == [[0, 5], [11, 22], [26, 29]])
    let background = try #require(terms[0]["background"] as? [String: Any])
    #expect(background["images"] as? Int == 30)
    let results = try #require(document["results"] as? [[String: Any]])
    for result in results {
      let matches = try #require(result["words"] as? [[String: Any]])
      let evidences = matches.compactMap { $0["evidence"] as? Double }
      #expect(evidences.count == 3 && result["evidence"] as? Double == evidences.min())
    }
    let literal = try words(try json("--literal", "small^0.5"))
    #expect(literal.contains { $0["text"] as? String == "^" })
  }

  @Test func `a query that is not written right is shown with a caret`() throws {
    for (query, column) in [("small balloon^x", 14), ("a \"red", 2), ("dog ^2", 4)] {
      let run = try program.run("search", query)
      #expect(run.status == 64, "\(query)")
      let lines = run.messages.split(separator: "\n").map(String.init)
      #expect(lines.count == 3 && lines[0].hasPrefix("filip: "), "\(run.messages)")
      #expect(lines[1] == "  " + query)
      #expect(lines[2] == String(repeating: " ", count: 2 + column) + "^")
    }
    for arguments in [
      ["dog^2 cat", "--words", "all"], ["dog^0"], ["dog", "--region", "0,0,5,5"],
      ["dog", "--without", " "], ["--image", "x.jpg", "--query-tokens", "x.npy"],
      ["dog^2 cat", "--pooled"], ["dog", "--pooled", "--without", "cat"],
      ["dog", "--words", "any", "--cascade"], ["dog", "--min-score", "nan"],
    ] {
      let run = try program.run(["search"] + arguments)
      #expect(run.status == 64, "\(arguments): \(run.messages)")
    }
  }

  @Test func `a picture finds itself, and so does a part of it`() throws {
    let picture = program.folder.path + "/pictures/scene-0011.jpg"
    let whole = try json("--image", picture, "-k", "3")
    let best = try #require((whole["results"] as? [[String: Any]])?.first)
    #expect((best["path"] as? String)?.hasSuffix("scene-0011.jpg") == true)
    #expect(try #require(best["score"] as? Double) > 0.999)
    let part = try json("-i", picture, "--region", "64,64,128,96", "-k", "1")
    let found = try #require((part["results"] as? [[String: Any]])?.first)
    #expect((found["path"] as? String)?.hasSuffix("scene-0011.jpg") == true)

    let outside = try program.run("search", "-i", picture, "--region", "200,0,100,100")
    #expect(outside.status == 64 && outside.messages.contains("256 × 256"), "\(outside.messages)")
    let malformed = try program.run("search", "-i", picture, "--region", "1,2,3")
    #expect(malformed.status == 64 && malformed.messages.contains("120,40,200,200"))
    let missing = try program.run("search", "-i", "no-such.jpg")
    #expect(missing.status == 66 && missing.messages.contains("no-such.jpg"))
    let pooled = try program.run("search", "-i", picture, "--pooled", "-l", "-k", "1")
    #expect(pooled.lines.first?.hasSuffix("scene-0011.jpg") == true)

    // Taken away, it is the last of all instead.
    let without = try program.run("search", "dog", "--sub", "50:" + picture, "-l", "-k", "30")
    #expect(without.lines.count == 30)
    #expect(without.lines.last?.hasSuffix("scene-0011.jpg") == true, "\(without.text)")
  }

  @Test func `what must not be there never lifts an image`() throws {
    func scores(_ arguments: String...) throws -> [String: Double] {
      let run = try program.run(["search", "dog", "-k", "30"] + arguments)
      return Dictionary(
        uniqueKeysWithValues: run.lines.map { line in
          let fields = line.split(separator: "\t")
          return (String(fields[1]), Double(fields[0]) ?? .nan)
        })
    }
    let plain = try scores()
    let without = try scores("--without", "cat", "--without", "\"red balloon\"^2")
    #expect(plain.count == 30 && without.keys.sorted() == plain.keys.sorted())
    #expect(plain.allSatisfy { without[$0.key]! <= $0.value + 1e-4 })
    #expect(plain.contains { without[$0.key]! < $0.value - 0.001 })
    let document = try json("dog", "--without", "cat")
    let query = try #require(document["query"] as? [String: Any])
    let excluded = try #require(query["without"] as? [[String: Any]])
    #expect(excluded.map { $0["text"] as? String } == ["cat"])
    let hit = try #require((document["results"] as? [[String: Any]])?.first)
    #expect((hit["without"] as? [[String: Any]])?.count == 1)
  }

  @Test func `hits that are not good enough are left out, and all of them is not found`() throws {
    let some = try program.run("search", "dog", "-k", "30", "--min-score", "0.2")
    let all = try program.run("search", "dog", "-k", "30")
    #expect(some.lines == all.lines.filter { Double($0.split(separator: "\t")[0])! >= 0.2 })
    for limit in [["--min-score", "2"], ["--min-evidence", "50"]] {
      let none = try program.run(["search", "dog"] + limit)
      #expect(none.status == 1 && none.text.isEmpty)
      #expect(none.messages.contains("not found: 10 of 10 images left out"), "\(none.messages)")
    }
    let any = try program.run("search", "dog cat", "--words", "any", "-k", "3")
    let every = try program.run("search", "dog cat", "--words", "all", "-k", "3")
    #expect(any.lines.count == 3 && every.lines.count == 3)
    let scores = [any, every].map { Double($0.lines[0].split(separator: "\t")[0])! }
    #expect(scores[0] > scores[1])
  }
}
