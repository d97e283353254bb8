import FilipLateInteraction
import Testing
import TestSupport

@testable import FilipStore

@Suite struct PathTests {
  let folder = TemporaryFolder()
  let store: TokenStore

  init() throws {
    store = try TokenStore.open(at: folder.path, mode: .create)
  }

  func record(_ path: [UInt8]) -> ItemRecord { ItemRecord(kind: .image, path: path) }

  @Test func `paths of every length and any bytes come back`() throws {
    var generator = SeededGenerator(seed: 1)
    let beginning = generator.bytes(480)
    var paths: [[UInt8]] = [1, 479, 480].map { Array(beginning[..<$0]) }
    for count in [481, 495, 496, 497, 511, 512, 4095] {
      paths += (0..<3).map { _ in beginning + generator.bytes(count - 480) }
    }
    paths += [[0xFF, 0x2F, 0xC0], Array("/a\n\t\"b\u{7F}".utf8), Array("/ä/日本.jpg".utf8)]
    var ids: [ItemID] = []
    try store.write { writer in
      for path in paths { ids.append(try writer.insert(record(path), tokens: smallTokens)) }
      for (path, id) in zip(paths, ids) {
        try #expect(writer.insert(record(path), tokens: smallTokens) == id)
      }
    }
    #expect(Set(ids).count == paths.count)
    try store.read { snapshot in
      for (path, id) in zip(paths, ids) {
        try #expect(snapshot.item(forPath: path)?.id == id)
        try #expect(snapshot.item(forPath: path)?.path == path)
      }
      try #expect(snapshot.item(forPath: beginning + [1]) == nil)
    }
    try store.write { writer in
      for id in ids.dropFirst() { try writer.remove(id) }
    }
    try store.read { snapshot in
      for path in paths.dropFirst() { try #expect(snapshot.item(forPath: path) == nil) }
      try #expect(snapshot.statistics.tables.first { $0.name == "paths" }?.entryCount == 1)
    }
  }

  @Test func `long paths with one key are told apart`() throws {
    // The ids of both are put under the key of the first, as if the hashes were equal.
    let first = [UInt8](repeating: 1, count: 600)
    let second = [UInt8](repeating: 1, count: 480) + [UInt8](repeating: 2, count: 120)
    try store.write { writer in
      let a = try writer.insert(record(first), tokens: smallTokens)
      let b = try writer.insert(record(second), tokens: smallTokens)
      var bytes = ByteWriter()
      bytes.append(b.rawValue)
      bytes.append(a.rawValue)
      for path in [first, second] {
        try writer.transaction.put(
          bytes.bytes, forKey: StoreLayout.key(ofPath: path), in: writer.tables.paths)
      }
    }
    try store.read { snapshot in
      try #expect(snapshot.item(forPath: first)?.id.rawValue == 1)
      try #expect(snapshot.item(forPath: second)?.id.rawValue == 2)
    }
    try store.write { writer in
      try #expect(writer.insert(record(first), tokens: smallTokens).rawValue == 1)
      try writer.remove(ItemID(rawValue: 1))
      try #expect(writer.item(forPath: first) == nil)
      try #expect(writer.item(forPath: second)?.id.rawValue == 2)
    }
  }

  @Test func `a folder's items come in the order of their paths`() throws {
    let long = "/a/" + String(repeating: "x", count: 500)
    let paths = ["/a/2", "/a/10", "/ab", "/a", "/b", long + "1", long + "2", "/a/1/1"]
    try store.write { writer in
      for path in paths { try writer.insert(image(path), tokens: smallTokens) }
    }
    func found(_ prefix: String) throws -> [String] {
      try store.read { snapshot in
        var found: [String] = []
        try snapshot.forEachItem(withPathPrefix: Array(prefix.utf8)) { item in
          found.append(String(decoding: item.path ?? [], as: UTF8.self))
        }
        return found
      }
    }
    try #expect(found("/a/").prefix(3) == ["/a/1/1", "/a/10", "/a/2"])
    try #expect(Set(found("/a/").suffix(2)) == [long + "1", long + "2"])
    try #expect(found("/a/").count == 5)
    try #expect(found(long + "2") == [long + "2"])
    try #expect(found("").count == paths.count)
    try #expect(found("/c").isEmpty)
  }

  @Test func `items without a path are kept apart`() throws {
    let ids = try store.write { writer in
      (
        try writer.insert(ItemRecord(kind: .imported, path: nil), tokens: smallTokens),
        try writer.insert(ItemRecord(kind: .imported, path: nil), tokens: smallTokens)
      )
    }
    #expect(ids.0 != ids.1)
    try #expect(store.read { snapshot in try snapshot.itemCount } == 2)
  }
}
