import FilipLateInteraction
import Testing
import TestSupport

@testable import FilipStore

@Suite struct PlaneDamageTests {
  let folder = TemporaryFolder()
  let store: TokenStore

  /// Twelve images in segment 1, of which numbers 2 and 5 are dead.
  init() throws {
    store = try TokenStore.open(at: folder.path, mode: .create)
    var generator = SeededGenerator(seed: 1)
    try store.write { writer in
      for number in 1...12 {
        try writer.insert(image("/\(number)"), tokens: generator.tokens(6, 16))
      }
    }
    try store.write { writer in
      for number: UInt64 in [2, 5] { try writer.remove(ItemID(rawValue: number)) }
    }
  }

  /// Replaces a stored value; `nil` removes it.
  func put(_ bytes: [UInt8]?, forKey key: UInt64, in table: KeyPath<StoreTables, Table>) throws {
    try store.write { writer in
      try writer.change { (writer) throws(StoreError) in
        let table = writer.tables[keyPath: table]
        if let bytes {
          try writer.transaction.put(bytes, forKey: StoreLayout.bigEndian(key), in: table)
        } else {
          try writer.transaction.remove(StoreLayout.bigEndian(key), in: table)
        }
      }
    }
  }

  func value(_ key: UInt64, in table: KeyPath<StoreTables, Table>) throws -> [UInt8] {
    try store.read { snapshot in
      try #require(
        try snapshot.transaction.value(
          in: snapshot.tables[keyPath: table], forKey: StoreLayout.bigEndian(key)))
    }
  }

  /// The items of all findings; 0 where there are findings, but none concerns an item.
  func damage() throws -> [UInt64] {
    let findings = try store.read { snapshot in try snapshot.audit() }.findings
    let items = Set(findings.compactMap { $0.item?.rawValue }).sorted()
    return items.isEmpty && !findings.isEmpty ? [0] : items
  }

  let living: [UInt64] = [1, 3, 4, 6, 7, 8, 9, 10, 11, 12]

  @Test func `a changed byte of a segment is found and crashes no scan`() throws {
    let bytes = try value(1, in: \.planes)
    // The first bytes are the header, the last before the padding the directory.
    let positions = Array(0..<48) + Array(stride(from: 48, to: bytes.count, by: 101))
    for position in positions {
      var changed = bytes
      changed[position] ^= 0x41
      try put(changed, forKey: 1, in: \.planes)
      do {
        try store.read { snapshot in
          try snapshot.withSegment(1) { segment, dead in
            var rows: [Float] = []
            for image in 0..<segment.imageCount {
              segment.decode(image, bits: segment.bits, into: &rows)
              #expect(rows.allSatisfy { $0.isFinite })
            }
          }
        }
      } catch {
        let code = (error as? StoreError)?.code
        #expect(code == .damaged || code == .formatTooNew)
      }
      try #expect(damage() == living)
    }
    try put(bytes, forKey: 1, in: \.planes)
    try #expect(damage().isEmpty)
  }

  @Test func `a changed byte of a place is found`() throws {
    let bytes = try value(4, in: \.places)
    for position in bytes.indices {
      var changed = bytes
      changed[position] ^= 0x01
      try put(changed, forKey: 4, in: \.places)
      try #expect(damage().contains(4))
    }
    try put(Array(bytes.dropLast()), forKey: 4, in: \.places)
    try #expect(damage() == [4])
    try put(nil, forKey: 4, in: \.places)
    try #expect(damage() == [4])
  }

  @Test func `a changed byte of the list of the dead is found`() throws {
    let bytes = try value(1, in: \.dead)
    #expect(bytes == [1, 0, 0, 0, 4, 0, 0, 0])
    for position in bytes.indices {
      for change: UInt8 in [0x01, 0x80] {
        var changed = bytes
        changed[position] ^= change
        try put(changed, forKey: 1, in: \.dead)
        try #expect(!damage().isEmpty)
        // A search refuses what it cannot make sense of.
        _ = try? store.read { snapshot in try snapshot.withSegment(1) { _, _ in } }
      }
    }
    try put(nil, forKey: 1, in: \.dead)
    try #expect(damage() == [0])
    try put(bytes, forKey: 1, in: \.dead)
    try put([0, 0, 0, 0], forKey: 9, in: \.dead)
    try #expect(damage() == [0])
  }

  @Test func `a missing segment, or tokens without a place, are found`() throws {
    let bytes = try value(1, in: \.planes)
    try put(nil, forKey: 1, in: \.planes)
    try #expect(damage() == living)
    #expect(throws: StoreError.self) {
      try store.read { snapshot in try snapshot.withSegment(1) { _, _ in } }
    }
    try put(bytes, forKey: 1, in: \.planes)
    try put(nil, forKey: 3, in: \.tokens)
    try #expect(damage() == [3])
  }

  // The dimension, a code, the scale of a token, the id of the last image.
  @Test(arguments: [4, 300, 48 + 2 * 640 + 1, 48 + 2 * 640 + 160 + 16 * 11])
  func `indexing the images of a damaged segment again mends the index`(position: Int) throws {
    var bytes = try value(1, in: \.planes)
    bytes[position] ^= 0x80
    try put(bytes, forKey: 1, in: \.planes)
    try #expect(damage() == living)
    for number in living {
      try store.write { writer in
        let id = try writer.insert(image("/\(number)"), tokens: smallTokens)
        #expect(id.rawValue == number)
      }
    }
    try #expect(damage().isEmpty)
    try #expect(store.read { snapshot in try snapshot.segmentIDs() } == [2])
  }

  @Test func `a damaged segment is never given a new checksum`() throws {
    var bytes = try value(1, in: \.planes)
    bytes[300] ^= 1
    try put(bytes, forKey: 1, in: \.planes)
    try store.write { writer in
      try writer.insert(
        image("/new"),
        tokens: TokenMatrix(
          unchecked: [1] + [Float](repeating: 0, count: 15), tokenCount: 1, dimension: 16))
      for number: UInt64 in [1, 3, 4, 6] { try writer.remove(ItemID(rawValue: number)) }
    }
    try #expect(value(1, in: \.planes) == bytes)
    try #expect(damage() == [7, 8, 9, 10, 11, 12])
  }

  @Test func `a damaged place costs no other image its life`() throws {
    let place = PlanePlace(segment: 1, ordinal: 6)
    try put(place.bytes, forKey: 1, in: \.places)
    try store.write { writer in try writer.remove(.first) }
    try store.read { snapshot in
      let found = try snapshot.place(of: ItemID(rawValue: 7))
      #expect(found?.ordinal == 6)
      try snapshot.withSegment(1) { _, dead in #expect(!dead.contains(6)) }
    }
  }

  @Test func `a damaged list of the dead is made anew at the next change`() throws {
    try put([1, 2, 3], forKey: 1, in: \.dead)
    try store.write { writer in try writer.remove(ItemID(rawValue: 12)) }
    try #expect(value(1, in: \.dead) == [1, 0, 0, 0, 4, 0, 0, 0, 11, 0, 0, 0])
    try #expect(damage().isEmpty)
  }

  @Test func `damaged numbers in the description overwrite no segment`() throws {
    let before = try store.scan().images
    try store.write { writer in
      try writer.change { (writer) throws(StoreError) in
        let zero = [UInt8](repeating: 0, count: 8)
        try writer.transaction.put(zero, forKey: MetaKey.nextSegment, in: writer.tables.meta)
        try writer.transaction.put(
          [9], forKey: MetaKey.openSegment(dimension: 16), in: writer.tables.meta)
      }
    }
    var generator = SeededGenerator(seed: 9)
    try store.write { writer in
      try writer.insert(image("/new"), tokens: generator.tokens(3, 16))
    }
    let after = try store.scan().images
    #expect(before.allSatisfy { after[$0.key] == $0.value } && after.count == before.count + 1)
    try #expect(damage().isEmpty)
  }
}
