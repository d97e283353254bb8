import FilipLateInteraction

/// How a copy of an index packs the scan plane: without the rows of removed images, and with
/// segments that fit into one joined to it.
///
/// Items keep their ids and their codes, errors and bounds, so that searches find the same with the
/// same proof. A joined segment has the id of the last one it is made of: ids are never given again.
/// Screens are joined in the same way where there is one for all of it, and made anew by the next
/// `ScreenBuilder` run where there is not. A segment that is damaged, or whose images and places
/// disagree, is copied as it is, with all that belongs to it: an audit finds the same in the copy.
struct PlanePacking {
  /// What becomes of an entry in the copy.
  enum Revision {
    case same
    case none
    case other([UInt8])
  }

  /// What becomes of a segment that changes.
  private struct Change {
    /// The segment that its images are in afterwards.
    var target: UInt64
    /// How many images of other segments come before its own there.
    var firstOrdinal: Int
    /// Its images that are left out, ascending.
    var dead: [UInt32]
  }

  private let tables: StoreTables
  private var changes: [UInt64: Change] = [:]
  /// Of what each changed segment is made, by its id.
  private var parts: [UInt64: [UInt64]] = [:]
  /// Checksums of the changed segments that were made so far.
  private var checksums: [UInt64: UInt64] = [:]

  /// Looks at every segment.
  /// - Complexity: reads a page of each segment and its directory, and all of those that change;
  ///   memory for 4 bytes for each removed image.
  init(_ snapshot: borrowing ReadTransaction, _ tables: StoreTables) throws {
    self.tables = tables
    let growing = try snapshot.growingSegments(tables)
    var pending: [Int: [PackedSegment]] = [:]
    for id in try snapshot.readableSegments(tables) {
      guard let next = try snapshot.packedSegment(id, tables) else { continue }
      let before = pending.removeValue(forKey: next.dimension) ?? []
      if try snapshot.canJoin(before, next, tables) {
        pending[next.dimension] = before + [next]
      } else {
        try pack(before, snapshot)
        pending[next.dimension] = [next]
      }
      // Nothing is joined to the segment that grows, which would lose its id.
      if growing.contains(id) {
        try pack(pending.removeValue(forKey: next.dimension) ?? [], snapshot)
      }
    }
    for dimension in pending.keys.sorted() { try pack(pending[dimension] ?? [], snapshot) }
  }

  /// Notes what becomes of segments that make one.
  private mutating func pack(
    _ segments: [PackedSegment], _ snapshot: borrowing ReadTransaction
  ) throws(StoreError) {
    guard let last = segments.last else { return }
    if segments.count == 1 {
      guard !last.dead.isEmpty, try snapshot.isConsistent(last, tables) else { return }
    }
    var firstOrdinal = 0
    for segment in segments {
      changes[segment.id] = Change(
        target: last.id, firstOrdinal: firstOrdinal, dead: segment.dead)
      firstOrdinal += segment.imageCount
    }
    parts[last.id] = segments.map(\.id)
  }

  /// What becomes of an entry of a table; the tables are copied in the order of `StoreTables.all`.
  mutating func revision(
    of key: Span<UInt8>, _ value: Span<UInt8>, in table: Table,
    _ snapshot: borrowing ReadTransaction
  ) throws(StoreError) -> Revision {
    if table == tables.places { return revisedPlace(value) }
    guard [tables.planes, tables.dead, tables.screens].contains(table),
      let id = try? StoreLayout.segment(key), let change = changes[id]
    else { return .same }
    guard change.target == id, table != tables.dead else { return .none }
    if table == tables.planes { return .other(try packedSegment(id, snapshot)) }
    return try packedScreen(id, snapshot).map { .other($0) } ?? .none
  }

  private func revisedPlace(_ value: Span<UInt8>) -> Revision {
    guard let place = try? PlanePlace(value), let change = changes[place.segment] else {
      return .same
    }
    // Every place that leads to a consistent segment leads to a living image; one that is wrong
    // stays wrong.
    let before = change.dead.count { $0 < place.ordinal }
    let ordinal = change.firstOrdinal + Int(place.ordinal) - before
    return .other(
      PlanePlace(segment: change.target, ordinal: UInt32(clamping: ordinal)).bytes)
  }

  /// The stored bytes of a changed segment.
  private mutating func packedSegment(
    _ id: UInt64, _ snapshot: borrowing ReadTransaction
  ) throws(StoreError) -> [UInt8] {
    var builder: PlaneSegmentBuilder?
    for part in parts[id] ?? [] {
      let dead = Set(changes[part]?.dead ?? [])
      _ = try snapshot.withSealedSegment(part, tables) { segment in
        var packed =
          builder ?? PlaneSegmentBuilder(dimension: segment.dimension, bits: segment.bits)
        builder = nil
        for image in 0..<segment.imageCount where !dead.contains(UInt32(image)) {
          packed.append(image, of: segment)
        }
        builder = packed
      }
    }
    guard var bytes = builder?.bytes() else {
      throw snapshot.segmentError(.missing, id)
    }
    SegmentSeal.seal(&bytes)
    checksums[id] = SegmentSeal.checksum(in: bytes.span)
    return bytes
  }

