import FilipLateInteraction
import FilipLinearAlgebra
import TestSupport
import Testing

@testable import FilipStore

/// What compaction does with the scan plane.
@Suite struct PackingTests {
  let folder = TemporaryFolder()

  /// Everything of one image that a search looks at.
  private struct Scanned: Equatable {
    var rows: [Float]
    var largestError: Float
    var screen: [UInt16]
  }

  /// An index with several segments of two dimensions, with screens.
  private func makeIndex(layout: PlaneLayout = PlaneLayout()) throws -> TokenStore {
    let store = try TokenStore.open(at: folder.path, mode: .create, layout: layout)
    for start in stride(from: 0, to: 480, by: 40) {
      try store.write { writer in
        for number in start..<start + 40 {
          var generator = SeededGenerator(seed: UInt64(number))
          // Some 80 of the large ones fill a segment.
          let tokens =
            number % 5 == 4 ? generator.tokens(9, 24) : generator.tokens(90 + number % 37, 100)
          try writer.insert(image("/\(number)"), tokens: tokens)
        }
      }
    }
    return store
  }

  /// Gives every segment of 100 dimensions a screen; a token's code follows from its first value.
  private func screen(_ store: TokenStore) throws {
    var generator = SeededGenerator(seed: 4)
    let sample = Matrix(generator.floats(200 * 100), rowCount: 200, columnCount: 100)
    let codebook = ScreenCodebook(learningFrom: sample, centroidCount: 16, tokenCount: 200)
    let screens = try store.read { snapshot in
      try snapshot.segmentIDs().compactMap { id -> SegmentScreen? in
        let checksum = try #require(try snapshot.segmentChecksum(id))
        return try snapshot.withSegment(id) { segment, _ in
          guard segment.dimension == 100 else { return nil }
          var rows: [Float] = []
          var bounds: [UInt32] = [0]
          var codes: [UInt16] = []
          for image in 0..<segment.imageCount {
            segment.decode(image, bits: segment.bits, into: &rows)
            for start in stride(from: 0, to: rows.count, by: 100) {
              codes.append(UInt16((rows[start] + 4) * 100) % 16)
            }
            bounds.append(UInt32(codes.count))
          }
          return SegmentScreen(
            segment: id, segmentChecksum: checksum, codebook: codebook.id, bounds: bounds,
            codes: codes)
        }
      }
    }
    try store.write { writer in
      try writer.setScreenCodebook(codebook)
      for screen in screens { try writer.putScreen(screen) }
    }
  }

  /// What is scanned of every image, by its id.
  private func scanned(_ store: TokenStore) throws -> [UInt64: Scanned] {
    try store.read { snapshot in
      let codebook = try snapshot.screenCodebookID ?? 0
      var images: [UInt64: Scanned] = [:]
      for id in try snapshot.segmentIDs() {
        let screens = try snapshot.withScreen(of: id, codebook: codebook) { bounds, codes in
          (1..<bounds.count).map { image in
            (bounds[image - 1]..<bounds[image]).map { codes[Int($0)] }
          }
        }
        try snapshot.withSegment(id) { segment, dead in
          for image in 0..<segment.imageCount where !dead.contains(UInt32(image)) {
            var rows: [Float] = []
            segment.decode(image, bits: segment.bits, into: &rows)
            images[segment.id(image)] = Scanned(
              rows: rows, largestError: segment.largestError8(image),
              screen: screens?[image] ?? [])
          }
        }
      }
      return images
    }
  }

  private func remove(_ numbers: some Sequence<Int>, from store: TokenStore) throws {
    try store.write { writer in
      for number in numbers { try writer.remove(ItemID(rawValue: UInt64(number + 1))) }
    }
  }

  @Test(arguments: [
    PlaneLayout(), PlaneLayout(bits: .four), PlaneLayout(bits: .eight, originals: .none),
  ])
  func `no row of a removed image is left, and the others are scanned as before`(
    layout: PlaneLayout
  ) throws {
    let store = try makeIndex(layout: layout)
    try remove(stride(from: 0, to: 480, by: 6), from: store)
    try screen(store)
    let before = try scanned(store)
    let statistics = try store.read { try $0.planeStatistics() }
    try #require(statistics.deadImageCount > 50)
    // One more is gone than the screens know.
    try remove([1], from: store)
    try store.compact()
    let after = try scanned(store)
    #expect(after == before.filter { $0.key != 2 })
    #expect(after.values.contains { $0.screen.count > 90 })
    let packed = try store.read { try $0.planeStatistics() }
    #expect(packed.deadImageCount == 0 && packed.deadTokenCount == 0)
    #expect(packed.imageCount == statistics.imageCount - 1)
    #expect(try store.read { try $0.audit().findings.map(\.description) } == [])
    // A copy is packed in the same way, and images are added and removed as ever.
    try store.copy(to: folder.path + "/copy")
    let copy = try TokenStore.open(at: folder.path + "/copy", mode: .readWrite)
    try #expect(scanned(copy) == after)
    try CompactionTests.add(1000..<1040, to: copy)
    try remove(stride(from: 3, to: 480, by: 4), from: copy)
    #expect(try copy.read { try $0.audit().isSound })
    try copy.compact()
    #expect(try copy.read { try $0.audit().isSound })
    #expect(try copy.read { try $0.planeStatistics().deadImageCount } == 0)
  }

