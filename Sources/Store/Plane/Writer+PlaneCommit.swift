import FilipLateInteraction

/// What happens to the scan plane when a write is committed.
///
/// A segment more than a quarter of whose tokens are dead is given up: its living images move to
/// the segment that grows, with their codes as they are. One image added or removed therefore costs
/// the rewriting of a few segments at most, whatever the size of the index.
extension Writer {
  /// Puts every change of the plane into the tables.
  mutating func settlePlane() throws(StoreError) {
    // Moving images may fill segments in which others died.
    while true {
      let complete = plane.dead.keys.filter { plane.growing(withID: $0) == nil }.sorted()
      guard !complete.isEmpty else { break }
      for segment in complete { try settle(segment) }
    }
    for dimension in plane.growing.keys.sorted() { try settleGrowing(dimension: dimension) }
    for segment in plane.suspects.sorted() { try eraseIfDamagedAndEmpty(segment) }
    if let next = plane.nextSegment { try put(next, forKey: MetaKey.nextSegment) }
  }

  /// Puts the dead of a segment that does not grow into their table, or gives it up.
  private mutating func settle(_ segment: UInt64) throws(StoreError) {
    guard let dead = plane.dead.removeValue(forKey: segment) else { return }
    let facts = try intact { (writer) throws(StoreError) in
      try writer.transaction.withSealedSegment(segment, writer.tables) {
        PlaneFacts($0, dead: dead)
      }
    }
    guard let facts else {
      plane.suspects.insert(segment)
      return try put(dead, of: segment)
    }
    guard dead.count < facts.imageCount else { return try eraseSegment(segment) }
    guard !facts.isWorthKeeping else { return try put(dead, of: segment) }
    if try openSegment(dimension: facts.dimension) == segment,
      plane.growing[facts.dimension] == nil
    {
      // It is the one that grows; it is settled with those.
      plane.growing[facts.dimension] = try takeGrowing(dimension: facts.dimension)
      plane.dead[segment] = dead
      return
    }
    try move(from: segment, dead: dead, dimension: facts.dimension)
    try eraseSegment(segment)
  }

  /// Moves the living images of a segment to the one that grows.
  private mutating func move(
    from segment: UInt64, dead: [UInt32], dimension: Int
  ) throws(StoreError) {
    let key = StoreLayout.key(ofSegment: segment)
    // A copy, for LMDB may move what it has while others are put.
    guard let bytes = try transaction.value(in: tables.planes, forKey: key) else { return }
    var living = try livingImages(bytes, of: segment, dead: dead)[...]
    while let first = living.first {
      var growing = try takeGrowing(dimension: dimension)
      try makeRoom(in: &growing, tokenCount: first.tokenCount)
      let moved = try copy(living, from: bytes, of: segment, to: &growing)
      for place in moved {
        try put(PlanePlace(segment: growing.segment, ordinal: place.ordinal), of: place.id)
      }
      living = living.dropFirst(moved.count)
      plane.growing[dimension] = growing
    }
  }

  /// Rewrites or puts a growing segment and its dead.
  private mutating func settleGrowing(dimension: Int) throws(StoreError) {
    guard var growing = plane.growing.removeValue(forKey: dimension) else { return }
    let segment = growing.segment
    var dead = plane.dead.removeValue(forKey: segment)
    if let all = dead {
      let tokenCount = all.reduce(0) { $0 + growing.builder.tokenCount(of: Int($1)) }
      if !PlaneChanges.isWorthKeeping(
        deadTokenCount: tokenCount, tokenCount: growing.builder.tokenCount)
      {
        try compact(&growing, dead: all)
        dead = []
      }
    }
    let openKey = MetaKey.openSegment(dimension: dimension)
    guard growing.builder.imageCount > 0 else {
      try eraseSegment(segment)
      try transaction.remove(openKey, in: tables.meta)
      return
    }
    if growing.isChanged {
      try put(growing)
      try put(segment, forKey: openKey)
    }
    if let dead { try put(dead, of: segment) }
  }

  /// Leaves the dead out of a growing segment.
  private mutating func compact(
    _ growing: inout PlaneChanges.Growing, dead: [UInt32]
  ) throws(StoreError) {
    var bytes = growing.builder.bytes()
    SegmentSeal.seal(&bytes)
    let living = try livingImages(bytes, of: growing.segment, dead: dead)
    growing.builder = PlaneSegmentBuilder(
      dimension: growing.builder.dimension, bits: growing.builder.bits)
    growing.isChanged = true
    let moved = try copy(living[...], from: bytes, of: growing.segment, to: &growing)
    for place in moved {
      try put(PlanePlace(segment: growing.segment, ordinal: place.ordinal), of: place.id)
    }
  }

  /// Gives up a damaged segment once no image is in it any more.
  ///
  /// Until then it stays as it is, without a new checksum, so that its damage is not forgotten.
  private mutating func eraseIfDamagedAndEmpty(_ segment: UInt64) throws(StoreError) {
    let intact = try intact { (writer) throws(StoreError) in
      try writer.transaction.withSealedSegment(segment, writer.tables) { _ in true }
    }
    guard intact == nil, try !transaction.hasPlace(in: segment, tables) else { return }
    try eraseSegment(segment)
  }