  /// The stored bytes of a changed segment's screen; `nil` where a part of it has none.
  private func packedScreen(
    _ id: UInt64, _ snapshot: borrowing ReadTransaction
  ) throws(StoreError) -> [UInt8]? {
    guard let checksum = checksums[id] else { return nil }
    var packed = SegmentScreen(
      segment: id, segmentChecksum: checksum, codebook: 0, bounds: [0], codes: [])
    for part in parts[id] ?? [] {
      let isAdded = try snapshot.withScreen(of: part, tables) { header, bounds, codes in
        guard packed.codes.isEmpty || packed.codebook == header.codebook else { return false }
        packed.codebook = header.codebook
        let dead = Set(changes[part]?.dead ?? [])
        for image in 0..<header.imageCount where !dead.contains(UInt32(image)) {
          for token in bounds[image]..<bounds[image + 1] { packed.codes.append(codes[Int(token)]) }
          packed.bounds.append(UInt32(packed.codes.count))
        }
        return true
      }
      guard isAdded == true else { return nil }
    }
    return ScreenCodec.encode(packed)
  }
}

/// What a packing knows of a segment.
private struct PackedSegment {
  var id: UInt64
  var dimension: Int
  var bits: PlaneBits
  /// Images and tokens that are not dead.
  var imageCount: Int
  var tokenCount: Int
  var dead: [UInt32]
}

extension Transaction where Self: ~Copyable {
  /// Every segment that has a sound key, ascending.
  fileprivate borrowing func readableSegments(_ tables: StoreTables) throws -> [UInt64] {
    try withCursor(in: tables.planes) { cursor in
      var ids: [UInt64] = []
      while try cursor.advance() {
        let id = cursor.withEntry { key, _ in try? StoreLayout.segment(key) }
        if let id { ids.append(id) }
      }
      return ids
    }
  }

  /// The segments that images are added to.
  fileprivate borrowing func growingSegments(
    _ tables: StoreTables
  ) throws(StoreError) -> Set<UInt64> {
    var segments: Set<UInt64> = []
    for key in try openSegmentKeys(tables) {
      guard let value = try value(in: tables.meta, forKey: key) else { continue }
      if let segment = try? MetaValue.number(value) { segments.insert(segment) }
    }
    return segments
  }

  /// The counts of a segment; `nil` for one that cannot be read.
  fileprivate borrowing func packedSegment(
    _ id: UInt64, _ tables: StoreTables
  ) throws(StoreError) -> PackedSegment? {
    let key = StoreLayout.key(ofSegment: id)
    let dead = try withValue(in: tables.dead, forKey: key) { (bytes) throws(StoreError) in
      try? DeadOrdinals.decode(bytes)
    }
    // No list is one of nobody; a damaged one is none.
    guard let dead = dead ?? .some([]) else { return nil }
    return try withValue(in: tables.planes, forKey: key) { (bytes) throws(StoreError) in
      try? PlaneSegment.read(bytes) { segment -> PackedSegment? in
        guard dead.last.map({ $0 < segment.imageCount }) ?? true else { return nil }
        let deadTokenCount = dead.reduce(0) { $0 + segment.tokens(of: Int($1)).count }
        return PackedSegment(
          id: id, dimension: segment.dimension, bits: segment.bits,
          imageCount: segment.imageCount - dead.count,
          tokenCount: segment.tokenCount - deadTokenCount, dead: dead)
      }
    } ?? nil
  }

  /// Whether a segment is to be joined to others.
  fileprivate borrowing func canJoin(
    _ segments: [PackedSegment], _ next: PackedSegment, _ tables: StoreTables
  ) throws(StoreError) -> Bool {
    guard let first = segments.first, first.bits == next.bits else { return false }
    let all = segments + [next]
    let byteCount = PlaneSegmentBuilder.byteCount(
      dimension: first.dimension, bits: first.bits,
      imageCount: all.reduce(0) { $0 + $1.imageCount },
      tokenCount: all.reduce(0) { $0 + $1.tokenCount })
    guard byteCount <= PlaneChanges.targetByteCount else { return false }
    // Of several, those that were joined before are known to be consistent.
    if segments.count == 1, try !isConsistent(first, tables) { return false }
    return try isConsistent(next, tables)
  }

  /// Whether a segment is intact, and the places lead to its living images and to no dead one.
  fileprivate borrowing func isConsistent(
    _ segment: PackedSegment, _ tables: StoreTables
  ) throws(StoreError) -> Bool {
    let key = StoreLayout.key(ofSegment: segment.id)
    let ids = try withValue(in: tables.planes, forKey: key) { (bytes) throws(StoreError) in
      try? SegmentSeal.read(bytes) { segment in
        (0..<segment.imageCount).map { ItemID(rawValue: segment.id($0)) }
      }
    }
    guard let ids = ids ?? nil, ids.count > segment.dead.count else { return false }
    var dead = segment.dead[...]
    for (ordinal, id) in ids.enumerated() {
      let place = PlanePlace(segment: segment.id, ordinal: UInt32(ordinal))
      let isPlace = try withValue(in: tables.places, forKey: StoreLayout.key(id)) {
        (bytes) throws(StoreError) in (try? PlanePlace(bytes)) == place
      }
      let isDead = dead.first == place.ordinal
      if isDead { dead.removeFirst() }
      guard (isPlace ?? false) != isDead else { return false }
    }
    return true
  }

  /// Calls `body` with a screen that is intact and belongs to its segment as it is; `nil` without.
  fileprivate borrowing func withScreen<Result>(
    of segment: UInt64, _ tables: StoreTables,
    _ body: (ScreenCodec.Header, _ bounds: Span<UInt32>, _ codes: Span<UInt16>) -> Result
  ) throws(StoreError) -> Result? {
    guard let checksum = try segmentChecksum(segment, tables) else { return nil }
    let key = StoreLayout.key(ofSegment: segment)
    return try withValue(in: tables.screens, forKey: key) {
      (bytes) throws(StoreError) -> Result? in
      guard let header = try? ScreenCodec.verify(bytes), header.segmentChecksum == checksum else {
        return nil
      }
      return ScreenCodec.withParts(bytes, header) { body(header, $0, $1) }
    } ?? nil
  }
}
