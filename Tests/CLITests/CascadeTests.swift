import Foundation
import TestSupport
import Testing

@Suite struct CascadeTests {
  let program: Program
  let index: String

  init() throws {
    program = try Program()
    index = program.folder.path + "/index"
  }

  /// The document that a command writes.
  private func json(_ arguments: [String]) throws -> [String: Any] {
    let result = try program.run(arguments + ["--json", "-q"])
    #expect(result.status == 0, "\(arguments): \(result.messages)")
    return try #require(
      JSONSerialization.jsonObject(with: result.output) as? [String: Any])
  }

  @Test func `a cascade says that it is none the more exact, and what it finds`() throws {
    #expect(
      try program.run(["index", Program.gallery, "--index", index, "--cascade", "-q"]).status == 0)
    let exact = try json(["search", "small balloon", "--index", index])
    #expect(exact["exact"] as? Bool == true)
    #expect(exact["relative_to"] as? String == "originals")
    #expect(exact["recall_estimate"] == nil)
    let cascade = try json(["search", "small balloon", "--index", index, "--candidates", "200"])
    #expect(cascade["exact"] as? Bool == false)
    #expect(cascade["candidates"] as? Int == 200)
    let recall = try #require(cascade["recall_estimate"] as? [String: Any])
    let value = try #require(recall["value"] as? Double)
    #expect(value > 0.5 && value <= 1)
    #expect(recall["k"] as? Int == 10)
    #expect(recall["query_source"] as? String == "phrases")
    let interval = try #require(recall["interval"] as? [Double])
    #expect(interval[0] <= value && value <= interval[1])
    // With every image let through, the cascade is the exact search.
    let all = try json(["search", "small balloon", "--index", index, "--candidates", "300"])
    func paths(_ document: [String: Any]) -> [String] {
      (document["results"] as? [[String: Any]] ?? []).compactMap { $0["path"] as? String }
    }
    #expect(paths(all) == paths(exact))
    #expect(paths(exact).count == 10)
  }

  @Test(arguments: [
    ["search", "balloon", "--exact", "--cascade"],
    ["search", "balloon", "--exact", "--candidates", "5"],
    ["search", "balloon", "--candidates", "0"], ["index", "--bits", "5"],
    ["index", "--originals", "f64"], ["bench", "search", "--at-once", "0"],
  ])
  func `flags that contradict each other or make no sense are usage errors`(
    arguments: [String]
  ) throws {
    let result = try program.run(arguments)
    #expect(result.status == 64, "\(arguments): \(result.messages)")
    #expect(result.output.isEmpty)
  }

  @Test func `an index without a screen refuses a cascade and says how to make one`() throws {
    #expect(try program.run(["index", Program.gallery, "--index", index, "-q"]).status == 0)
    let result = try program.run(["search", "balloon", "--index", index, "--cascade"])
    #expect(result.status == 64)
    #expect(result.messages.contains("filip index --cascade"))
  }

  @Test(arguments: [
    ["--bits", "4"], ["--originals", "none"], ["--bits", "4", "--originals", "none"],
  ])
  func `smaller layouts find nearly the same and say what they are exact for`(
    flags: [String]
  ) throws {
    let plain = program.folder.path + "/plain"
    #expect(try program.run(["index", Program.gallery, "--index", plain, "-q"]).status == 0)
    #expect(
      try program.run(["index", Program.gallery, "--index", index, "-q"] + flags).status == 0)
    let one = try json(["search", "red car", "--index", plain])
    let other = try json(["search", "red car", "--index", index])
    let isWithout = flags.contains("none")
    #expect(other["relative_to"] as? String == (isWithout ? "codes" : "originals"))
    func hits(_ document: [String: Any]) -> [(String, Double)] {
      (document["results"] as? [[String: Any]] ?? []).map {
        ($0["path"] as? String ?? "", $0["score"] as? Double ?? 0)
      }
    }
    if isWithout {
      let tolerance = flags.contains("4") ? 0.1 : 0.02
      #expect(abs(hits(one)[0].1 - hits(other)[0].1) < tolerance)
    } else {
      #expect(hits(one).map(\.0) == hits(other).map(\.0))
      #expect(hits(one).map(\.1) == hits(other).map(\.1))
    }
    // The layout belongs to the index: another one is refused.
    let refused = try program.run(
      ["index", Program.gallery, "--index", plain, "-q"] + flags)
    #expect(refused.status == 65)
    #expect(refused.messages.contains("--bits 8 --originals f16"))
  }
}
