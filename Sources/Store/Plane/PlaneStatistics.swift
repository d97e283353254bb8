import FilipLateInteraction

/// What is in the scan plane.
public struct PlaneStatistics: Hashable, Sendable {
  /// Segments.
  public var segmentCount = 0
  /// Images that are alive.
  public var imageCount = 0
  /// Their tokens.
  public var tokenCount = 0
  /// Images that were removed or replaced and still take room.
  public var deadImageCount = 0
  /// Their tokens.
  public var deadTokenCount = 0
  /// Bytes that the codes of the living tokens need at least.
  public var codeByteCount = 0
  /// Bytes of the tables' pages.
  public var byteCount = 0

  /// What is there besides the codes of the living, as a share of those; 0 for an empty plane.
  public var overhead: Double {
    codeByteCount > 0 ? Double(byteCount - codeByteCount) / Double(codeByteCount) : 0
  }
}

extension Snapshot {
  /// Counts what is in the scan plane.
  /// - Complexity: O(segments + images); one page of a segment is read, and its directory.
  public func planeStatistics() throws -> PlaneStatistics {
    var result = PlaneStatistics()
    result.byteCount = try statistics.planeByteCount
    for id in try segmentIDs() {
      try withSegment(id) { segment, dead in
        let deadTokenCount = dead.reduce(0) { $0 + segment.tokens(of: Int($1)).count }
        let tokenCount = segment.tokenCount - deadTokenCount
        result.segmentCount += 1
        result.imageCount += segment.imageCount - dead.count
        result.tokenCount += tokenCount
        result.deadImageCount += dead.count
        result.deadTokenCount += deadTokenCount
        result.codeByteCount +=
          (tokenCount * segment.dimension * Int(segment.bits.rawValue) + 7) / 8
      }
    }
    return result
  }
}
