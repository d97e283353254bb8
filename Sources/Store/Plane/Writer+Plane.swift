import FilipLateInteraction

/// Adding images to the scan plane, and taking them out.
///
/// Added images gather in one segment per dimension, which is put into its table when the write is
/// committed or the segment is full. An image that is taken out stays where it is and is noted as
/// dead; what that leads to is settled at the commit.
extension Writer {
  /// Adds an item that is not in the plane: the rows of its tokens, as they are read back later.
  mutating func addToPlane(
    _ id: ItemID, rows: ArraySlice<Float>, shape: TokenShape
  ) throws(StoreError) {
    let (tokenCount, dimension) = (shape.tokenCount, shape.dimension)
    guard tokenCount > 0 else { return try put(.empty(dimension: dimension), of: id) }
    guard dimension <= PlaneSegmentBuilder.largestDimension,
      shape.elementCount <= TokenCodec.largestElementCount
    else {
      throw StoreError(.impossible(.shape), in: "the tokens of item \(id)")
    }
    var growing = try takeGrowing(dimension: dimension)
    try makeRoom(in: &growing, tokenCount: tokenCount)
    growing.builder.append(id: id.rawValue, rows: rows, tokenCount: tokenCount)
    growing.isChanged = true
    let ordinal = UInt32(growing.builder.imageCount - 1)
    try put(PlanePlace(segment: growing.segment, ordinal: ordinal), of: id)
    plane.growing[dimension] = growing
  }

  /// Takes an item out of the plane, if it is there.
  mutating func removeFromPlane(_ id: ItemID) throws(StoreError) {
    let place = try intact { (writer) throws(StoreError) in
      try writer.transaction.place(of: id, writer.tables)
    }
    try transaction.remove(StoreLayout.key(id), in: tables.places)
    guard let place, !place.isEmpty else { return }
    guard try item(at: place) == id else {
      // A damaged place must not cost another image its life.
      plane.suspects.insert(place.segment)
      return
    }
    if plane.dead[place.segment] == nil {
      plane.dead[place.segment] = try storedDeadOrdinals(of: place.segment)
    }
    plane.dead[place.segment]?.insertAscending(place.ordinal)
  }

  /// The item whose tokens are at a place, or `nil` when none are, or the segment is damaged.
  private func item(at place: PlanePlace) throws(StoreError) -> ItemID? {
    let ordinal = Int(place.ordinal)
    if let growing = plane.growing(withID: place.segment) {
      guard ordinal < growing.builder.imageCount else { return nil }
      return ItemID(rawValue: growing.builder.id(ordinal))
    }
    let id = try intact { (writer) throws(StoreError) in
      try writer.transaction.withSegment(place.segment, writer.tables) { segment -> UInt64? in
        ordinal < segment.imageCount ? segment.id(ordinal) : nil
      }
    }
    guard let id = id ?? nil else { return nil }
    return ItemID(rawValue: id)
  }

  /// The dead images of a segment as they were before this write.
  ///
  /// Where the list is damaged, they are those that no place leads to.
  private func storedDeadOrdinals(of segment: UInt64) throws(StoreError) -> [UInt32] {
    if let dead = try intact({ (writer) throws(StoreError) in
      try writer.transaction.deadOrdinals(of: segment, writer.tables)
    }) {
      return dead
    }
    return try missingImages(of: segment)
  }

  /// The images of a segment that no place leads to.
  func missingImages(of segment: UInt64) throws(StoreError) -> [UInt32] {
    let ids = try transaction.withSegment(segment, tables) { segment in
      (0..<segment.imageCount).map { ItemID(rawValue: segment.id($0)) }
    }
    var dead: [UInt32] = []
    for (ordinal, id) in (ids ?? []).enumerated() {
      let place = PlanePlace(segment: segment, ordinal: UInt32(ordinal))
      if try !isPlace(place, of: id) { dead.append(UInt32(ordinal)) }
    }
    return dead
  }

  /// Whether an item's tokens are at a place.
  func isPlace(_ place: PlanePlace, of id: ItemID) throws(StoreError) -> Bool {
    let found = try intact { (writer) throws(StoreError) in
      try writer.transaction.place(of: id, writer.tables)
    }
    return found == place
  }

  mutating func put(_ place: PlanePlace, of id: ItemID) throws(StoreError) {
    try transaction.put(place.bytes, forKey: StoreLayout.key(id), in: tables.places)
  }

