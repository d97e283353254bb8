import FilipLateInteraction
import FilipStore
import Synchronization

/// The k best scores that several threads have seen so far, and the least of them.
///
/// Whatever cannot reach the floor is not among the k best. The floor only rises.
final class ScoreFloor: Sendable {
  private let best: Mutex<TopK<ItemID>>
  private let level: Atomic<UInt64>

  init(capacity: Int) {
    best = Mutex(TopK(capacity: capacity))
    level = Atomic(TopK<ItemID>(capacity: capacity).threshold.bitPattern)
  }

  /// The k-th best score so far, `-infinity` until there are k.
  var value: Double { Double(bitPattern: level.load(ordering: .relaxed)) }

  /// Offers scores.
  func insert(_ items: some Sequence<ScoredItem<ItemID>>) {
    best.withLock { best in
      for item in items { best.insert(item) }
      level.store(best.threshold.bitPattern, ordering: .relaxed)
    }
  }

  /// The k best, best first; ties by id.
  var sorted: [ScoredItem<ItemID>] { best.withLock { $0.sorted } }
}
