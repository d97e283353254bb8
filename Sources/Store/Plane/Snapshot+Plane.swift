package import FilipLateInteraction

/// Reading the scan plane.
extension Snapshot {
  /// In which forms the index keeps tokens.
  public var layout: PlaneLayout { tables.layout }

  /// The segments of the plane, ascending.
  package func segmentIDs() throws -> [UInt64] {
    try transaction.withCursor(in: tables.planes) { cursor in
      var ids: [UInt64] = []
      while try cursor.advance() {
        ids.append(try segmentID(cursor))
      }
      return ids
    }
  }

  /// Calls `body` with a segment and the ordinals of its dead images, ascending.
  ///
  /// Both are valid only during the call; the segment lies in the index's memory map. Its codes are
  /// not verified, `audit` does that.
  /// - Throws: `StoreError` `.damaged` and `.formatTooNew` for bytes that cannot be read,
  ///   `.noSuchItem` when there is no such segment, and what `body` throws.
  package func withSegment<Success>(
    _ id: UInt64, _ body: (borrowing PlaneSegment, _ dead: [UInt32]) throws -> Success
  ) throws -> Success {
    let dead = try transaction.deadOrdinals(of: id, tables)
    let disorder = transaction.segmentError(.impossible(.ordinals), id)
    let outcome = try transaction.withSegment(id, tables) {
      segment -> Result<Success, any Error> in
      do {
        guard dead.last.map({ $0 < segment.imageCount }) ?? true else {
          throw disorder
        }
        return .success(try body(segment, dead))
      } catch {
        return .failure(error)
      }
    }
    guard let outcome else {
      throw StoreError(
        .noSuchItem, "the index at \(transaction.environment.path) has no segment \(id)")
    }
    return try outcome.get()
  }

  /// Where an item's tokens are; `nil` when it has none, or when there is no such item.
  package func place(of id: ItemID) throws(StoreError) -> (segment: UInt64, ordinal: Int)? {
    guard let place = try transaction.place(of: id, tables), !place.isEmpty else { return nil }
    return (place.segment, Int(place.ordinal))
  }

  /// The tokens that an item's codes stand for, rotated back.
  func decodedTokens(of id: ItemID) throws(StoreError) -> TokenMatrix? {
    guard let place = try transaction.place(of: id, tables) else { return nil }
    guard !place.isEmpty else {
      return TokenMatrix(unchecked: [], tokenCount: 0, dimension: Int(place.ordinal))
    }
    let tokens = try transaction.withSegment(place.segment, tables) { segment -> TokenMatrix? in
      let ordinal = Int(place.ordinal)
      guard ordinal < segment.imageCount, segment.id(ordinal) == id.rawValue else { return nil }
      return segment.tokenMatrix(ordinal)
    }
    guard let tokens = tokens ?? nil else {
      throw StoreError(
        .impossible(.place), in: "the place of item \(id)", path: transaction.environment.path)
    }
    return tokens
  }

  /// The id of the segment at a cursor.
  func segmentID(_ cursor: borrowing Cursor) throws(StoreError) -> UInt64 {
    do throws(Damage) {
      return try cursor.withEntry { (key, _) throws(Damage) in try StoreLayout.segment(key) }
    } catch {
      throw StoreError(error, in: "a table", path: transaction.environment.path)
    }
  }
}

extension PlaneSegment {
  /// The tokens of an image as they are decoded from all bits, rotated back.
  fileprivate borrowing func tokenMatrix(_ image: Int) -> TokenMatrix {
    var rows: [Float] = []
    decode(image, bits: bits, into: &rows)
    let rotation = TokenRotation(dimension: dimension)
    for start in stride(from: 0, to: rows.count, by: dimension) {
      var row = rows[start..<start + dimension].map(Double.init)
      rotation.rotateBack(&row)
      for (index, value) in row.enumerated() { rows[start + index] = Float(value) }
    }
    return TokenMatrix(
      unchecked: rows, tokenCount: rows.count / dimension, dimension: dimension)
  }
}

// MARK: - Inside either kind of transaction

extension Transaction where Self: ~Copyable {
  /// Calls `body` with a segment, or returns `nil` when there is none; its codes are not verified.
  borrowing func withSegment<Success>(
    _ id: UInt64, _ tables: StoreTables, _ body: (borrowing PlaneSegment) -> Success
  ) throws(StoreError) -> Success? {
    try withValue(in: tables.planes, forKey: StoreLayout.key(ofSegment: id)) {
      (bytes) throws(StoreError) in
      do throws(PlaneSegmentError) {
        return try PlaneSegment.read(bytes, body)
      } catch {
        throw segmentError(Damage(error), id)
      }
    }
  }

  /// The place of an item, or `nil` when it has none.
  borrowing func place(
    of id: ItemID, _ tables: StoreTables
  ) throws(StoreError) -> PlanePlace? {
    try withValue(in: tables.places, forKey: StoreLayout.key(id)) { (bytes) throws(StoreError) in
      do throws(Damage) {
        return try PlanePlace(bytes)
      } catch {
        throw StoreError(error, in: "the place of item \(id)", path: environment.path)
      }
    }
  }

  /// The ordinals of a segment's dead images.
  borrowing func deadOrdinals(
    of id: UInt64, _ tables: StoreTables
  ) throws(StoreError) -> [UInt32] {
    try withValue(in: tables.dead, forKey: StoreLayout.key(ofSegment: id)) {
      (bytes) throws(StoreError) in
      do throws(Damage) {
        return try DeadOrdinals.decode(bytes)
      } catch {
        throw segmentError(error, id)
      }
    } ?? []
  }

  /// What is wrong with a segment.
  borrowing func segmentError(_ damage: Damage, _ id: UInt64) -> StoreError {
    StoreError(damage, in: "segment \(id) of the scan plane", path: environment.path)
  }
}
