import Foundation
import TestSupport
import Testing

/// `--compute`, and what an index says of how it was made.
@Suite struct ComputeTests {
  let program: Program

  init() throws { program = try Program() }

  /// The line of `filip status` that says how the tokens were computed.
  private func computed() throws -> String? {
    try program.run("status").lines.first { $0.hasPrefix("computed ") }
  }

  private func paths(_ arguments: String...) throws -> [String] {
    let found = try program.run(["search", "a large red balloon", "--json"] + arguments)
    let json = try JSONSerialization.jsonObject(with: found.output) as? [String: Any]
    let results = try #require(json?["results"] as? [[String: Any]], "\(found.messages)")
    return results.compactMap { $0["path"] as? String }
  }

  @Test func `an index says in which formats its images were computed, in their order`() throws {
    let first = try program.pictures(3, in: "first")
    #expect(try program.run("index", first, "--compute", "int8").status == 0)
    #expect(try computed() == "computed    in int8")
    // The same format, and a run that finds nothing new, change nothing.
    try program.run("index", first, "--compute", "int8")
    #expect(try computed() == "computed    in int8")
    // Another one is taken: tokens of both lie in one space.
    let second = try program.run("index", try program.pictures(5, in: "second"))
    #expect(second.status == 0, "\(second.messages)")
    #expect(try computed() == "computed    in int8 and f32")

    let hits = try paths("--compute", "int8")
    #expect(hits.first == (try paths()).first && hits.first != nil)
  }

  @Test func `an index in 32 bits says nothing, until images in 8 bits come to it`() throws {
    try program.run("index", try program.pictures(2, in: "first"))
    #expect(try computed() == nil)
    try program.run("search", "balloon", "--compute", "int8")
    #expect(try computed() == nil, "a query is not kept")
    try program.run("index", try program.pictures(4, in: "second"), "--compute", "int8")
    #expect(try computed() == "computed    in f32 and int8")
  }

  @Test func `texts are computed in 8 bits as images are`() throws {
    try #"{"text": "a large red balloon"}"#.write(
      toFile: program.folder.path + "/notes.jsonl", atomically: true, encoding: .utf8)
    try program.run("index", "--text", "notes.jsonl", "--compute", "int8")
    #expect(try computed() == "computed    in int8")
    #expect(try paths("--compute", "int8") == ["notes.jsonl#1"])
  }

  @Test func `a format that there is not is refused with those that there are`() throws {
    let refused = try program.run("index", try program.pictures(1), "--compute", "int4")
    #expect(refused.status == 64)
    #expect(refused.messages.contains("int4") && refused.messages.contains("f32"))
    #expect(refused.messages.contains("int8"))
    #expect(!FileManager.default.fileExists(atPath: program.index))
  }
}
