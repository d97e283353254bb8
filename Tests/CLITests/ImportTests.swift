import FilipLateInteraction
import FilipStore
import Foundation
import TestSupport
import Testing

@Suite struct ImportTests {
  let program: Program

  init() throws { program = try Program() }

  /// Items of 4 dimensions, one row per token.
  private func writeItems(
    _ items: [[[Float]]], names: [String]? = nil, metadata: [String: String] = [:],
    to name: String = "tokens.safetensors"
  ) throws -> String {
    let path = program.folder.path + "/" + name
    let rows = items.flatMap { $0 }
    try writeSafetensors(
      [
        ("embeddings", "F32", [rows.count, 4], bytes(rows.flatMap { $0 })),
        ("lengths", "I64", [items.count], bytes(items.map { Int64($0.count) })),
      ], metadata: metadata, to: path)
    if let names {
      let lines = names.map { $0 + "\n" }.joined()
      try Data(lines.utf8).write(to: URL(fileURLWithPath: path + ".jsonl"))
    }
    return path
  }

  private func items() throws -> [ItemRecord] {
    var items: [ItemRecord] = []
    try TokenStore.open(at: program.index, mode: .readOnly).read { snapshot in
      try snapshot.forEachItem { items.append($0) }
    }
    return items
  }

  private func tokens(of id: ItemID) throws -> TokenMatrix? {
    try TokenStore.open(at: program.index, mode: .readOnly).read { try $0.tokens(of: id) }
  }

  private func names() throws -> [String] {
    try items().map { String(decoding: $0.path ?? [], as: UTF8.self) }
  }

  @Test func `embedded images come back from an import as from an index`() throws {
    let pictures = try program.pictures(8)
    let files = try FileManager.default.contentsOfDirectory(atPath: pictures).sorted()
    try program.run("index", pictures)
    let embedded = program.folder.path + "/e.safetensors"
    let embed = program.process(["embed", "-o", embedded] + files, in: pictures)
    try embed.run()
    embed.waitUntilExit()
    let query = program.folder.path + "/q.safetensors"
    try program.run("embed", "--text", "dog", "--text", "small balloon", "-o", query)

    let other = program.folder.path + "/imported"
    let imported = try program.run("import", embedded, "--index", other, in: pictures)
    #expect(imported.status == 0 && imported.messages.contains("imported 8 new, 0 replaced"))

    // Same hits, scores and boxes, whether the query is a text or tokens.
    func results(_ arguments: String...) throws -> String {
      let outcome = try program.run(
        "search", arguments[0], arguments[1], arguments[2], arguments[3], "--json", in: pictures)
      let document = try #require(
        try JSONSerialization.jsonObject(with: outcome.output) as? [String: Any])
      let hits = try #require(document["results"] as? [[String: Any]])
      return try hits.map { hit in
        let boxes = try #require(hit["words"] as? [[String: Any]]).map { $0["box"] as? [Double] }
        let score = try #require(hit["score"] as? Double)
        return "\(hit["path"] ?? "") \((score * 1e4).rounded()) \(boxes)"
      }.joined(separator: "\n")
    }
    let expected = try results("small balloon", "-q", "-k", "8")
    #expect(expected.split(separator: "\n").count == 8)
    #expect(try results("small balloon", "-q", "--index", other) == expected)
    let tokens = try program.run(
      "search", "--query-tokens", query, "--query-number", "1", "--index", other, in: pictures)
    let text = try program.run("search", "small balloon", in: pictures)
    #expect(tokens.status == 0 && tokens.text == text.text)
    #expect(try program.run("search", "--query-tokens", query, in: pictures).lines.count == 8)

