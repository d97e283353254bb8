import FilipLateInteraction
import FilipLinearAlgebra
import FilipStore

/// What there is to be screened.
struct ScreenSurvey {
  /// A segment of the scan plane.
  struct Segment {
    var id: UInt64
    var tokenCount: Int
  }

  /// Number of dimensions that most tokens have; 0 when there are none.
  private(set) var dimension = 0
  /// Segments of that dimension, ascending.
  private(set) var segments: [Segment] = []
  /// Tokens of those segments, dead ones included.
  private(set) var tokenCount = 0

  /// Looks at every segment of the plane.
  init(_ snapshot: borrowing Snapshot) throws {
    var byDimension: [Int: (segments: [Segment], tokenCount: Int)] = [:]
    for id in try snapshot.segmentIDs() {
      let (dimension, tokenCount) = try snapshot.withSegment(id) { segment, _ in
        (segment.dimension, segment.tokenCount)
      }
      byDimension[dimension, default: ([], 0)].segments.append(
        Segment(id: id, tokenCount: tokenCount))
      byDimension[dimension, default: ([], 0)].tokenCount += tokenCount
    }
    let largest = byDimension.max { one, other in
      (one.value.tokenCount, other.key) < (other.value.tokenCount, one.key)
    }
    guard let largest else { return }
    (dimension, segments, tokenCount) = (
      largest.key, largest.value.segments, largest.value.tokenCount
    )
  }

  /// At most `count` different tokens, spread evenly over the plane.
  func sample(count: Int, seed: UInt64, _ snapshot: borrowing Snapshot) throws -> Matrix {
    let count = min(count, tokenCount)
    let sample = Matrix(rowCount: count, columnCount: dimension)
    var generator = SplitMix64(state: seed)
    var row = 0
    // Row r is one of the tokens from number r · tokenCount / count on.
    func firstToken(_ row: Int) -> Int {
      Int(UInt128(row) * UInt128(tokenCount) / UInt128(count))
    }
    var token = row < count ? Int.random(in: 0..<firstToken(1), using: &generator) : 0
    var start = 0
    for listed in segments {
      try snapshot.withSegment(listed.id) { segment, _ in
        while row < count, token < start + segment.tokenCount {
          segment.decode(token - start..<token - start + 1, into: sample.rows(row..<row + 1))
          row += 1
          guard row < count else { break }
          token = Int.random(in: firstToken(row)..<firstToken(row + 1), using: &generator)
        }
      }
      start += listed.tokenCount
    }
    return sample.rows(0..<row)
  }
}
