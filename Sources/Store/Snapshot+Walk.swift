import FilipLateInteraction

/// Walks over every item, in the order of ids.
///
/// Each takes a range of ids, so that several threads can share one walk: see
/// `TokenStore.snapshots(count:)` and `idRanges(count:)`. A closure ends its walk by throwing.
extension Snapshot {
  /// Calls `body` with every record in the range, or with all of them.
  public func forEachItem(
    in range: Range<ItemID>? = nil, _ body: (ItemRecord) throws -> Void
  ) throws {
    try walk(tables.items, in: range) { id, cursor in
      let bytes = cursor.withEntry { _, value in Array(value) }
      try body(try record(bytes, of: id))
    }
  }

  /// Calls `body` with every item whose path begins with the bytes, in the order of paths.
  ///
  /// End the prefix with a slash to ask for a folder. Paths of more than 480 bytes that share
  /// their first 480 come in no particular order.
  public func forEachItem(
    withPathPrefix prefix: [UInt8], _ body: (ItemRecord) throws -> Void
  ) throws {
    let keyPrefix = Array(prefix.prefix(StoreLayout.longestPathKeyByteCount))
    try transaction.withCursor(in: tables.paths) { cursor in
      var isInside = try cursor.advance(to: keyPrefix)
      while isInside {
        let (key, value) = cursor.withEntry { (Array($0), Array($1)) }
        guard key.starts(with: keyPrefix) else { return }
        for id in try transaction.itemIDs(value) {
          guard let item = try item(id), item.path?.starts(with: prefix) == true else { continue }
          try body(item)
        }
        isInside = try cursor.advance()
      }
    }
  }

  /// Calls `body` with the encoded tokens of every readable item in the range, or of all; with
  /// none where the index keeps no originals.
  ///
  /// `TokenDecoder` turns the bytes into floats. They belong to the index's memory map and are
  /// valid only during the call.
  public func forEachEncodedTokens(
    in range: Range<ItemID>? = nil, _ body: (ItemID, Span<UInt8>) throws -> Void
  ) throws {
    try walk(tables.tokens, in: range) { id, cursor in
      try cursor.withEntry { _, value in try body(id, value) }
    }
  }

  /// Calls `body` with the pooled vector of every item in the range that has one, or of all.
  ///
  /// The vector is the first elements of one buffer that serves all calls.
  public func forEachPooled(
    in range: Range<ItemID>? = nil, _ body: (ItemID, ArraySlice<Float>) throws -> Void
  ) throws {
    var buffer: [Float] = []
    try walk(tables.pooled, in: range) { id, cursor in
      let count = try cursor.withEntry { (_, value) throws(StoreError) in
        try PooledCodec.decode(value, of: id, into: &buffer, at: 0)
      }
      try body(id, buffer[..<count])
    }
  }

  /// Calls `body` with the dimension of every segment that has living images.
  /// - Complexity: O(tokens); of a segment its header, scales and directory are read.
  package func forEachTokenDimension(_ body: (Int) -> Void) throws {
    for segment in try segmentIDs() {
      try withSegment(segment) { segment, dead in
        if dead.count < segment.imageCount { body(segment.dimension) }
      }
    }
  }

  /// Splits the ids of the readable items into at most `count` adjoining ranges of equal width.
  ///
  /// Ids are given in order and seldom removed, so equal widths hold about equally many items. Ask
  /// for a few times more ranges than threads.
  /// - Returns: no range when the index is empty.
  public func idRanges(count: Int) throws -> [Range<ItemID>] {
    precondition(count > 0, "number of ranges")
    let ends: (first: ItemID, last: ItemID)? = try transaction.withCursor(in: tables.places) {
      cursor in
      guard try cursor.advance() else { return nil }
      let first = try itemID(cursor)
      guard try cursor.advanceToLast() else { return nil }
      return (first, try itemID(cursor))
    }
    guard let ends, ends.last.rawValue < .max else { return [] }
    let start = ends.first.rawValue
    let end = ends.last.rawValue + 1
    let width = max(1, (end - start) / UInt64(count) + ((end - start) % UInt64(count) > 0 ? 1 : 0))
    return stride(from: start, to: end, by: Int(clamping: width)).map { bound in
      let next = bound.addingReportingOverflow(width)
      return ItemID(
        rawValue: bound)..<ItemID(
          rawValue: next.overflow ? end : min(next.partialValue, end))
    }
  }
}

// MARK: - Steps of a walk

extension Snapshot {
  /// Moves a cursor over the ids of the range and calls `body` at each.
  func walk(
    _ table: Table, in range: Range<ItemID>?, _ body: (ItemID, borrowing Cursor) throws -> Void
  ) throws {
    try transaction.withCursor(in: table) { cursor in
      let start = range.map { StoreLayout.key($0.lowerBound) } ?? []
      var isInside = try cursor.advance(to: start)
      while isInside {
        let id = try itemID(cursor)
        if let range, id >= range.upperBound { return }
        try body(id, cursor)
        isInside = try cursor.advance()
      }
    }
  }

  func itemID(_ cursor: borrowing Cursor) throws(StoreError) -> ItemID {
    do throws(Damage) {
      return try cursor.withEntry { (key, _) throws(Damage) in try StoreLayout.itemID(key) }
    } catch {
      throw StoreError(error, in: "a table", path: transaction.environment.path)
    }
  }

  func record(_ bytes: [UInt8], of id: ItemID) throws(StoreError) -> ItemRecord {
    try transaction.record(bytes, of: id, fingerprints: fingerprintsByNumber)
  }
}
