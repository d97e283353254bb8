import FilipLateInteraction
import Testing
import TestSupport

@testable import FilipStore

/// What a scan sees of an image.
struct ScannedImage: Equatable {
  var segment: UInt64
  var ordinal: Int
  /// As they are decoded from all bits, rotated.
  var rows: [Float]
}

extension TokenStore {
  /// Every living image of the plane, and the share of dead tokens of each segment.
  func scan() throws -> (images: [ItemID: ScannedImage], deadShares: [Double]) {
    try read { snapshot in
      var images: [ItemID: ScannedImage] = [:]
      var shares: [Double] = []
      for id in try snapshot.segmentIDs() {
        try snapshot.withSegment(id) { segment, dead in
          let deadCount = dead.reduce(0) { $0 + segment.tokens(of: Int($1)).count }
          shares.append(Double(deadCount) / Double(segment.tokenCount))
          for image in 0..<segment.imageCount where !dead.contains(UInt32(image)) {
            var scanned = ScannedImage(segment: id, ordinal: image, rows: [])
            segment.decode(image, bits: segment.bits, into: &scanned.rows)
            let item = ItemID(rawValue: segment.id(image))
            #expect(images.updateValue(scanned, forKey: item) == nil)
          }
        }
      }
      for (id, image) in images {
        let place = try snapshot.place(of: id)
        #expect(place?.segment == image.segment && place?.ordinal == image.ordinal)
      }
      return (images, shares)
    }
  }
}

@Suite struct PlaneTests {
  let folder = TemporaryFolder()

  func open(_ layout: PlaneLayout = PlaneLayout()) throws -> TokenStore {
    try TokenStore.open(at: folder.path, mode: .create, layout: layout)
  }

  static let layouts = PlaneBits.allCases.flatMap { bits in
    PlaneLayout.Originals.allCases.map { PlaneLayout(bits: bits, originals: $0) }
  }

  // MARK: - Coming back

  @Test(arguments: layouts)
  func `every image is in the plane, near its tokens`(layout: PlaneLayout) throws {
    let store = try open(layout)
    var generator = SeededGenerator(seed: 3)
    let tokens = (0..<20).map { generator.tokens($0, 24) }
    try store.write { writer in
      for (number, tokens) in tokens.enumerated() {
        try writer.insert(image("/\(number)"), tokens: tokens)
      }
    }
    #expect(store.layout == layout)
    let images = try store.scan().images
    #expect(images.count == 19)
    try store.read { snapshot in
      try #expect(snapshot.readableCount == 20)
      try #expect(snapshot.audit().isSound)
      try #expect(snapshot.idRanges(count: 1).first?.upperBound.rawValue == 21)
      let hasOriginals = layout.originals == .f16
      try #expect(snapshot.statistics.tables[4].entryCount == (hasOriginals ? 20 : 0))
      for (number, tokens) in tokens.enumerated() {
        let id = ItemID(rawValue: UInt64(number + 1))
        let stored = try #require(try snapshot.tokens(of: id))
        #expect(stored.tokenCount == number && stored.dimension == 24)
        guard number > 0 else {
          try #expect(snapshot.place(of: id) == nil)
          continue
        }
        let place = try #require(try snapshot.place(of: id))
        let error = try snapshot.withSegment(place.segment) { segment, _ in
          Double(segment.largestError8(place.ordinal))
        }
        let rows = try #require(images[id]).rows
        // The bound holds for the tokens that are read back where they are kept, and for those
        // that were given where they are not.
        let exact = hasOriginals ? stored : tokens
        for token in 0..<number {
          var rotated: [Double] = []
          TokenRotation(dimension: 24).rotate(exact[token], into: &rotated)
          let squares = zip(rotated, rows[token * 24..<(token + 1) * 24]).reduce(0) {
            $0 + ($1.0 - Double($1.1)) * ($1.0 - Double($1.1))
          }
          #expect(squares.squareRoot() <= error)
          let given = zip(stored[token], tokens[token]).reduce(0) {
            $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
          }
          #expect(given.squareRoot() < (hasOriginals ? 1e-3 : layout.bits == .eight ? 0.02 : 0.25))
        }
      }
    }
  }

