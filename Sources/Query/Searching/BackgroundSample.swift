import FilipLateInteraction
import FilipStore

/// Scores of some images spread over an index, for several things at once.
///
/// The images are chosen by their places alone: up to 128 segments of the scan plane and up to 1,000
/// images of them, evenly. So the same index gives the same sample, and it is over all images of the
/// index, whatever a search is restricted to. Scores are those of the codes, which differ from exact
/// ones by less than a hundredth; with four bits, those of the originals if there are any.
struct BackgroundSample: ~Copyable {
  private static let mostImages = 1_000
  private static let mostSegments = 128
  /// Originals cost some ten times as much as codes.
  private static let mostOriginals = 250

  private let tokens: [TokenMatrix]
  private let scorers: [PlaneScorer]
  private let readsOriginals: Bool
  private var scores: [[Double]]
  private var decoder = TokenDecoder()
  private var intervals: [ScoreInterval] = []
  private var uppers: [Double] = []

  /// The background of each of several groups of rows; `nil` for an index without images.
  /// - Complexity: rows × patches of 1,000 images, products of small integers.
  static func backgrounds(
    of tokens: [TokenMatrix], _ snapshot: borrowing Snapshot, _ layout: PlaneLayout
  ) throws -> [Background?] {
    guard !tokens.isEmpty else { return [] }
    let readsOriginals = layout.bits == .four && layout.originals != .none
    var sample = BackgroundSample(tokens, readsOriginals: readsOriginals)
    let segments = try snapshot.segmentIDs().evenly(mostSegments)
    let most = readsOriginals ? mostOriginals : mostImages
    let share = (most + segments.count - 1) / max(1, segments.count)
    for segment in segments {
      var ids: [ItemID] = []
      try snapshot.withSegment(segment) { codes, dead in
        let dead = Set(dead)
        let living = (0..<codes.imageCount).filter { !dead.contains(UInt32($0)) }
        for image in living.evenly(share) {
          if readsOriginals {
            ids.append(ItemID(rawValue: codes.id(image)))
          } else {
            sample.take(image, of: codes)
          }
        }
      }
      for id in ids { try sample.take(id, snapshot) }
    }
    return sample.scores.map { Background($0) }
  }

  private init(_ tokens: [TokenMatrix], readsOriginals: Bool) {
    self.tokens = tokens
    self.readsOriginals = readsOriginals
    scorers = tokens.map {
      PlaneScorer(query: PlaneQuery($0), direction: .textToImage, reference: .codes)
    }
    scores = tokens.map { _ in [] }
  }

  private mutating func take(_ image: Int, of codes: borrowing PlaneSegment) {
    for (index, scorer) in scorers.enumerated()
    where codes.dimension == tokens[index].dimension && !codes.tokens(of: image).isEmpty {
      switch codes.bits {
      case .eight:
        scorer.writeEstimates(of: image..<image + 1, in: codes, into: &intervals)
        scores[index].append(intervals[0].estimate)
      case .four:
        scorer.writeUpperBounds(of: image..<image + 1, in: codes, into: &uppers)
        scores[index].append(uppers[0])
      }
    }
  }

  private mutating func take(_ id: ItemID, _ snapshot: borrowing Snapshot) throws {
    guard let image = try snapshot.tokens(of: id, using: &decoder), image.tokenCount > 0 else {
      return
    }
    for (index, rows) in tokens.enumerated() where rows.dimension == image.dimension {
      scores[index].append(ExactSimilarities(text: rows, image: image).score(.textToImage))
    }
  }
}

extension Array {
  /// At most `count` of the elements, as far apart as can be.
  fileprivate func evenly(_ count: Int) -> [Element] {
    guard self.count > count else { return self }
    return (0..<count).map { self[$0 * self.count / count] }
  }
}
