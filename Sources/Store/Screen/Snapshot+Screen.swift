package import FilipLateInteraction

/// Reading the screen.
extension Snapshot {
  /// The id of the codebook that the index's screens are made with; `nil` when it has none.
  package var screenCodebookID: UInt64? {
    get throws(StoreError) {
      try transaction.withValue(in: tables.meta, forKey: MetaKey.screenCodebook) {
        (bytes) throws(StoreError) in ScreenCodebook.id(of: bytes)
      } ?? nil
    }
  }

  /// The codebook that the index's screens are made with; `nil` when it has none.
  /// - Throws: `StoreError` `.damaged` and `.formatTooNew`.
  /// - Complexity: O(centroids · d).
  package func screenCodebook() throws(StoreError) -> ScreenCodebook? {
    try transaction.withValue(in: tables.meta, forKey: MetaKey.screenCodebook) {
      (bytes) throws(StoreError) in
      do throws(ScreenCodebookError) {
        return try ScreenCodebook(bytes)
      } catch {
        throw StoreError(
          Damage(error), in: "the screen's codebook", path: transaction.environment.path)
      }
    }
  }

  /// Calls `body` with the screen of a segment, unless there is none that belongs to the segment as
  /// it is and to the codebook: image `i` has the codes `bounds[i]..<bounds[i + 1]`.
  ///
  /// Both are valid only during the call. Neither is verified; `audit` does that.
  /// - Returns: what `body` returns; `nil` when there is no screen, or none that can be read.
  package func withScreen<Success>(
    of segment: UInt64, codebook: UInt64,
    _ body: (_ bounds: Span<UInt32>, _ codes: Span<UInt16>) -> Success
  ) throws(StoreError) -> Success? {
    guard let checksum = try segmentChecksum(segment) else { return nil }
    let key = StoreLayout.key(ofSegment: segment)
    return try transaction.withValue(in: tables.screens, forKey: key) {
      (bytes) throws(StoreError) -> Success? in
      guard let header = try? ScreenCodec.Header(bytes), header.codebook == codebook,
        header.segmentChecksum == checksum
      else { return nil }
      return ScreenCodec.withParts(bytes, header, body)
    } ?? nil
  }

  /// The checksum of a segment as it is stored; `nil` when there is no such segment.
  package func segmentChecksum(_ segment: UInt64) throws(StoreError) -> UInt64? {
    try transaction.segmentChecksum(segment, tables)
  }

  /// The ordinals of a segment's dead images, ascending.
  package func deadOrdinals(ofSegment segment: UInt64) throws(StoreError) -> [UInt32] {
    try transaction.deadOrdinals(of: segment, tables)
  }
}

extension Transaction where Self: ~Copyable {
  /// The checksum of a segment as it is stored; `nil` when there is no such segment.
  borrowing func segmentChecksum(
    _ segment: UInt64, _ tables: StoreTables
  ) throws(StoreError) -> UInt64? {
    try withValue(in: tables.planes, forKey: StoreLayout.key(ofSegment: segment)) {
      (bytes) throws(StoreError) in SegmentSeal.checksum(in: bytes)
    } ?? nil
  }
}

extension Damage {
  /// What is wrong with a codebook, in the store's words.
  init(_ error: ScreenCodebookError) {
    switch error {
    case .length: self = .endsEarly
    case .newerVersion(let version): self = .newerVersion(version)
    case .header: self = .impossible(.shape)
    case .hash: self = .checksum
    case .value: self = .impossible(.centroid)
    }
  }
}
