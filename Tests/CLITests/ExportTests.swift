import FilipLateInteraction
import FilipStore
import Foundation
import TestSupport
import Testing

@Suite struct ExportTests {
  let program: Program

  init() throws { program = try Program() }

  /// What an index knows of an item, but for its ids.
  private struct Content: Equatable {
    var record: ItemRecord
    var tokens: TokenMatrix?
    var pooled: [Float]?
  }

  private func content(of index: String) throws -> [Content] {
    try TokenStore.open(at: index, mode: .readOnly).read { snapshot in
      var items: [Content] = []
      try snapshot.forEachItem { item in
        guard item.unreadableReason == nil else { return }
        var record = item
        record.id = .unassigned
        items.append(
          Content(
            record: record, tokens: try snapshot.tokens(of: item.id),
            pooled: try snapshot.pooled(of: item.id)))
      }
      return items
    }
  }

  @Test(arguments: [
    [], ["--pool", "2"], ["--dimension", "48"], ["--pool", "2", "--dimension", "64"],
  ])
  func `an export that is imported is the same index`(options: [String]) throws {
    let pictures = try program.pictures(6)
    try Data("no image".utf8).write(to: URL(fileURLWithPath: pictures + "/bad.jpg"))
    try program.run(["index", pictures] + options)
    let file = program.folder.path + "/e.safetensors"
    let exported = try program.run("export", "-o", file)
    #expect(exported.status == 0, "\(exported.messages)")
    #expect(exported.messages.contains("exported 6 items with"), "\(exported.messages)")
    #expect(exported.messages.contains("left out: 1 files without tokens"))

    let other = program.folder.path + "/other"
    let imported = try program.run("import", file, "--index", other)
    #expect(imported.messages.contains("imported 6 new"), "\(imported.messages)")
    let (first, second) = (try content(of: program.index), try content(of: other))
    #expect(first == second && first.count == 6)
    #expect(first.allSatisfy { $0.record.kind == .image && $0.record.contentHash != nil })
    #expect(first.allSatisfy { ($0.record.patchTokens != nil) == options.contains("--pool") })
    func hits(_ index: String) throws -> String {
      try program.run("search", "small balloon", "-k", "9", "-q", "--index", index).text
    }
    #expect(try hits(other) == hits(program.index))

    // Exported again, it is the same file; and the index of it goes on with the pictures.
    let again = program.folder.path + "/again.safetensors"
    try program.run("export", "-o", again, "--index", other)
    #expect(
      FileManager.default.contentsEqual(atPath: again, andPath: file), "the tokens differ")
    let continued = try program.run("index", pictures, "--index", other)
    #expect(continued.messages.contains("6 unchanged"), "\(continued.messages)")
    #expect(try hits(other) == hits(program.index))
  }

  @Test func `reduced tokens go where the axes are the same, and nowhere else`() throws {
    let pictures = try program.pictures(6)
    try program.run("index", pictures, "--dimension", "48")
    let file = program.folder.path + "/e.safetensors"
    let exported = try program.run("export", "-o", file)
    #expect(
      exported.messages.contains("the tokens are reduced with --dimension 48"),
      "\(exported.messages)")
    let tensors = try readSafetensors(file)
    let axes = try #require(tensors.tensors["projection"])
    #expect(axes.type == "F32" && axes.shape == [48, 128])
    #expect(tensors.metadata["reduction"] == "pool 1 dimension 48")

    // Back into the index it came from: the same axes.
    #expect(try program.run("import", file).messages.contains("6 replaced"))
    // Axes that were learnt from other pictures, and other settings, are refused.
    let others = try program.pictures(4, in: "others")
    for options in [["--dimension", "48"], ["--pool", "2"], []] {
      let index = program.folder.path + "/other-index" + options.joined()
      try program.run(["index", others, "--index", index] + options)
      let refused = try program.run("import", file, "--index", index)
      #expect(refused.status == 65, "\(options): \(refused.messages)")
    }
    // Without the axes they would be tokens that no query fits.
    var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    let name = try #require(bytes.range(of: Data("\"projection\"".utf8)))
    bytes.replaceSubrange(name, with: Data("\"projectors\"".utf8))
    let lost = program.folder.path + "/lost.safetensors"
    try bytes.write(to: URL(fileURLWithPath: lost))
    let refused = try program.run("import", lost, "--index", program.folder.path + "/new")
    #expect(
      refused.status == 65 && refused.messages.contains("export them again"), "\(refused.messages)")
  }

  @Test func `the file has the form that other programs read`() throws {
    let pictures = try program.pictures(4)
    try program.run("index", pictures)
    let file = program.folder.path + "/e.safetensors"
    try program.run("export", "-o", file)
    let items = try content(of: program.index)
    let tensors = try readSafetensors(file)
    #expect(tensors.metadata["format"] == "filip.embed/1")
    #expect(tensors.metadata["fingerprint"] == items[0].record.encoderFingerprint)
    let embeddings = try #require(tensors.tensors["embeddings"])
    #expect(embeddings.type == "F16")
    #expect(embeddings.shape == [items.reduce(0) { $0 + $1.record.tokenCount }, 128])
    let expected = items.flatMap { $0.tokens?.elements ?? [] }.map { Float16($0).bitPattern }
    #expect(embeddings.bytes == bytes(expected))
    let lengths = try #require(tensors.tensors["lengths"])
    #expect(lengths.type == "I64" && lengths.shape == [4])
    #expect(lengths.bytes == bytes(items.map { Int64($0.record.tokenCount) }))
    let pooled = try #require(tensors.tensors["pooled"])
    #expect(pooled.type == "F16" && pooled.shape == [4, items[0].pooled?.count ?? 0])

    let text = try String(contentsOfFile: file + ".jsonl", encoding: .utf8)
    let lines = try text.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    #expect(
      lines.map { $0["path"] as? String }
        == items.map { String(decoding: $0.record.path ?? [], as: UTF8.self) })
    #expect(lines.map { $0["filip_id"] as? Int } == [1, 2, 3, 4])
    #expect(lines.allSatisfy { $0["kind"] as? String == "image" && $0["width"] as? Int == 256 })
    #expect(lines.allSatisfy { ($0["grid"] as? [[Int]])?.first?.count == 2 })
    // Nothing half written is left behind.
    let left = try FileManager.default.contentsOfDirectory(atPath: program.folder.path)
    #expect(!left.contains { $0.hasSuffix(".partial") })
  }

  @Test func `names that are no plain text, texts and ids, and missing pooled vectors`() throws {
    let store = try TokenStore.open(at: program.index, mode: .create)
    let names: [(ItemRecord.Kind, [UInt8])] = [
      (.image, Array("/a/b\u{FF}".utf8) + [0xFF, 0x0A]), (.image, Array("/a//b.jpg".utf8)),
      (.text, Array("a red\nballoon".utf8)), (.imported, Array("17".utf8)),
      (.imported, Array("/abs".utf8)),
    ]
    try store.write { writer in
      for (number, (kind, name)) in names.enumerated() {
        var item = ItemRecord(kind: kind, path: name, fileSize: 7, modificationTime: -5)
        item.encoderFingerprint = "other"
        var elements = [Float](repeating: 0, count: 4)
        elements[number % 4] = 1
        try writer.insert(
          item, tokens: try TokenMatrix(normalizing: elements, tokenCount: 1, dimension: 4),
          pooled: number == 1 ? nil : [0, 1])
      }
    }
    let file = program.folder.path + "/e.safetensors"
    #expect(try program.run("export", "-o", file).status == 0)
    let other = program.folder.path + "/other"
    #expect(try program.run("import", file, "--index", other).status == 0)
    #expect(try content(of: other) == content(of: program.index))
  }

  @Test func `an index without originals exports what its codes stand for`() throws {
    let pictures = try program.pictures(3)
    try program.run("index", pictures, "--originals", "none")
    let file = program.folder.path + "/e.safetensors"
    let exported = try program.run("export", "-o", file)
    #expect(exported.messages.contains("what its codes stand for"), "\(exported.messages)")
    let embeddings = try #require(try readSafetensors(file).tensors["embeddings"])
    #expect(embeddings.type == "F32")
    let expected = try content(of: program.index).flatMap { $0.tokens?.elements ?? [] }
    #expect(embeddings.bytes == bytes(expected))
    let unwritable = try program.run("export", "-o", program.folder.path + "/none/e.safetensors")
    #expect(unwritable.status == 66 || unwritable.status == 73 || unwritable.status == 74)
    #expect(unwritable.messages.split(separator: "\n").count == 1, "\(unwritable.messages)")
  }
}
