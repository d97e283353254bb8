import Foundation
import TestSupport
import Testing

/// `filip index --text` and what is found then, with the bundled model.
@Suite struct TextCollectionTests {
  let program: Program

  init() throws { program = try Program() }

  private func write(_ lines: [String], to name: String = "notes.jsonl") throws {
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: program.folder.path + "/" + name, atomically: true, encoding: .utf8)
  }

  private func results(_ arguments: String...) throws -> [[String: Any]] {
    let found = try program.run(["search"] + arguments + ["--json"])
    let json = try JSONSerialization.jsonObject(with: found.output) as? [String: Any]
    return try #require(json?["results"] as? [[String: Any]], "\(found.messages)")
  }

  private func name(_ result: [String: Any]) -> String { result["path"] as? String ?? "" }

  @Test
  func `a text is found by its words, which are shown, and comes with all that its line says`()
    throws
  {
    try write([
      #"{"id": "b1", "text": "a large red balloon above a house", "title": "Sky", "year": 1999}"#,
      #"{"text": "a small blue boat"}"#,
      "",
      #"{"id": 7, "text": "two green trees"}"#,
    ])
    let indexed = try program.run("index", "--text", "notes.jsonl")
    #expect(indexed.status == 0 && indexed.messages.contains("indexed 3 new"))
    #expect(indexed.messages.contains("index: 3 items"))

    let hits = try results("a large red balloon", "-k", "3")
    #expect(
      Set(hits.map { name($0) }) == ["notes.jsonl#b1", "notes.jsonl#2", "notes.jsonl#7"])
    let best = try #require(hits.first)
    #expect(name(best) == "notes.jsonl#b1")
    let document = try #require(best["document"] as? [String: Any])
    #expect(document["title"] as? String == "Sky" && document["year"] as? Int == 1999)
    let words = try #require(best["words"] as? [[String: Any]])
    let matches = words.compactMap { $0["match"] as? [String: Any] }
    #expect(matches.map { $0["text"] as? String } == ["a", "large", "red", "balloon"])
    #expect(
      matches.map { $0["span"] as? [Int] } == [[0, 1], [2, 7], [8, 11], [12, 19]])
    #expect(words.allSatisfy { $0["box"] == nil && $0["patch"] == nil })

    let human = try program.run("search", "a large red balloon", "-k", "1", "--format", "human")
    #expect(human.lines.count == 2)
    #expect(human.lines[0].contains("(red)") && human.lines[0].contains("(balloon)"))
    #expect(human.lines[1].hasSuffix("Sky: a large red balloon above a house"))
  }

  @Test func `texts that were exported and imported are shown as before`() throws {
    try write([
      #"{"id": "b1", "text": "a large red balloon above a house", "title": "Sky"}"#,
      #"{"text": "a small blue boat"}"#,
    ])
    try program.run("index", "--text", "notes.jsonl")
    try program.run("export", "-o", program.folder.path + "/e.safetensors")
    let other = program.folder.path + "/other-index"
    try program.run("import", program.folder.path + "/e.safetensors", "--index", other)
    func shown(_ index: String) throws -> [String] {
      try results("red balloon", "--index", index).map { hit in
        let words = try #require(hit["words"] as? [[String: Any]])
        let matches = words.compactMap { $0["match"] as? [String: Any] }
        #expect(matches.count == 2)
        let document = try JSONSerialization.data(
          withJSONObject: hit["document"] as Any, options: .sortedKeys)
        return name(hit) + String(decoding: document, as: UTF8.self)
          + "\(matches.map { $0["text"] ?? "" })"
      }
    }
    #expect(try shown(other) == shown(program.index))
  }

  @Test func `only lines that are new or changed are encoded, and those that are gone leave`()
    throws
  {
    let lines = (0..<20).map { #"{"id": \#($0), "text": "a small boat number \#($0)"}"# }
    try write(lines)
    #expect(try program.run("index", "--text", "notes.jsonl").messages.contains("indexed 20 new"))
    #expect(
      try program.run("index", "--text", "notes.jsonl").messages.contains(
        "0 new, 0 changed, 0 renamed, 0 removed; 20 unchanged"))
    var changed = lines
    changed[3] = #"{"id": 3, "text": "a red balloon"}"#
    changed.removeLast()
    try write(changed.reversed())
    #expect(
      try program.run("index", "--text", "notes.jsonl").messages.contains(
        "0 new, 1 changed, 0 renamed, 1 removed; 18 unchanged"))
    #expect(name(try #require(results("a red balloon", "-k", "1").first)) == "notes.jsonl#3")

    // Most of a file gone at once: kept until that is confirmed.
    try write(Array(lines.prefix(2)))
    let kept = try program.run("index", "--text", "notes.jsonl")
    #expect(kept.status == 2 && kept.messages.contains("17 of 19 texts"))
    let pruned = try program.run("index", "--text", "notes.jsonl", "--prune")
    #expect(pruned.status == 0 && pruned.messages.contains("17 removed"))
  }

  @Test func `a line that is no text is listed with the reason and stops nothing`() throws {
    let good = #"{"id": "x", "text": "a red balloon"}"#
    let long = #"{"text": ""# + String(repeating: "a ", count: 9 << 20) + #""}"#
    try write([
      "{", good, "[]", #"{"title": "no text"}"#, #"{"text": 5}"#, good, #"{"text": "  "}"#,
      #"{"text": "a tree", "id": []}"#, long, #"{"text": "the last"}"#,
    ])
    let indexed = try program.run("index", "--text", "notes.jsonl", "--strict")
    #expect(indexed.status == 2 && indexed.messages.contains("indexed 2 new"))
    for (line, reason) in [
      (1, "JSON"), (3, "no JSON object"), (4, "no member text"), (5, "no member text"),
      (6, "the id x already"), (7, "no words"), (8, "its id"), (9, "longer than 16 MiB"),
    ] {
      #expect(
        indexed.messages.split(separator: "\n").contains {
          $0.contains("notes.jsonl#\(line): ") && $0.contains(reason)
        }, "line \(line): \(indexed.messages)")
    }
    let again = try program.run("index", "--text", "notes.jsonl")
    #expect(again.status == 0 && again.messages.contains("2 unchanged; 8 unreadable"))
    #expect(try results("tree").count == 2)
  }

  @Test func `texts and images share an index, and neither's run touches the other's items`()
    throws
  {
    let pictures = try program.pictures(3)
    try write([#"{"text": "a red balloon"}"#])
    _ = try program.run("index", pictures)
    _ = try program.run("index", "--text", "notes.jsonl")
    let again = try program.run("index", pictures)
    #expect(again.messages.contains("0 removed; 3 unchanged"))
    let sheet = program.folder.path + "/sheet.html"
    let found = try program.run("search", "red balloon", "--html", sheet)
    #expect(found.lines.count == 4 && found.lines.contains { $0.hasSuffix("notes.jsonl#1") })
    let page = try String(contentsOfFile: sheet, encoding: .utf8)
    #expect(page.contains("<blockquote>a red balloon</blockquote>"))
  }

  @Test func `what cannot be done is said in one line`() throws {
    let missing = try program.run("index", "--text", "nowhere.jsonl")
    #expect(missing.status != 0 && missing.messages.contains("nowhere.jsonl"))
    let folder = try program.run("index", "--text", ".", program.folder.path)
    #expect(folder.status != 0 && folder.messages.contains("is not a file"))
    #expect(!FileManager.default.fileExists(atPath: program.index), "no index was made")
    #expect(try program.run("index", "--text").status != 0)
    let model = Program.repository.path + "/Tests/EncodersTests/Fixtures/text/bert-mean"
    let images = try program.run("index", try program.pictures(1), "--model", model)
    #expect(images.status != 0)
    #expect(images.messages.contains("a bert model has no vision tower"))
    #expect(images.messages.contains("filip index --text"))
  }
}
