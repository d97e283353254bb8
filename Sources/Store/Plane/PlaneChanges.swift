import FilipLateInteraction

/// What one write has changed in the scan plane and not put into the tables yet.
struct PlaneChanges {
  /// Segments do not grow past this, so that a commit writes a megabyte at most for what is left of
  /// a segment; an image that is larger gets a segment of its own.
  ///
  /// LMDB's 16 bytes in front of a value make it 256 pages.
  static let targetByteCount = (1 << 20) - 16

  /// A segment that images are added to.
  struct Growing {
    let segment: UInt64
    var builder: PlaneSegmentBuilder
    /// Whether it holds what its table does not.
    var isChanged = false
  }

  /// The segments that images of a dimension are added to, by dimension.
  var growing: [Int: Growing] = [:]
  /// All dead ordinals, ascending, of the segments where images died during this write.
  var dead: [UInt64: [UInt32]] = [:]
  /// Segments that images were to be taken out of and that turned out to be damaged, or not to
  /// have them.
  var suspects: Set<UInt64> = []
  /// The id of the next new segment; `nil` until one is needed.
  var nextSegment: UInt64?
  /// Work space for an image's rows.
  var rows: [Float] = []

  /// The growing segment of that id.
  func growing(withID segment: UInt64) -> Growing? {
    growing.values.first { $0.segment == segment }
  }

  /// More than a quarter of a segment's tokens may not be dead.
  static func isWorthKeeping(deadTokenCount: Int, tokenCount: Int) -> Bool {
    4 * deadTokenCount <= tokenCount
  }
}

extension [UInt32] {
  /// Adds an ordinal to ascending ones, unless it is among them.
  mutating func insertAscending(_ ordinal: UInt32) {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < ordinal { low = middle + 1 } else { high = middle }
    }
    if low == count || self[low] != ordinal { insert(ordinal, at: low) }
  }
}
