/// An id with its score. Better comes first: higher score, then lower id.
public struct ScoredItem<ID: Comparable & Sendable>: Sendable, Comparable {
  /// What was scored.
  public var id: ID
  /// Larger is better; a number.
  public var score: Double

  /// An id with its score.
  public init(id: ID, score: Double) {
    self.id = id
    self.score = score
  }

  /// Whether `lhs` ranks before `rhs`: the one place that orders scores.
  public static func < (lhs: Self, rhs: Self) -> Bool {
    lhs.score != rhs.score ? lhs.score > rhs.score : lhs.id < rhs.id
  }
}

/// The k best of a stream of scored items, in memory for k of them.
///
/// Ties go to the lower id, so the result does not depend on the order of arrival, nor on how a
/// scan was divided among threads.
public struct TopK<ID: Comparable & Sendable>: Sendable {
  /// How many are kept.
  public let capacity: Int
  /// A binary heap with the worst kept item at its root.
  private var heap: [ScoredItem<ID>] = []

  /// Keeps the best `capacity` items.
  public init(capacity: Int) {
    precondition(capacity >= 0, "count to keep")
    self.capacity = capacity
  }

  /// Offers one item. An item that scored `-infinity` (an image without tokens) is never kept.
  /// - Complexity: O(log k) when it is kept, O(1) otherwise.
  public mutating func insert(_ item: ScoredItem<ID>) {
    guard item.score > -.infinity, capacity > 0 else { return }
    if heap.count < capacity {
      heap.append(item)
      siftUp(heap.count - 1)
    } else if item < heap[0] {
      heap[0] = item
      siftDown(0)
    }
  }

  /// Offers all that `other` kept.
  public mutating func merge(_ other: TopK) {
    for item in other.heap { insert(item) }
  }

  /// The score of the worst kept item once there are `capacity` of them, `-infinity` before: an item
  /// that scores less is not kept.
  public var threshold: Double {
    heap.count < capacity ? -.infinity : heap.first?.score ?? .infinity
  }

  /// The kept items, best first.
  /// - Complexity: O(k log k).
  public var sorted: [ScoredItem<ID>] { heap.sorted() }

  private mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[parent] < heap[child] else { return }
      heap.swapAt(parent, child)
      child = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    while true {
      var worst = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[worst] < heap[child] {
        worst = child
      }
      guard worst != parent else { return }
      heap.swapAt(parent, worst)
      parent = worst
    }
  }
}
