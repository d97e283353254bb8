import FilipLateInteraction
import FilipStore
import Synchronization

/// Scores candidates from the originals, best bound first, until the rest cannot reach the k best.
///
/// Shared by several threads. When all have returned, `best` is the exact answer: every candidate
/// that was left out has a bound strictly below the k-th score.
final class Refinement: Sendable {
  private let text: TokenMatrix
  private let scorer: any ImageScorer
  private let candidates: [Candidate]
  private let next = Atomic<Int>(0)
  private let floor: ScoreFloor
  private let refined = Mutex<[ItemID: ExactSimilarities]>([:])
  private let count = Atomic<Int>(0)

  /// - Parameters:
  ///   - text: the rows that `scorer` wants to see compared.
  ///   - candidates: best bound first; the bounds hold for what `scorer` says.
  init(
    _ text: TokenMatrix, _ candidates: [Candidate], keeping capacity: Int,
    scorer: any ImageScorer
  ) {
    self.text = text
    self.candidates = candidates
    self.scorer = scorer
    floor = ScoreFloor(capacity: capacity)
  }

  /// Takes candidates until the next one cannot reach the k best.
  func run(_ snapshot: borrowing Snapshot) throws {
    var decoder = TokenDecoder()
    while true {
      let position = next.add(1, ordering: .relaxed).oldValue
      guard position < candidates.count else { return }
      let candidate = candidates[position]
      guard candidate.upper >= floor.value else { return }
      guard let image = try snapshot.tokens(of: candidate.id, using: &decoder) else { continue }
      count.add(1, ordering: .relaxed)
      let similarities = ExactSimilarities(text: text, image: image)
      let score = scorer.score(similarities)
      floor.insert([ScoredItem(id: candidate.id, score: score)])
      // What has dropped out of the k best already is of no more use.
      if score >= floor.value {
        refined.withLock { $0[candidate.id] = similarities }
      }
    }
  }

  /// The k-th best score; `-infinity` when there are not so many.
  var threshold: Double { floor.value }

  /// The k best, best first; ties by id.
  var best: [ScoredItem<ItemID>] { floor.sorted }

  /// Candidates that were scored from the originals.
  var refinedCount: Int { count.load(ordering: .relaxed) }

  /// The similarities of one of the best.
  func similarities(of id: ItemID) -> ExactSimilarities? { refined.withLock { $0[id] } }
}