  @Test func `segments that fit into one are joined, in the order of their ids`() throws {
    let store = try makeIndex()
    let first = try store.read { try $0.segmentIDs() }
    // A few are gone from each segment each time: never enough for it to be given up.
    for round in 0..<8 {
      try remove(stride(from: round, to: 480, by: 14), from: store)
      try store.compact()
    }
    let statistics = try store.read { try $0.planeStatistics() }
    let ids = try store.read { try $0.segmentIDs() }
    #expect(ids.count < first.count)
    #expect(Set(ids).isSubset(of: first))
    // Of two neighbours of one dimension at least half is full.
    #expect(statistics.byteCount <= 2 * statistics.codeByteCount + 3 * PlaneChanges.targetByteCount)
    #expect(try store.read { try $0.audit().findings.map(\.description) } == [])
    let expected = Set(0..<480).filter { $0 % 14 >= 8 }.map { UInt64($0 + 1) }
    try #expect(scanned(store).keys.sorted() == expected.sorted())
    // The segment that grows is still the one that images are added to.
    let last = try #require(ids.last)
    try store.write { writer in
      var generator = SeededGenerator(seed: 9)
      try writer.insert(image("/more"), tokens: generator.tokens(9, 24))
      try writer.insert(image("/large"), tokens: generator.tokens(90, 100))
    }
    #expect(try store.read { try $0.segmentIDs() }.allSatisfy { $0 <= last })
  }

  @Test func `a part without a screen leaves the joined segment without one`() throws {
    let store = try makeIndex()
    try remove((0..<480).filter { $0 % 6 < 1 }, from: store)
    try screen(store)
    let missing = try store.read { try $0.segmentIDs() }[0]
    try store.write { writer in
      try writer.change { (writer) throws(StoreError) in
        try writer.transaction.remove(
          StoreLayout.key(ofSegment: missing), in: writer.tables.screens)
      }
    }
    let before = try scanned(store)
    try store.compact()
    for (id, image) in try scanned(store) {
      #expect(image.rows == before[id]?.rows)
      #expect(image.screen.isEmpty || image.screen == before[id]?.screen)
    }
    #expect(try store.read { try $0.audit().isSound })
  }

  @Test func `what is damaged is copied with its damage`() throws {
    let store = try makeIndex()
    try remove(stride(from: 0, to: 480, by: 7), from: store)
    let ids = try store.read { try $0.segmentIDs() }
    try #require(ids.count >= 4)
    try store.write { writer in
      try writer.change { (writer) throws(StoreError) in
        let tables = writer.tables
        // A changed code, a list of the dead that is too short, a place of another image.
        let segment = StoreLayout.key(ofSegment: ids[0])
        var bytes = try writer.transaction.value(in: tables.planes, forKey: segment) ?? []
        bytes[100] ^= 1
        try writer.transaction.put(bytes, forKey: segment, in: tables.planes)
        let dead = try writer.transaction.deadOrdinals(of: ids[2], tables)
        try writer.put(dead.dropLast(), of: ids[2])
        let wrong = PlanePlace(segment: ids[3], ordinal: 1)
        try writer.put(wrong, of: ItemID(rawValue: 2))
      }
    }
    func findings() throws -> [String] {
      try store.read { try $0.audit().findings.map(\.description) }.sorted()
    }
    let before = try findings()
    try #require(before.count >= 3)
    try store.compact()
    try #expect(findings() == before)
    for _ in 0..<4 {
      let report = try store.read { try $0.audit() }
      if report.isSound { break }
      try store.repair(report)
    }
    try #expect(findings() == [])
    try store.compact()
    #expect(try store.read { try $0.planeStatistics().deadImageCount } == 0)
    try #expect(findings() == [])
  }
}