  mutating func put(_ dead: [UInt32], of segment: UInt64) throws(StoreError) {
    let key = StoreLayout.key(ofSegment: segment)
    if dead.isEmpty {
      try transaction.remove(key, in: tables.dead)
    } else {
      try transaction.put(DeadOrdinals.encode(dead), forKey: key, in: tables.dead)
    }
  }

  mutating func eraseSegment(_ segment: UInt64) throws(StoreError) {
    let key = StoreLayout.key(ofSegment: segment)
    for table in [tables.planes, tables.dead, tables.screens] {
      try transaction.remove(key, in: table)
    }
    for key in try transaction.openSegmentKeys(tables) {
      let open = try intact { (writer) throws(StoreError) in
        try writer.transaction.counter(key, writer.tables)
      }
      if open == segment { try transaction.remove(key, in: tables.meta) }
    }
  }
}

// MARK: - Images that move

/// An image of a segment.
private struct PlaneImage {
  var id: ItemID
  var ordinal: UInt32
  var tokenCount: Int
}

/// What decides whether a segment is kept.
private struct PlaneFacts {
  let dimension: Int
  let imageCount: Int
  let isWorthKeeping: Bool

  init(_ segment: borrowing PlaneSegment, dead: [UInt32]) {
    dimension = segment.dimension
    imageCount = segment.imageCount
    var deadTokenCount = 0
    for ordinal in dead where ordinal < segment.imageCount {
      deadTokenCount += segment.tokens(of: Int(ordinal)).count
    }
    isWorthKeeping = PlaneChanges.isWorthKeeping(
      deadTokenCount: deadTokenCount, tokenCount: segment.tokenCount)
  }
}

extension Writer {
  /// The images of a segment that are not dead, and that a place leads to.
  private func livingImages(
    _ bytes: [UInt8], of segment: UInt64, dead: [UInt32]
  ) throws(StoreError) -> [PlaneImage] {
    let images = try read(bytes, segment) { segment in
      (0..<segment.imageCount).map { image in
        PlaneImage(
          id: ItemID(rawValue: segment.id(image)), ordinal: UInt32(image),
          tokenCount: segment.tokens(of: image).count)
      }
    }
    let dead = Set(dead)
    var living: [PlaneImage] = []
    for image in images where !dead.contains(image.ordinal) {
      let place = PlanePlace(segment: segment, ordinal: image.ordinal)
      if try isPlace(place, of: image.id) { living.append(image) }
    }
    return living
  }

  /// Adds images of a segment to a growing one as long as there is room, the first in any case.
  ///
  /// - Returns: their ids and new ordinals.
  private func copy(
    _ images: ArraySlice<PlaneImage>, from bytes: [UInt8], of segment: UInt64,
    to growing: inout PlaneChanges.Growing
  ) throws(StoreError) -> [PlaneImage] {
    var builder = growing.builder
    growing.builder = PlaneSegmentBuilder(dimension: builder.dimension, bits: builder.bits)
    let moved = try read(bytes, segment) { segment in
      var moved: [PlaneImage] = []
      for image in images {
        let byteCount = builder.byteCount(addingTokens: image.tokenCount)
        guard moved.isEmpty || byteCount <= PlaneChanges.targetByteCount else { break }
        builder.append(Int(image.ordinal), of: segment)
        moved.append(
          PlaneImage(
            id: image.id, ordinal: UInt32(builder.imageCount - 1), tokenCount: image.tokenCount))
      }
      return moved
    }
    growing.builder = builder
    growing.isChanged = true
    return moved
  }

  private func read<Success>(
    _ bytes: [UInt8], _ segment: UInt64, _ body: (borrowing PlaneSegment) -> Success
  ) throws(StoreError) -> Success {
    do throws(Damage) {
      return try SegmentSeal.read(bytes.span, body)
    } catch {
      throw transaction.segmentError(error, segment)
    }
  }
}

extension Transaction where Self: ~Copyable {
  /// The keys of the segments that images are added to: one for each dimension.
  borrowing func openSegmentKeys(_ tables: StoreTables) throws(StoreError) -> [[UInt8]] {
    do {
      return try withCursor(in: tables.meta) { cursor in
        var keys: [[UInt8]] = []
        var isInside = try cursor.advance(to: MetaKey.openSegmentPrefix)
        while isInside {
          let key = cursor.withEntry { key, _ in Array(key) }
          guard key.starts(with: MetaKey.openSegmentPrefix) else { break }
          keys.append(key)
          isInside = try cursor.advance()
        }
        return keys
      }
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.unavailable, "error while reading the index at \(environment.path)")
    }
  }

  /// Whether an item's place is in the segment.
  /// - Complexity: O(items).
  borrowing func hasPlace(in segment: UInt64, _ tables: StoreTables) throws(StoreError) -> Bool {
    do {
      return try withCursor(in: tables.places) { cursor in
        while try cursor.advance() {
          let place = try? cursor.withEntry { (_, value) throws(Damage) in try PlanePlace(value) }
          if place?.segment == segment { return true }
        }
        return false
      }
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.unavailable, "error while reading the index at \(environment.path)")
    }
  }
}
