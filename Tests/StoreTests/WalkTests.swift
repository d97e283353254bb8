import FilipLateInteraction
import Testing
import TestSupport

@testable import FilipStore

@Suite struct WalkTests {
  let folder = TemporaryFolder()
  let store: TokenStore

  init() throws {
    store = try TokenStore.open(at: folder.path, mode: .create)
    try store.write { writer in
      for number in 0..<100 {
        if number.isMultiple(of: 10) {
          try writer.insertUnreadable(image("/\(number)"), reason: "empty")
        } else {
          try writer.insert(
            image("/\(number)"), tokens: smallTokens,
            pooled: number.isMultiple(of: 3) ? [Float(number)] : nil)
        }
      }
    }
  }

  @Test func `ranges of ids cover every readable item once`() throws {
    for count in [1, 2, 3, 7, 99, 100, 500] {
      try store.read { snapshot in
        let ranges = try snapshot.idRanges(count: count)
        #expect(ranges.count <= count)
        var seen: [UInt64] = []
        for range in ranges {
          try snapshot.forEachEncodedTokens(in: range) { id, _ in seen.append(id.rawValue) }
        }
        #expect(seen == (1...100).filter { $0 % 10 != 1 })
      }
    }
  }

  @Test func `threads walk one moment together while a writer works`() async throws {
    let group = try store.snapshots(count: 4)
    let ranges = try group.withSnapshot(0) { snapshot in try snapshot.idRanges(count: 4) }
    #expect(group.count == 4)
    let counts = try await withThrowingTaskGroup(of: Int.self) { tasks in
      for (index, range) in ranges.enumerated() {
        tasks.addTask {
          try group.withSnapshot(index) { snapshot in
            var decoder = TokenDecoder()
            var buffer: [Float] = []
            var count = 0
            try snapshot.forEachEncodedTokens(in: range) { id, bytes in
              count += try decoder.decode(bytes, of: id, into: &buffer).tokenCount
            }
            return count
          }
        }
      }
      tasks.addTask { [store] in
        try store.write { writer in
          for number: UInt64 in 1...100 { try writer.remove(ItemID(rawValue: number)) }
        }
        return 0
      }
      return try await tasks.reduce(0, +)
    }
    #expect(counts == 90)
    #expect(group.generation == 1)
    try #expect(store.read { snapshot in try snapshot.itemCount } == 0)
  }

  @Test func `a walk ends where its closure throws`() throws {
    struct Enough: Error {}
    var count = 0
    #expect(throws: Enough.self) {
      try store.read { snapshot in
        try snapshot.forEachItem { _ in
          count += 1
          if count == 5 { throw Enough() }
        }
      }
    }
    #expect(count == 5)
  }

  @Test func `pooled vectors are walked in a range`() throws {
    try store.read { snapshot in
      var seen: [Float] = []
      try snapshot.forEachPooled(in: ItemID(rawValue: 1)..<ItemID(rawValue: 20)) { id, values in
        #expect(values.count == 1)
        seen += values
      }
      #expect(seen == [3, 6, 9, 12, 15, 18])
    }
  }

  @Test func `sizes are known`() throws {
    let statistics = try store.read { snapshot in try snapshot.statistics }
    #expect(
      statistics.tables.map(\.name) == [
        "meta", "items", "paths", "hashes", "tokens", "pooled", "planes", "places", "dead",
        "screens", "facts", "tags",
      ])
    #expect(statistics.tables[4].entryCount == 90)
    #expect(statistics.fileByteCount >= statistics.usedByteCount)
    #expect(statistics.mapByteCount >= 1 << 30)
  }

  @Test func `damage is found, named and can be removed or replaced`() throws {
    let damagedRecord = ItemID(rawValue: 3)
    let damagedTokens = ItemID(rawValue: 5)
    try store.write { writer in
      _ = try writer.change { (writer) throws(StoreError) in
        try writer.transaction.put(
          [1, 2, 3], forKey: StoreLayout.key(damagedRecord), in: writer.tables.items)
        try writer.transaction.put(
          [1, 2, 3], forKey: StoreLayout.key(damagedTokens), in: writer.tables.tokens)
      }
    }
    try store.read { snapshot in
      let found = try snapshot.audit().findings
      #expect(found.map(\.item) == [damagedTokens, damagedRecord])
      #expect(found.map(\.remedy) == [.dropTokens, .dropItem])
      #expect(found.map(\.path) == [Array("/4".utf8), Array("/2".utf8)])
      #expect(found.allSatisfy { $0.subject.contains("item \($0.item ?? .unassigned)") })
      #expect(throws: StoreError.self) { try snapshot.item(damagedRecord) }
      #expect(throws: StoreError.self) { try snapshot.tokens(of: damagedTokens) }
    }
    try store.write { writer in
      // The path of item 3 is its own key: indexing the file again mends it under its old id.
      try #expect(writer.insert(image("/2"), tokens: smallTokens) == damagedRecord)
      try #expect(writer.remove(damagedTokens))
    }
    try #expect(store.read { snapshot in try snapshot.audit().isSound })
  }

  @Test func `a damaged record that was removed leaves its path free`() throws {
    try store.write { writer in
      try writer.change { (writer) throws(StoreError) in
        try writer.transaction.put(
          [1, 2, 3], forKey: StoreLayout.key(.first), in: writer.tables.items)
      }
      try writer.remove(.first)
      let path = Array("/0".utf8)
      try #expect(writer.item(forPath: path) == nil)
      let id = try writer.insert(image("/0"), tokens: smallTokens)
      #expect(id.rawValue == 101)
      try #expect(writer.item(forPath: path)?.id == id)
    }
  }
}
