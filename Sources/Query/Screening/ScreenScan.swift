import FilipLateInteraction
import FilipStore
import Synchronization

/// The images of one segment that are to be scanned exactly.
struct SegmentCandidates: Sendable, Equatable {
  /// The segment's id.
  var segment: UInt64
  /// Their ordinals as ranges without gaps, all alive and in scope; `nil` when the segment has no
  /// screen, for all that are.
  var runs: [Range<Int>]?
}

/// A look at every image through the screen, shared by several threads, and the choice of those
/// that are worth an exact scan.
///
/// Scores are FILIP's text-to-image direction, of centroids in place of tokens: a word's best
/// centroid among an image's, added up over the words. Nothing is proven of the images that are left
/// out.
final class ScreenScan: Sendable {
  /// What one thread found.
  struct Part: Sendable {
    fileprivate var segments: [ScreenedSegment] = []
    /// How many images have each score.
    fileprivate var histogram: [Int]
    /// Images that were scored.
    var imageCount: Int { histogram.reduce(0, +) }
  }

  private let table: ScreenTable
  private let scope: Scope
  private let segmentIDs: [UInt64]
  private let next = Atomic<Int>(0)

  /// - Precondition: the query has a token, and the codebook's dimension.
  init(
    _ tokens: TokenMatrix, codebook: ScreenCodebook, scope: Scope, segmentIDs: [UInt64]
  ) {
    table = ScreenTable(query: tokens, codebook: codebook)
    self.scope = scope
    self.segmentIDs = segmentIDs
  }

  /// Takes segments until none is left.
  func run(_ snapshot: borrowing Snapshot) throws -> Part {
    var part = Part(histogram: [Int](repeating: 0, count: table.largestScore + 1))
    var scores: [Int32] = []
    while true {
      let position = next.add(1, ordering: .relaxed).oldValue
      guard position < segmentIDs.count else { return part }
      let segment = segmentIDs[position]
      guard let imageCount = try score(segment, snapshot, into: &scores) else {
        part.segments.append(ScreenedSegment(id: segment, scores: nil, best: -1, runs: []))
        continue
      }
      let runs = try runs(of: segment, imageCount: imageCount, snapshot)
      var best: Int32 = -1
      for run in runs {
        for score in scores[run] {
          best = max(best, score)
          part.histogram[Int(score)] += 1
        }
      }
      guard best >= 0 else { continue }
      part.segments.append(
        ScreenedSegment(id: segment, scores: Array(scores[..<imageCount]), best: best, runs: runs))
    }
  }

  /// Writes the scores of a segment's images.
  /// - Returns: their number; `nil` when the segment has no screen that is of use.
  private func score(
    _ segment: UInt64, _ snapshot: borrowing Snapshot, into scores: inout [Int32]
  ) throws -> Int? {
    try snapshot.withScreen(of: segment, codebook: table.codebook) { bounds, codes -> Int? in
      guard table.writeScores(codes: codes, bounds: bounds, into: &scores) else { return nil }
      return bounds.count - 1
    } ?? nil
  }

  /// The images of a segment that are alive and in scope.
  private func runs(
    of segment: UInt64, imageCount: Int, _ snapshot: borrowing Snapshot
  ) throws -> [Range<Int>] {
    guard scope.isEverything else {
      return try snapshot.withSegment(segment) { segment, dead in
        scope.runs(in: segment, dead: dead)
      }
    }
    var runs: [Range<Int>] = []
    var start = 0
    for ordinal in try snapshot.deadOrdinals(ofSegment: segment) where ordinal < imageCount {
      if start < ordinal { runs.append(start..<Int(ordinal)) }
      start = Int(ordinal) + 1
    }
    if start < imageCount { runs.append(start..<imageCount) }
    return runs
  }
}

// MARK: - The choice

extension ScreenScan {
  /// The `count` images that score best, and all of the segments that have no screen.
  ///
  /// Ties go to the lower segment, then to the lower ordinal: the choice does not depend on the
  /// threads. The segment with the best image comes first, those without a screen last.
  func candidates(of parts: [Part], keeping count: Int) -> [SegmentCandidates] {
    var choice = ScreenChoice(parts.map(\.histogram), keeping: count)
    var chosen: [(candidates: SegmentCandidates, best: Int32)] = []
    for segment in parts.flatMap(\.segments).sorted(by: { $0.id < $1.id }) {
      guard let scores = segment.scores else {
        chosen.append((SegmentCandidates(segment: segment.id, runs: nil), segment.best))
        continue
      }
      guard segment.best >= choice.threshold else { continue }
      let runs = choice.runs(of: segment.runs, scores: scores)
      if !runs.isEmpty {
        chosen.append((SegmentCandidates(segment: segment.id, runs: runs), segment.best))
      }
    }
    return chosen.sorted { one, other in
      one.best != other.best
        ? one.best > other.best : one.candidates.segment < other.candidates.segment
    }.map(\.candidates)
  }
}

/// One segment after it was looked at.
private struct ScreenedSegment: Sendable {
  var id: UInt64
  /// By ordinal; `nil` without a screen.
  var scores: [Int32]?
  /// The best score of an image that is alive and in scope; -1 without a screen.
  var best: Int32
  /// The images that are alive and in scope.
  var runs: [Range<Int>]
}

/// Where the line is drawn.
private struct ScreenChoice {
  /// Images that score more are chosen.
  let threshold: Int32
  /// How many of those that score as much are still to be chosen.
  private var tieCount: Int

  /// Draws it below the `count` best.
  init(_ histograms: [[Int]], keeping count: Int) {
    var remaining = count
    var score = (histograms.first?.count ?? 0) - 1
    while score >= 0 {
      let imageCount = histograms.reduce(0) { $0 + $1[score] }
      guard imageCount <= remaining else { break }
      remaining -= imageCount
      score -= 1
    }
    threshold = Int32(score)
    tieCount = score < 0 ? 0 : remaining
  }

  /// The chosen among some images of the next segment.
  mutating func runs(of images: [Range<Int>], scores: [Int32]) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for run in images {
      for image in run where scores[image] >= threshold {
        if scores[image] == threshold {
          guard tieCount > 0 else { continue }
          tieCount -= 1
        }
        if let last = runs.last, last.upperBound == image {
          runs[runs.count - 1] = last.lowerBound..<image + 1
        } else {
          runs.append(image..<image + 1)
        }
      }
    }
    return runs
  }
}
