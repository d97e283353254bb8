import FilipLateInteraction
import FilipStore
import Synchronization

/// The k best scores that several threads have seen so far, and the least of them.
///
/// Whatever cannot reach the floor is not among the k best. The floor only rises.
final class ScoreFloor: Sendable {
  private struct State {
    var best: TopK<ItemID>
    /// The scores of `best`, falling; `nil` since the last change.
    var ranked: [Double]?
  }

  private let capacity: Int
  private let state: Mutex<State>
  private let level: Atomic<UInt64>

  init(capacity: Int) {
    let best = TopK<ItemID>(capacity: capacity)
    self.capacity = capacity
    level = Atomic(best.threshold.bitPattern)
    state = Mutex(State(best: best))
  }

  /// The k-th best score so far, `-infinity` until there are k.
  var value: Double { Double(bitPattern: level.load(ordering: .relaxed)) }

  /// Offers scores.
  func insert(_ items: some Sequence<ScoredItem<ItemID>>) {
    state.withLock { state in
      for item in items { state.best.insert(item) }
      state.ranked = nil
      level.store(state.best.threshold.bitPattern, ordering: .relaxed)
    }
  }

  /// Where the floor may be expected to end when a share of all images has been seen, in any order:
  /// of the k best, that share is among them.
  ///
  /// It is a guess and may be too high. What lies between `value` and it is not ruled out.
  func expected(after share: Double) -> Double {
    let rank = max(1, Int((Double(capacity) * share).rounded(.up)))
    let score = state.withLock { state in
      let ranked = state.ranked ?? state.best.sorted.map(\.score)
      state.ranked = ranked
      return rank <= ranked.count ? ranked[rank - 1] : -.infinity
    }
    return max(score, value)
  }

  /// The k best, best first; ties by id.
  var sorted: [ScoredItem<ItemID>] { state.withLock { $0.best.sorted } }
}
