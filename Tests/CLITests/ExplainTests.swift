import Foundation
import TestSupport
import Testing

@Suite struct ExplainTests {
  let program: Program
  let pictures: String

  init() throws {
    program = try Program()
    pictures = try program.pictures(24)
    try program.run("index", pictures)
  }

  private func json(_ arguments: [String]) throws -> [String: Any] {
    let run = try program.run(arguments)
    #expect(run.status == 0, "\(run.messages)")
    return try #require(try JSONSerialization.jsonObject(with: run.output) as? [String: Any])
  }

  private func sum(_ document: [String: Any]) -> Double {
    let parts = ["words", "without"].flatMap { document[$0] as? [[String: Any]] ?? [] }
    let rest = document["rest"] as? [String: Any]
    return (parts + [rest ?? [:]]).compactMap { $0["contribution"] as? Double }.reduce(0, +)
  }

  @Test func `an image is explained as the search scored it, indexed or not`() throws {
    let query = ["small^2 balloon", "--without", "cat"]
    let found = try json(["search"] + query + ["--json", "--explain", "-k", "3"])
    let hits = try #require(found["results"] as? [[String: Any]])
    #expect(hits.count == 3)
    for hit in hits {
      let path = try #require(hit["path"] as? String)
      let score = try #require(hit["score"] as? Double)
      #expect(abs(sum(hit) - score) < 1e-5)
      let id = try #require(hit["id"] as? Int)
      let copy = program.folder.path + "/copy.jpg"
      try? FileManager.default.removeItem(atPath: copy)
      try FileManager.default.copyItem(atPath: program.folder.path + "/" + path, toPath: copy)
      for (image, tolerance) in [(path, 1e-5), ("\(id)", 1e-5), (copy, 2e-3)] {
        let one = try json(["explain", "small^2 balloon", image, "--without", "cat", "--json"])
        #expect(one["schema"] as? String == "filip.explain/1")
        #expect(abs(try #require(one["score"] as? Double) - score) < tolerance, "\(image)")
        #expect(abs(sum(one) - score) < tolerance)
        let words = try #require(one["words"] as? [[String: Any]])
        #expect(words.map { $0["text"] as? String } == ["small", "balloon"])
        #expect(words.allSatisfy { ($0["map"] as? [Double])?.count == 64 })
        let shares = words.compactMap { $0["share"] as? Double }
        #expect(shares.count == 2)
        let named = try #require(one["image"] as? [String: Any])
        #expect((named["id"] as? Int) == (image == copy ? nil : id))
        // The best patch lies in the region, and that in the picture of 256 × 256.
        let hitWords = try #require(hit["words"] as? [[String: Any]])
        for (word, hitWord) in zip(words, hitWords) {
          let region = try #require(word["region"] as? [Double])
          let box = try #require(word["box"] as? [Double])
          #expect(box[0] >= region[0] && box[0] + box[2] <= region[0] + region[2])
          #expect(region[0] >= 0 && region[1] + region[3] <= 256)
          if image != copy { #expect(hitWord["region"] as? [Double] == region) }
        }
      }
    }
  }

  @Test func `a file that changed since it was indexed is explained as it is now`() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: pictures).sorted()
    let (one, other) = (pictures + "/" + names[0], pictures + "/" + names[1])
    let expected = try json(["explain", "dog", other, "--json"])
    try FileManager.default.removeItem(atPath: one)
    let gone = try json(["explain", "dog", one, "--json"])
    #expect((gone["image"] as? [String: Any])?["id"] != nil, "its tokens are still in the index")
    let noPicture = try program.run(
      "explain", "dog", one, "--picture", program.folder.path + "/x.png")
    #expect(
      noPicture.status == 66 && noPicture.messages.contains(names[0]), "\(noPicture.messages)")
    try FileManager.default.copyItem(atPath: other, toPath: one)
    let changed = try json(["explain", "dog", one, "--json"])
    #expect((changed["image"] as? [String: Any])?["id"] == nil)
    let scores = try [expected, changed].map { try #require($0["score"] as? Double) }
    #expect(abs(scores[0] - scores[1]) < 2e-3)
  }

  @Test func `without an index a file is explained by the bundled model`() throws {
    let picture = pictures + "/scene-0011.jpg"
    try FileManager.default.removeItem(atPath: program.index)
    let text = try program.run("explain", "small", "balloon", picture)
    #expect(text.status == 0, "\(text.messages)")
    #expect(text.lines[0].contains("256 × 256") && text.lines[0].contains("not in the index"))
    #expect(text.lines.count == 5 && text.lines[2].hasPrefix("small"))
    #expect(text.lines[4].hasPrefix("score"))
    let named = try program.run("explain", "dog", picture, "--index", program.index)
    #expect(named.status == 66, "an index that was named must be there")
  }

  @Test func `pictures are written as their names say`() throws {
    let picture = pictures + "/scene-0011.jpg"
    for (name, magic) in [
      ("a.png", [0x89, 0x50] as [UInt8]), ("b.jpg", [0xFF, 0xD8]), ("c.JPEG", [0xFF, 0xD8]),
    ] {
      let file = program.folder.path + "/" + name
      let run = try program.run("explain", "small balloon", picture, "--picture", file)
      #expect(run.status == 0, "\(run.messages)")
      let data = try Data(contentsOf: URL(fileURLWithPath: file))
      #expect(Array(data.prefix(2)) == magic && data.count > 10_000, "\(name)")
    }
    for (status, arguments) in [
      (64, ["dog", picture, "--picture", "x.gif"]), (64, [picture]), (64, []),
      (64, ["dog", picture, "--json", "-p"]), (64, ["dog", picture, "--min-score", "1"]),
      (66, ["dog", "no-such.jpg"]), (66, ["dog", "4711"]),
      (65, ["dog", program.index + "/CURRENT"]),
      (74, ["dog", picture, "--picture", "/no/such/folder/x.png"]),
    ] as [(Int32, [String])] {
      let run = try program.run(["explain"] + arguments)
      #expect(run.status == status, "\(arguments): \(run.messages)")
    }
  }

  @Test func `boxes are given in pixels, as a region takes them`() throws {
    let run = try program.run("search", "small balloon", "-k", "4", "--boxes")
    #expect(run.lines.count == 8, "a line for each hit and word")
    let document = try json(["search", "small balloon", "-k", "4", "--boxes", "--json"])
    let hits = try #require(document["results"] as? [[String: Any]])
    let words = hits.flatMap { $0["words"] as? [[String: Any]] ?? [] }
    #expect(words.count == 8 && words.allSatisfy { $0["contribution"] == nil })
    for (line, word) in zip(run.lines, words) {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      #expect(fields.count == 5)
      let box = fields[4].split(separator: ",").compactMap { Double($0) }
      #expect(box == (word["region"] as? [Double])?.map { $0.rounded() })
    }
    let first = run.lines[0].split(separator: "\t").map(String.init)
    let again = try program.run(
      "search", "--image", program.folder.path + "/" + first[1], "--region", first[4], "-k", "1",
      "-l")
    #expect(again.lines == [first[1]], "asked with its own box, the picture finds itself")
    let human = try program.run("search", "balloon", "-k", "1", "--boxes", "--format", "human")
    #expect(human.text.contains("["), "\(human.text)")
  }

  @Test func `hits are explained and shown where somebody reads along`() throws {
    let table = try program.run("search", "small balloon", "-k", "2", "--explain")
    // A line for the hit, a head, two words, the score.
    #expect(table.lines.count == 10 && table.lines[4].contains("score"), "\(table.text)")
    let blocks = try program.run(
      "search", "small balloon", "-k", "1", "--picture-protocol", "blocks")
    #expect(blocks.text.contains("▀") && blocks.lines.count == 1 + 36)
    for (name, start) in [
      ("kitty", "\u{1B}_Ga=T"), ("iterm2", "\u{1B}]1337;File="), ("sixel", "\u{1B}P0;1;0q"),
    ] {
      let arguments = ["--picture-protocol", name]
      let shown = try program.run(["search", "dog", "-k", "2"] + arguments)
      #expect(shown.text.components(separatedBy: start).count >= 3, "\(name)")
      let explained = try program.run(["explain", "dog", pictures + "/scene-0011.jpg"] + arguments)
      #expect(explained.text.contains(start), "\(name): \(explained.messages)")
    }
    let piped = try program.run("search", "dog", "-k", "1", "-p")
    #expect(piped.status == 0 && !piped.text.contains("\u{1B}"), "no escapes in a pipe")
    #expect(piped.messages.contains("--picture-protocol"))
    for arguments in [
      ["--explain", "--format", "tsv"], ["--explain", "-l"], ["--boxes", "-l"], ["-p", "--json"],
      ["--pooled", "--explain"], ["--pooled", "--boxes"], ["--scorer", "ot", "--explain"],
      ["--picture-protocol", "paper"],
    ] {
      let run = try program.run(["search", "dog"] + arguments)
      #expect(run.status == 64, "\(arguments): \(run.messages)")
    }
  }

  @Test func `the page has a map for each word and one for all patches, and their scale`() throws {
    let file = program.folder.path + "/page.html"
    let run = try program.run("search", "small balloon", "-k", "3", "--html", file)
    #expect(run.status == 0, "\(run.messages)")
    let page = try String(contentsOfFile: file, encoding: .utf8)
    #expect(page.components(separatedBy: "data:image/png;base64,").count == 1 + 3 * 3)
    #expect(page.components(separatedBy: "class=\"map ma\"").count == 1 + 3)
    #expect(page.contains("class=\"legend\"") && page.contains("linear-gradient(90deg,#440154"))
  }
}
