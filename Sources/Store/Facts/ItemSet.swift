/// A set of items as a bitmap over ids: one bit for every id that was ever given.
///
/// 10 million ids take 1.25 MB, and asking for one takes a nanosecond.
package struct ItemSet: Sendable, Equatable {
  @usableFromInline
  private(set) var words: [UInt64]

  /// An empty set for ids up to `last`; larger ones are never in it.
  package init(upTo last: ItemID) {
    words = [UInt64](repeating: 0, count: Int(last.rawValue / 64) + 1)
  }

  /// Whether the item is in the set.
  @inlinable
  package func contains(_ id: ItemID) -> Bool {
    let word = id.rawValue / 64
    return word < UInt64(words.count) && words[Int(word)] & 1 << (id.rawValue % 64) != 0
  }

  /// Adds an item, if its id is one of those that the set is for.
  package mutating func insert(_ id: ItemID) {
    let word = id.rawValue / 64
    if word < UInt64(words.count) { words[Int(word)] |= 1 << (id.rawValue % 64) }
  }

  /// Adds those of the 64 items from `first` on whose bit is set, if their ids are of those that the
  /// set is for.
  /// - Precondition: `first` is a multiple of 64.
  mutating func insert(_ bits: UInt64, from first: ItemID) {
    precondition(first.rawValue.isMultiple(of: 64), "the first id of a word")
    let word = first.rawValue / 64
    if word < UInt64(words.count) { words[Int(word)] |= bits }
  }

  /// Keeps the items that are in the other set too.
  package mutating func formIntersection(_ other: ItemSet) {
    for index in words.indices {
      words[index] &= index < other.words.count ? other.words[index] : 0
    }
  }

  /// Removes the items of the other set.
  package mutating func subtract(_ other: ItemSet) {
    for index in words.indices.prefix(other.words.count) { words[index] &= ~other.words[index] }
  }

  /// Number of items in the set.
  /// - Complexity: O(ids / 64).
  package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// Calls `body` with every item of the set, in the order of ids.
  package func forEach<Failure: Error>(
    _ body: (ItemID) throws(Failure) -> Void
  ) throws(Failure) {
    for (index, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        try body(ItemID(rawValue: UInt64(index * 64 + rest.trailingZeroBitCount)))
        rest &= rest - 1
      }
    }
  }
}