  /// What `body` returns, or `nil` where it meets damaged bytes.
  func intact<Success>(
    _ body: (borrowing Writer) throws(StoreError) -> Success?
  ) throws(StoreError) -> Success? {
    do throws(StoreError) {
      return try body(self)
    } catch {
      guard error.code == .damaged || error.code == .formatTooNew, error.underlying == nil else {
        throw error
      }
      return nil
    }
  }
}

// MARK: - The segments that grow

extension Writer {
  /// Takes the segment that images of the dimension are added to out of `plane.growing`, where the
  /// caller puts it back.
  mutating func takeGrowing(dimension: Int) throws(StoreError) -> PlaneChanges.Growing {
    if let growing = plane.growing.removeValue(forKey: dimension) { return growing }
    if let growing = try resumeGrowing(dimension: dimension) { return growing }
    return try startGrowing(dimension: dimension)
  }

  /// The segment that earlier writes added images of the dimension to; `nil` when there is none,
  /// or it is damaged and must not get a new checksum.
  private func resumeGrowing(
    dimension: Int
  ) throws(StoreError) -> PlaneChanges.Growing? {
    let segment = try openSegment(dimension: dimension)
    guard segment != 0 else { return nil }
    let builder = try intact { (writer) throws(StoreError) in
      try writer.transaction.withSealedSegment(segment, writer.tables) { segment in
        PlaneSegmentBuilder(resuming: segment)
      }
    }
    guard let builder, builder.dimension == dimension, builder.bits == tables.layout.bits else {
      return nil
    }
    return PlaneChanges.Growing(segment: segment, builder: builder)
  }

  /// The id of the segment that images of a dimension are added to, growing or not; 0 for none.
  func openSegment(dimension: Int) throws(StoreError) -> UInt64 {
    try intact { (writer) throws(StoreError) in
      try writer.transaction.counter(MetaKey.openSegment(dimension: dimension), writer.tables)
    } ?? 0
  }

  /// A new segment.
  private mutating func startGrowing(
    dimension: Int
  ) throws(StoreError) -> PlaneChanges.Growing {
    let segment: UInt64
    if let next = plane.nextSegment {
      segment = next
    } else {
      // Should the counter be damaged, no segment may be overwritten.
      let counter = try intact { (writer) throws(StoreError) in
        try writer.transaction.counter(MetaKey.nextSegment, writer.tables)
      }
      segment = try max(1, counter ?? 1, transaction.lastSegment(tables) + 1)
    }
    plane.nextSegment = segment + 1
    return PlaneChanges.Growing(
      segment: segment,
      builder: PlaneSegmentBuilder(dimension: dimension, bits: tables.layout.bits))
  }

  /// Puts a segment that has no room for `tokenCount` more tokens into its table and replaces it by
  /// a new one.
  mutating func makeRoom(
    in growing: inout PlaneChanges.Growing, tokenCount: Int
  ) throws(StoreError) {
    let byteCount = growing.builder.byteCount(addingTokens: tokenCount)
    guard growing.builder.imageCount > 0, byteCount > PlaneChanges.targetByteCount else { return }
    if growing.isChanged { try put(growing) }
    growing = try startGrowing(dimension: growing.builder.dimension)
  }

  /// Puts a segment into its table.
  mutating func put(_ growing: PlaneChanges.Growing) throws(StoreError) {
    var bytes = growing.builder.bytes()
    SegmentSeal.seal(&bytes)
    try transaction.put(
      bytes, forKey: StoreLayout.key(ofSegment: growing.segment), in: tables.planes)
  }
}

extension Transaction where Self: ~Copyable {
  /// Calls `body` with a segment whose checksum is right, or returns `nil` when there is none.
  borrowing func withSealedSegment<Success>(
    _ id: UInt64, _ tables: StoreTables, _ body: (borrowing PlaneSegment) -> Success
  ) throws(StoreError) -> Success? {
    try withValue(in: tables.planes, forKey: StoreLayout.key(ofSegment: id)) {
      (bytes) throws(StoreError) in
      do throws(Damage) {
        return try SegmentSeal.read(bytes, body)
      } catch {
        throw StoreError(
          error, in: "segment \(id) of the scan plane", path: environment.path)
      }
    }
  }

  /// The largest id of a segment; 0 when there is none.
  borrowing func lastSegment(_ tables: StoreTables) throws(StoreError) -> UInt64 {
    do {
      return try withCursor(in: tables.planes) { cursor in
        guard try cursor.advanceToLast() else { return 0 }
        return try cursor.withEntry { key, _ in try StoreLayout.segment(key) }
      }
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.impossible(.identifiers), in: "a table", path: environment.path)
    }
  }
}
