import FilipLateInteraction
import FilipStore
import Synchronization

/// A box that was found, in the order of ties: by its image, then by its place among that image's.
struct FoundBox: Sendable, Comparable {
  /// Of its image.
  var id: ItemID
  /// 0 for the best of its image.
  var number: Int
  /// Its image among the candidates.
  var candidate: Int
  /// Which of the image's tiles it lies in.
  var tile: Int
  var box: PatchBox
  /// What it covers, in pixels of the upright original.
  var region: PixelRegion

  static func < (lhs: FoundBox, rhs: FoundBox) -> Bool {
    (lhs.id, lhs.number) < (rhs.id, rhs.number)
  }
}

/// Scores the boxes of candidates, best image first, until the boxes of no other image can be among
/// the k best.
///
/// Of boxes of one image that share half of the smaller one or more, only the best is found. Shared
/// by several threads.
final class BoxPass: Sendable {
  /// What rounding on the way of a score may add.
  private static let slack = 1e-6

  private let query: TokenMatrix
  private let scorer: BoxScorer
  private let candidates: [SearchHit]
  private let count: Int
  private let next = Atomic<Int>(0)
  private let unplaced = Atomic<Int>(0)
  private let best: Mutex<TopK<FoundBox>>

  /// - Parameters:
  ///   - query: rows, each as long as it counts.
  ///   - candidates: images by falling text-to-image score.
  init(_ query: TokenMatrix, _ candidates: [SearchHit], keeping count: Int) {
    self.query = query
    self.candidates = candidates
    self.count = count
    scorer = BoxScorer(query: query)
    best = Mutex(TopK(capacity: count))
  }

  /// Takes candidates until the next one cannot have a box among the k best.
  func run(_ snapshot: borrowing Snapshot) throws {
    var decoder = TokenDecoder()
    var boxes: [PatchGrid: [PatchBox]] = [:]
    while true {
      let position = next.add(1, ordering: .relaxed).oldValue
      guard position < candidates.count else { return }
      let floor = best.withLock(\.threshold)
      guard canHaveBox(above: floor, candidates[position]) else { return }
      let item = candidates[position].item
      guard let tokens = try snapshot.tokens(of: item.id, using: &decoder) else { continue }
      guard let tiles = item.tileTokens(tokens) else {
        unplaced.add(1, ordering: .relaxed)
        continue
      }
      for tile in tiles where boxes[tile.grid] == nil { boxes[tile.grid] = tile.grid.boxes }
      let similarities = ExactSimilarities(text: query, image: tokens)
      var found: [ScoredItem<FoundBox>] = []
      for (number, tile) in tiles.enumerated() {
        let all = boxes[tile.grid] ?? []
        for (box, score) in zip(all, scorer.scores(of: all, in: tile, similarities))
        where score >= floor {
          // Numbered as they come, smaller boxes first: these are the better of equals.
          let place = FoundBox(
            id: item.id, number: found.count, candidate: position, tile: number, box: box,
            region: item.tiles[number].region(of: box))
          found.append(ScoredItem(id: place, score: score))
        }
      }
      let apart = found.sorted().apart(atMost: count)
      best.withLock { best in
        for box in apart { best.insert(box) }
      }
    }
  }

  private func canHaveBox(above floor: Double, _ candidate: SearchHit) -> Bool {
    scorer.upperBound(imageScore: Double(candidate.score)) + Self.slack >= floor
  }

  /// The k best, best first.
  var found: [ScoredItem<FoundBox>] { best.withLock(\.sorted) }

  /// Candidates that have no boxes, since it is not known where their tokens lie.
  var unplacedCount: Int { unplaced.load(ordering: .relaxed) }

  /// Whether no image behind the last candidate can have a box among the k best.
  var isProven: Bool {
    guard let last = candidates.last else { return true }
    return !canHaveBox(above: best.withLock(\.threshold), last)
  }

  /// What each row of the query finds in a box: a score, and a patch counted over all tiles.
  func matches(
    of found: FoundBox, _ tokens: TokenMatrix
  ) -> [(score: Double, patch: Int)] {
    let item = candidates[found.candidate].item
    guard let tiles = item.tileTokens(tokens) else { return [] }
    let first = item.tiles.prefix(found.tile).reduce(0) { $0 + $1.grid.patchCount }
    let similarities = ExactSimilarities(text: query, image: tokens)
    return scorer.matches(in: found.box, of: tiles[found.tile], similarities).map {
      ($0.score, first + $0.patch)
    }
  }
}

extension [ScoredItem<FoundBox>] {
  /// Of boxes that share much, the best alone; at most `count`, numbered anew.
  fileprivate func apart(atMost count: Int) -> Self {
    var kept: Self = []
    for var box in self {
      guard kept.count < count else { break }
      guard kept.allSatisfy({ $0.id.region.shareOfSmaller(box.id.region) < 0.5 }) else { continue }
      box.id.number = kept.count
      kept.append(box)
    }
    return kept
  }
}