    // The name says who made the tokens, so this is the model's own index and can be continued.
    let continued = try program.run("index", pictures, "--index", other)
    #expect(continued.status == 0, "\(continued.messages)")
  }

  @Test func `names become paths, texts and ids, and the same names keep their ids`() throws {
    let row: [[Float]] = [[1, 0, 0, 0]]
    let file = try writeItems(
      [row, row + row, row, row, row],
      names: [
        #"{"path": "a b.jpg", "text": "not this"}"#, #"{"text": "a red\nballoon", "id": 4}"#,
        #"{"id": 17}"#, #"{"id": "x/y"}"#, #"{"other": 1}"#,
      ])
    let first = try program.run("import", file)
    #expect(first.status == 0, "\(first.messages)")
    let folder = program.folder.path
    #expect(
      try names() == [folder + "/a b.jpg", "a red\nballoon", "17", "x/y", file + "#4"])
    #expect(try items().map(\.kind) == [.imported, .text, .imported, .imported, .imported])
    #expect(try items().map(\.tokenCount) == [1, 2, 1, 1, 1])
    let ids = try items().map(\.id)

    // The order is another, one is gone and one is new: ids belong to names.
    let again = try writeItems(
      [[[0, 1, 0, 0]], row, row], names: [#"{"id": 17}"#, #"{"path": "a b.jpg"}"#, #"{"id": 18}"#])
    let second = try program.run("import", again)
    #expect(second.messages.contains("imported 1 new, 2 replaced"), "\(second.messages)")
    #expect(try items().prefix(5).map(\.id) == ids)
    #expect(try names().last == "18")
    #expect(try tokens(of: ids[2])?.elements == [0, 1, 0, 0])

    // They can be removed by those names.
    #expect(try program.run("remove", "x/y", "a b.jpg", in: folder).status == 0)
    #expect(try items().count == 4)
  }

  @Test func `items of one name in one file are all kept`() throws {
    let file = try writeItems(
      [[[1, 0, 0, 0]], [[0, 1, 0, 0]], [[0, 0, 1, 0]]],
      names: [#"{"text": "dog"}"#, #"{"text": "dog"}"#, #"{"text": "dog#1"}"#])
    try program.run("import", file)
    #expect(try names() == ["dog", "dog#1", "dog#1#2"])
    #expect(try program.run("import", file).messages.contains("imported 0 new, 3 replaced"))
  }

  @Test func `rows are normalised, zero rows stay zero, items that are no numbers are left out`()
    throws
  {
    let file = try writeItems([
      [[3, 0, 4, 0], [0, 0, 0, 0]], [[1, 1, 1, .nan]], [[0, .infinity, 0, 0]], [],
      [[0, 2, 0, 0]],
    ])
    let outcome = try program.run("import", file)
    #expect(outcome.status == 2)
    #expect(outcome.messages.contains("left out: tokens.safetensors#1: "), "\(outcome.messages)")
    #expect(outcome.messages.contains("left out: tokens.safetensors#2: "))
    #expect(outcome.messages.contains("1 tokens are all zero"))
    #expect(outcome.messages.contains("1 items have no tokens"))
    #expect(outcome.messages.contains("imported 3 new"))
    let items = try items()
    #expect(items.map(\.tokenCount) == [2, 0, 1])
    let elements = try #require(try tokens(of: items[0].id)).elements
    for (element, expected) in zip(elements, [0.6, 0, 0.8, 0, 0, 0, 0, 0] as [Float]) {
      #expect(abs(element - expected) < 1e-3)
    }
    // What was good under a name stays when its next tokens are not.
    let worse = try writeItems([[[.nan, 0, 0, 0]]])
    #expect(try program.run("import", worse, "-q").status == 2)
    #expect(try tokens(of: items[0].id)?.elements == elements)
  }

  @Test func `NumPy pairs and cubes, halves and small integers, several at once`() throws {
    let folder = program.folder.path
    // 1, 2 and −1 in half precision.
    let halves: [UInt16] = [0x3C00, 0, 0, 0, 0, 0x4000, 0, 0, 0, 0, 0, 0xBC00]
    try writeArray("<f2", [3, 4], bytes(halves), to: folder + "/t.npy")
    try writeArray("<i4", [2], bytes([2, 1] as [Int32]), to: folder + "/l.npy")
    let cube: [Float] = [0, 0, 1, 0, 0, 0, 0, 1]
    try writeArray("<f4", [2, 1, 4], bytes(cube), to: folder + "/cube.npy")
    try Data("{\"id\": \"one\"}\n{\"id\": \"two\"}\n".utf8).write(
      to: URL(fileURLWithPath: folder + "/cube.npy.jsonl"))
    let outcome = try program.run("import", "t.npy", "l.npy", "cube.npy")
    #expect(outcome.messages.contains("imported 4 new, 0 replaced with 5 tokens"))
    #expect(try names() == [folder + "/t.npy#0", folder + "/t.npy#1", "one", "two"])
    let items = try items()
    #expect(try tokens(of: items[0].id)?.elements == [1, 0, 0, 0, 0, 1, 0, 0])
    #expect(try tokens(of: items[1].id)?.elements == [0, 0, 0, -1])

    // Queries: a matrix, and a batch.
    try writeArray("<f4", [1, 4], bytes([0, 0, 2, 0] as [Float]), to: folder + "/q.npy")
    #expect(try program.run("search", "--query-tokens", "q.npy", "-k", "1").text == "1.0000\tone\n")
    let second = try program.run(
      "search", "--query-tokens", "cube.npy", "--query-number", "1", "-k", "1", "--json")
    let document = try #require(
      try JSONSerialization.jsonObject(with: second.output) as? [String: Any])
    let hit = try #require((document["results"] as? [[String: Any]])?.first)
    #expect(hit["path"] as? String == "two")
    #expect((document["query"] as? [String: Any])?["text"] as? String == "two")
    #expect(document["model"] == nil)
  }

  @Test func `damaged, mismatching and missing files change nothing`() throws {
    let folder = program.folder.path
    try program.run("import", try writeItems([[[1, 0, 0, 0]]], to: "good.safetensors"))
    func check(
      _ status: Int32, _ hint: String, _ arguments: String..., line: Int = #line
    ) throws {
      let process = program.process(arguments)
      let pipe = Pipe()
      process.standardError = pipe
      try process.run()
      let messages = String(
        decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == status, "line \(line): \(messages)")
      #expect(messages.contains(hint), "line \(line): \(messages)")
      #expect(messages.split(separator: "\n").count == 1, "line \(line): \(messages)")
      #expect(try items().count == 1, "line \(line)")
    }
    try check(66, "none.safetensors", "import", "none.safetensors")
    try check(66, "none.npy", "import", "good.safetensors", "none.npy")
    try check(66, "none.jsonl", "import", "good.safetensors", "--names", "none.jsonl")

    let row = bytes([1, 0, 0, 0, 0, 1, 0, 0] as [Float])
    func tensors(_ lengths: [Int64]) throws {
      try writeSafetensors(
        [("embeddings", "F32", [2, 4], row), ("lengths", "I64", [lengths.count], bytes(lengths))],
        to: folder + "/bad.safetensors")
    }
    try tensors([1, 2])
    try check(65, "add up to more than the 2 tokens", "import", "bad.safetensors")
    try tensors([1])
    try check(65, "add up to 1, but there are 2", "import", "good.safetensors", "bad.safetensors")
    try tensors([-1, 3])
    try check(65, "length of -1", "import", "bad.safetensors")
    try tensors([.max, .max])
    try check(65, "add up to more", "import", "bad.safetensors")
    try writeSafetensors([("embeddings", "F32", [2, 4], row)], to: folder + "/bad.safetensors")
    try check(65, "shape (2, 4)", "import", "bad.safetensors")
    try writeSafetensors([("other", "F32", [2, 4], row)], to: folder + "/bad.safetensors")
    try check(65, "no tensor embeddings", "import", "bad.safetensors")
    try Data("PK".utf8).write(to: URL(fileURLWithPath: folder + "/bad.safetensors"))
    try check(65, "bad.safetensors", "import", "bad.safetensors")
    try writeArray("<f4", [2, 4], row.dropLast(), to: folder + "/bad.npy")
    try check(65, "31 bytes follow", "import", "bad.npy", "bad.npy")
    try writeArray("<f4", [2, 4], row, to: folder + "/alone.npy")
    try check(65, "lengths", "import", "alone.npy")
    try check(65, "shape (2, 4)", "import", "alone.npy", "alone.npy")

    // Names: one line too few, and a line that is none.
    let file = try writeItems([[[1, 0, 0, 0]], [[1, 0, 0, 0]]], names: [#"{"id": 1}"#])
    try check(65, "has 1 lines, but there are 2 items", "import", file)
    try Data("{\"id\": 1}\n{\"id\" 2}\n".utf8).write(to: URL(fileURLWithPath: file + ".jsonl"))
    try check(65, "line 2", "import", file)

    // Other dimensions, and queries of them.
    try writeArray("<f4", [1, 1, 8], row, to: folder + "/wide.npy")
    try check(65, "4 dimensions, not 8", "import", "wide.npy")
    try check(65, "dimensions", "search", "--query-tokens", "wide.npy", "-q")
    try check(66, "no number 1", "search", "--query-tokens", "wide.npy", "--query-number", "1")
    #expect(try program.run("search", "dog", "--query-tokens", "wide.npy").status == 64)
    #expect(try program.run("search", "--query-number", "1", "dog").status == 64)
  }

  @Test func `tokens of different encoders do not mix`() throws {
    let mine = try writeItems([[[1, 0, 0, 0]], [[0, 1, 0, 0]]], to: "mine.safetensors")
    let theirs = try writeItems(
      [[[0, 0, 1, 0]]], metadata: ["fingerprint": "theirs"], to: "theirs.safetensors")
    try program.run("import", mine, "--fingerprint", "mine")
    let refused = try program.run("import", theirs)
    #expect(refused.status == 65 && refused.messages.contains("tokens of mine, not theirs"))
    #expect(try program.run("import", theirs, mine, "--fingerprint", "mine").status == 0)
    #expect(try items().count == 3)
    // Without a name of its own a file joins what is there.
    #expect(try program.run("import", mine).messages.contains("0 new, 2 replaced"))

    // No model: a text cannot be searched for, pictures do not go in.
    let text = try program.run("search", "dog")
    #expect(text.status == 65 && text.messages.contains("--query-tokens"), "\(text.messages)")
    let pictures = try program.pictures(2)
    #expect(try program.run("index", pictures).status == 65)
    #expect(try program.run("index", pictures, "--model", "filip-drawn").status == 65)
    #expect(try items().count == 3)
    #expect(try program.run("status").text.contains("tokens imported as mine"))

    // By force the old items wait, with their ids.
    let ids = try items().map(\.id)
    #expect(try program.run("import", theirs, "--force").messages.contains("1 new, 0 replaced"))
    #expect(try items().map(\.id) == ids)
    #expect(try items().map { $0.unreadableReason == nil } == [false, false, true])
    #expect(try program.run("index", pictures, "--force").status == 0)
    #expect(try program.run("search", "dog").lines.count == 2)

    // And an index of a model takes no strange tokens.
    #expect(try program.run("import", mine, "--fingerprint", "mine").status == 65)
  }
}