  @Test func `an index keeps the layout that it was made with`() throws {
    let layout = PlaneLayout(bits: .four, originals: .none)
    _ = try open(layout)
    let store = try open(PlaneLayout())
    #expect(store.layout == layout)
    try store.read { snapshot in #expect(snapshot.layout == layout) }
    try store.write { writer in try writer.insert(image("/a"), tokens: smallTokens) }
    try store.read { snapshot in
      try snapshot.withSegment(1) { segment, _ in #expect(segment.bits == .four) }
    }
  }

  @Test func `codes begin at a multiple of 64 bytes`() throws {
    let store = try open()
    var generator = SeededGenerator(seed: 1)
    try store.write { writer in
      try writer.insert(image("/small"), tokens: smallTokens)
      try writer.insert(image("/large"), tokens: generator.tokens(3000, 40))
    }
    try store.read { snapshot in
      for id in try snapshot.segmentIDs() {
        try snapshot.withSegment(id) { segment, _ in
          // 16 bytes after the start of a page, and 48 of our own.
          #expect(Int(bitPattern: segment.high) % 4096 == 64)
        }
      }
      try #expect(snapshot.segmentIDs().count == 2)
    }
  }

  @Test func `segments end at a megabyte, but for an image that is larger`() throws {
    let store = try open()
    var generator = SeededGenerator(seed: 2)
    let counts = [9000, 300, 900, 8000, 20_000, 10, 10]
    for count in counts {
      let tokens = generator.tokens(count, 100)
      try store.write { writer in try writer.insert(image("/\(writer.nextItem)"), tokens: tokens) }
    }
    try store.read { snapshot in
      var found: [[Int]] = []
      for id in try snapshot.segmentIDs() {
        try snapshot.withSegment(id) { segment, _ in
          found.append((0..<segment.imageCount).map { segment.tokens(of: $0).count })
        }
      }
      #expect(found == [[9000, 300], [900, 8000], [20_000], [10, 10]])
      try #expect(snapshot.audit().isSound)
    }
  }

  @Test func `bookkeeping takes less than a twentieth of the codes`() throws {
    let store = try open()
    var generator = SeededGenerator(seed: 4)
    let tokens = generator.tokens(50, 128)
    for commit in 0..<20 {
      try store.write { writer in
        for number in 0..<64 { try writer.insert(image("/\(commit)/\(number)"), tokens: tokens) }
      }
    }
    try store.read { snapshot in
      let statistics = try snapshot.planeStatistics()
      #expect(statistics.imageCount == 1280 && statistics.tokenCount == 64_000)
      #expect(statistics.codeByteCount == 64_000 * 128)
      #expect(statistics.deadImageCount == 0 && statistics.segmentCount == 9)
      #expect(statistics.overhead > 0.015 && statistics.overhead < 0.05)
      let tables = try snapshot.statistics
      #expect(tables.planeByteCount == statistics.byteCount)
      #expect(tables.originalByteCount > 0)
    }
  }

  // MARK: - Changing

  @Test func `images of two dimensions lie in segments of their own`() throws {
    let store = try open()
    var generator = SeededGenerator(seed: 5)
    for number in 0..<10 {
      let tokens = generator.tokens(5, number.isMultiple(of: 2) ? 16 : 24)
      try store.write { writer in try writer.insert(image("/\(number)"), tokens: tokens) }
    }
    try store.read { snapshot in
      var dimensions: [Int] = []
      for id in try snapshot.segmentIDs() {
        try snapshot.withSegment(id) { segment, _ in
          dimensions.append(segment.dimension)
          #expect(segment.imageCount == 5)
        }
      }
      #expect(dimensions == [16, 24])
      try #expect(snapshot.audit().isSound)
    }
  }

  @Test func `a removed image is dead until a quarter of its segment is`() throws {
    let store = try open()
    var generator = SeededGenerator(seed: 6)
    try store.write { writer in
      for number in 0..<20 {
        try writer.insert(image("/\(number)"), tokens: generator.tokens(4, 8))
      }
    }
    let before = try store.scan().images
    for number: UInt64 in 1...5 {
      try store.write { writer in try writer.remove(ItemID(rawValue: number)) }
      let statistics = try store.read { snapshot in try snapshot.planeStatistics() }
      #expect(statistics.deadImageCount == Int(number))
    }
    try store.write { writer in try writer.remove(ItemID(rawValue: 6)) }
    let statistics = try store.read { snapshot in try snapshot.planeStatistics() }
    #expect(statistics.deadImageCount == 0 && statistics.imageCount == 14)
    let after = try store.scan().images
    #expect(after.mapValues(\.rows) == before.filter { $0.key.rawValue > 6 }.mapValues(\.rows))
    try store.write { writer in
      for number: UInt64 in 7...20 { try writer.remove(ItemID(rawValue: number)) }
    }
    try store.read { snapshot in
      try #expect(snapshot.segmentIDs().isEmpty)
      try #expect(snapshot.audit().isSound)
    }
  }

  @Test(arguments: layouts, 0..<2 as Range<UInt64>)
  func `whatever is done, the plane has every image once, with the codes it got first`(
    layout: PlaneLayout, seed: UInt64
  ) throws {
    var generator = SeededGenerator(seed: seed)
    var expected: [ItemID: [Float]] = [:]
    var current: TokenStore? = try open(layout)
    for _ in 0..<25 {
      if Int.random(in: 0...3, using: &generator) == 0 {
        current = nil
        current = try open()
      }
      let store = try #require(current)
      var changed: Set<ItemID> = []
      try store.write { writer in
        for _ in 0..<Int.random(in: 1...8, using: &generator) {
          let known = expected.keys.sorted().randomElement(using: &generator)
          let count = Int.random(in: 0...3, using: &generator) == 0 ? 2500 : 300
          let tokens = generator.tokens(
            Int.random(in: 1...count, using: &generator),
            Int.random(in: 0...9, using: &generator) == 0 ? 33 : 64)
          switch (Int.random(in: 0...3, using: &generator), known) {
          case (0, let id?):
            try writer.remove(id)
            expected[id] = nil
            changed.remove(id)
          case (1, let id?):
            var item = image("/\(id)")
            item.id = id
            try writer.replace(item, tokens: tokens)
            changed.insert(id)
          default:
            let id = try writer.insert(image("/\(writer.nextItem)"), tokens: tokens)
            expected[id] = []
            changed.insert(id)
          }
        }
      }
      let (images, deadShares) = try store.scan()
      for id in changed { expected[id] = images[id]?.rows }
      #expect(images.mapValues(\.rows) == expected)
      #expect(deadShares.allSatisfy { $0 <= 0.25 })
      try #expect(store.read { snapshot in try snapshot.audit().isSound })
      try #expect(store.read { snapshot in try snapshot.readableCount } == expected.count)
    }
    #expect(expected.count > 10)
  }

  @Test func `an item written many times in one commit is there once`() throws {
    let store = try open()
    var generator = SeededGenerator(seed: 7)
    try store.write { writer in
      for _ in 0..<30 { try writer.insert(image("/a"), tokens: generator.tokens(2000, 64)) }
      try writer.insert(image("/b"), tokens: generator.tokens(3, 64))
      try writer.insertUnreadable(image("/b"), reason: "gone")
    }
    let (images, _) = try store.scan()
    #expect(images.keys.map(\.rawValue) == [1])
    try store.read { snapshot in
      try #expect(snapshot.audit().isSound)
      try #expect(snapshot.statistics.planeByteCount < 1 << 20)
    }
  }

  @Test func `an aborted write leaves the plane as it was`() throws {
    struct Stop: Error {}
    let store = try open()
    try store.write { writer in
      for name in ["/a", "/b", "/c"] { try writer.insert(image(name), tokens: smallTokens) }
    }
    let before = try store.scan().images
    #expect(throws: Stop.self) {
      try store.write { writer in
        try writer.insert(image("/d"), tokens: smallTokens)
        try writer.remove(.first)
        throw Stop()
      }
    }
    try #expect(store.scan().images == before)
    try store.write { writer in try writer.insert(image("/e"), tokens: smallTokens) }
    try #expect(store.scan().images.count == 4)
  }
}
