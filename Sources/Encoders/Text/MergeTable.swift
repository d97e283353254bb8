/// The merges of a byte-pair encoding: which neighbours become one token, and in which order.
struct MergeTable: Sendable {
  /// Number of merges.
  var count: Int { results.count }

  /// Pairs by hash; `emptyKey` where there is none.
  private var keys: [UInt64]
  /// The merge in each slot.
  private var ranks: [UInt32]
  /// The token that each merge makes, by rank.
  private var results: [Int32] = []
  /// Random, so that no file can be made whose pairs all collide.
  private var multiplier = UInt64.random(in: 0 ... .max) | 1

  private static let emptyKey = UInt64.max

  /// A table with room for `capacity` merges.
  init(capacity: Int) {
    var slotCount = 16
    while slotCount * 2 < capacity * 3 + 2 { slotCount *= 2 }
    keys = [UInt64](repeating: Self.emptyKey, count: slotCount)
    ranks = [UInt32](repeating: 0, count: slotCount)
    results.reserveCapacity(capacity)
  }

  /// Adds the merge that comes after all others; `false` when the pair has one already.
  ///
  /// - Precondition: there is room.
  mutating func append(_ left: Int32, _ right: Int32, result: Int32) -> Bool {
    precondition(count * 3 < keys.count * 2, "room for a merge")
    let slot = slot(of: Self.key(left, right))
    guard keys[slot] == Self.emptyKey else { return false }
    keys[slot] = Self.key(left, right)
    ranks[slot] = UInt32(count)
    results.append(result)
    return true
  }

  private func rank(_ left: Int32, _ right: Int32) -> UInt32? {
    let slot = slot(of: Self.key(left, right))
    return keys[slot] == Self.emptyKey ? nil : ranks[slot]
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  private func slot(of key: UInt64) -> Int {
    let shift = UInt64(keys.count.leadingZeroBitCount + 1)
    var slot = Int(truncatingIfNeeded: (key &* multiplier) >> shift)
    while keys[slot] != key, keys[slot] != Self.emptyKey {
      slot = (slot + 1) & (keys.count - 1)
    }
    return slot
  }

  // MARK: - Merging

  /// Merges the tokens of one word until no merge applies: always the earliest merge, of equal
  /// ones the leftmost.
  ///
  /// - Complexity: `n log n` for `n` tokens.
  func merge(_ tokens: [Int32]) -> [Int32] { mergePlaces(tokens).map(\.id) }

  /// The same, and which of the tokens given each of the result is made of.
  func mergePlaces(_ tokens: [Int32]) -> [(id: Int32, places: Range<Int>)] {
    guard tokens.count > 1, count > 0 else {
      return tokens.enumerated().map { ($1, $0..<$0 + 1) }
    }
    var word = LinkedWord(tokens)
    var queue = MergeQueue()
    for position in 0..<tokens.count - 1 { enqueue(position, of: word, into: &queue) }
    while let (rank, position) = queue.popFirst() {
      guard let next = word.next(after: position) else { continue }
      // A candidate is out of date when its pair no longer makes the same token. The reference
      // compares the result, not the pair, and so do we.
      let result = results[Int(rank)]
      guard let current = self.rank(word.tokens[position], word.tokens[next]),
        results[Int(current)] == result
      else { continue }
      word.replacePair(at: position, by: result)
      if let previous = word.previous(before: position) {
        enqueue(previous, of: word, into: &queue)
      }
      enqueue(position, of: word, into: &queue)
    }
    return word.remainingPlaces
  }

  private func enqueue(_ position: Int, of word: LinkedWord, into queue: inout MergeQueue) {
    guard let next = word.next(after: position),
      let rank = rank(word.tokens[position], word.tokens[next])
    else { return }
    queue.insert(rank: rank, position: position)
  }
}

// MARK: - Compiled tokenizers

extension MergeTable {
  /// Writes the table as it is in memory.
  func write(to sections: inout SectionWriter) {
    sections.append(number: multiplier)
    sections.append(keys)
    sections.append(ranks)
    sections.append(results)
  }

  /// A table that was written; `nil` when its parts contradict each other.
  ///
  /// - Parameter idCount: results stay below it.
  init?(from sections: inout SectionReader, idCount: Int) {
    guard let multiplier = sections.number(), let keys = sections.next(UInt64.self),
      let ranks = sections.next(UInt32.self), let results = sections.next(Int32.self),
      keys.count >= 16, keys.count & (keys.count - 1) == 0, ranks.count == keys.count,
      results.count <= Vocabulary.limit, results.allSatisfy({ $0 >= 0 && $0 < idCount })
    else { return nil }
    var filledCount = 0
    for slot in keys.indices where keys[slot] != Self.emptyKey {
      guard ranks[slot] < results.count else { return nil }
      filledCount += 1
    }
    // A search ends at an empty slot.
    guard filledCount == results.count, filledCount < keys.count else { return nil }
    self.multiplier = multiplier
    self.keys = keys
    self.ranks = ranks
    self.results = results
  }
}

/// The tokens of a word as a list from which pairs are taken.
private struct LinkedWord {
  private(set) var tokens: [Int32]
  private var nexts: [Int]
  private var previouses: [Int]

  private static let removed: Int32 = -1

  init(_ tokens: [Int32]) {
    self.tokens = tokens
    nexts = Array(1...tokens.count)
    previouses = Array(-1..<tokens.count - 1)
  }

  /// The tokens that are left, and the places each was merged from.
  var remainingPlaces: [(id: Int32, places: Range<Int>)] {
    tokens.indices.filter { tokens[$0] != Self.removed }.map { (tokens[$0], $0..<nexts[$0]) }
  }

  /// The neighbour to the right; `nil` at the end and for a token that was merged away.
  func next(after position: Int) -> Int? {
    guard tokens[position] != Self.removed, nexts[position] < tokens.count else { return nil }
    return nexts[position]
  }

  func previous(before position: Int) -> Int? {
    previouses[position] < 0 ? nil : previouses[position]
  }

  mutating func replacePair(at position: Int, by token: Int32) {
    let right = nexts[position]
    tokens[position] = token
    tokens[right] = Self.removed
    nexts[position] = nexts[right]
    if nexts[right] < tokens.count { previouses[nexts[right]] = position }
  }
}

/// Candidates for a merge, lowest rank first, of equal ones the leftmost: a binary heap.
private struct MergeQueue {
  /// Rank in the upper half, position in the lower.
  private var heap: [UInt64] = []

  mutating func insert(rank: UInt32, position: Int) {
    heap.append(UInt64(rank) << 32 | UInt64(position))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child] < heap[parent] else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  mutating func popFirst() -> (rank: UInt32, position: Int)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      var parent = 0
      while true {
        var child = 2 * parent + 1
        guard child < heap.count else { break }
        if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
        guard heap[child] < heap[parent] else { break }
        heap.swapAt(child, parent)
        parent = child
      }
    }
    return (UInt32(first >> 32), Int(first & 0xFFFF_FFFF))
  }
}
