/// Which items pass a filter, without reading their records.
extension Snapshot {
  /// More ids than this were never given by anybody: 2 GiB as a bitmap.
  private static let mostIDs: UInt64 = 1 << 34

  /// A set that can hold every item of the index, and holds none.
  /// - Throws: `StoreError` `.damaged` when an id is impossibly large.
  package func emptyItemSet() throws -> ItemSet {
    let last: ItemID = try transaction.withCursor(in: tables.items) { cursor in
      try cursor.advanceToLast() ? try itemID(cursor) : .unassigned
    }
    guard last.rawValue < Self.mostIDs else {
      throw StoreError(
        .impossible(.identifiers), in: "the largest id, \(last),",
        path: transaction.environment.path)
    }
    return ItemSet(upTo: last)
  }

  /// The items whose facts pass.
  /// - Complexity: reads 32 bytes for every id that was ever given; four blocks at a time, since
  ///   their checksums take longer than all else.
  /// - Throws: `StoreError` `.damaged` when a block of facts is.
  package func items(passing filter: FactFilter) throws -> ItemSet {
    var found = try emptyItemSet()
    let filter = PreparedFactFilter(filter)
    let blocks = try factBlockNumbers()
    var next = 0
    while next < blocks.count {
      if blocks.count - next >= 4 {
        let four: [4 of UInt64] = [
          blocks[next], blocks[next + 1], blocks[next + 2], blocks[next + 3],
        ]
        if try addItems(passing: filter, inBlocks: four, to: &found) {
          next += 4
          continue
        }
      }
      // The last ones, and those of which one is damaged.
      try addItems(passing: filter, inBlock: blocks[next], to: &found)
      next += 1
    }
    return found
  }

  /// Adds the items of four blocks that pass, unless one of the blocks is damaged.
  /// - Returns: whether that was done.
  private func addItems(
    passing filter: PreparedFactFilter, inBlocks blocks: [4 of UInt64], to found: inout ItemSet
  ) throws(StoreError) -> Bool {
    let keys: [4 of [UInt8]] = [
      StoreLayout.bigEndian(blocks[0]), StoreLayout.bigEndian(blocks[1]),
      StoreLayout.bigEndian(blocks[2]), StoreLayout.bigEndian(blocks[3]),
    ]
    return try transaction.withValues(in: tables.facts, forKeys: keys) {
      (first, second, third, fourth) throws(StoreError) in
      guard FactBlock.areSound(first, second, third, fourth) else { return false }
      filter.addItems(ofBlock: blocks[0], first, to: &found)
      filter.addItems(ofBlock: blocks[1], second, to: &found)
      filter.addItems(ofBlock: blocks[2], third, to: &found)
      filter.addItems(ofBlock: blocks[3], fourth, to: &found)
      return true
    } ?? false
  }

  /// Adds the items of a block that pass.
  private func addItems(
    passing filter: PreparedFactFilter, inBlock block: UInt64, to found: inout ItemSet
  ) throws(StoreError) {
    _ = try transaction.withValue(in: tables.facts, forKey: StoreLayout.bigEndian(block)) {
      (bytes) throws(StoreError) in
      _ = try verify(bytes, block)
      filter.addItems(ofBlock: block, bytes, to: &found)
    }
  }

  /// The blocks of facts that there are, ascending.
  private func factBlockNumbers() throws -> [UInt64] {
    try transaction.withCursor(in: tables.facts) { cursor in
      var blocks: [UInt64] = []
      while try cursor.advance() { blocks.append(try factBlockNumber(cursor)) }
      return blocks
    }
  }

  /// The facts of an item; `nil` when there is no such item.
  package func facts(of id: ItemID) throws(StoreError) -> ItemFacts? {
    let (block, row) = FactBlock.position(of: id)
    return try transaction.factBlock(block, tables)?[row]
  }

  /// The items that have a tag.
  /// - Complexity: O(items with the tag).
  package func items(tagged tag: ItemTag) throws -> ItemSet {
    var found = try emptyItemSet()
    let prefix = StoreLayout.prefix(ofTag: tag)
    try transaction.withCursor(in: tables.tags) { cursor in
      var isInside = try cursor.advance(to: prefix)
      while isInside {
        let key = cursor.withEntry { key, _ in Array(key) }
        guard key.starts(with: prefix) else { return }
        found.insert(try tagged(key.span).id)
        isInside = try cursor.advance()
      }
    }
    return found
  }

  /// Every tag that an item has, in order, and how many items have it.
  /// - Complexity: O(tags of all items).
  public func tagCounts() throws -> [(tag: ItemTag, itemCount: Int)] {
    var counts: [(tag: ItemTag, itemCount: Int)] = []
    try transaction.withCursor(in: tables.tags) { cursor in
      while try cursor.advance() {
        let tag = try cursor.withEntry { key, _ in try tagged(key).tag }
        if counts.last?.tag == tag {
          counts[counts.count - 1].itemCount += 1
        } else {
          counts.append((tag, 1))
        }
      }
    }
    return counts
  }

  /// Calls `body` with the path of every item whose path begins with the bytes, in the order of
  /// paths; no record is decoded unless its path has more than 480 bytes.
  ///
  /// The path is valid only during the call.
  package func forEachPath(
    withPrefix prefix: [UInt8] = [], _ body: (ItemID, Span<UInt8>) throws -> Void
  ) throws {
    let keyPrefix = Array(prefix.prefix(StoreLayout.longestPathKeyByteCount))
    try transaction.withCursor(in: tables.paths) { cursor in
      var isInside = try cursor.advance(to: keyPrefix)
      while isInside {
        isInside = try cursor.withEntry { key, value in
          guard key.starts(with: keyPrefix) else { return false }
          guard key.count > StoreLayout.longestPathKeyByteCount else {
            // All but long paths have one item.
            guard value.count == 8 else {
              for id in try transaction.itemIDs(Array(value)) { try body(id, key) }
              return true
            }
            try body(ItemID(rawValue: StoreLayout.bigEndian(value, at: 0).byteSwapped), key)
            return true
          }
          for id in try transaction.itemIDs(Array(value)) {
            guard let path = try item(id)?.path, path.starts(with: prefix) else { continue }
            try body(id, path.span)
          }
          return true
        }
        if isInside { isInside = try cursor.advance() }
      }
    }
  }

  /// The tag and the item of a key of the table of tags.
  func tagged(_ key: Span<UInt8>) throws(StoreError) -> (tag: ItemTag, id: ItemID) {
    do throws(Damage) {
      return try StoreLayout.tagged(key)
    } catch {
      throw StoreError(error, in: "the list of tags", path: transaction.environment.path)
    }
  }

  /// The number of the block of facts at a cursor.
  func factBlockNumber(_ cursor: borrowing Cursor) throws(StoreError) -> UInt64 {
    do throws(Damage) {
      return try cursor.withEntry { (key, _) throws(Damage) in
        try StoreLayout.itemID(key).rawValue
      }
    } catch {
      throw StoreError(error, in: "a table", path: transaction.environment.path)
    }
  }

  private func verify(_ bytes: Span<UInt8>, _ block: UInt64) throws(StoreError) -> Int {
    do throws(Damage) {
      return try FactBlock.verify(bytes)
    } catch {
      throw transaction.factError(error, block)
    }
  }
}

extension Span<UInt8> {
  /// Whether the bytes begin with these.
  fileprivate func starts(with prefix: [UInt8]) -> Bool {
    guard count >= prefix.count else { return false }
    for index in prefix.indices where self[index] != prefix[index] { return false }
    return true
  }
}

extension Transaction where Self: ~Copyable {
  /// A block of facts as it is stored, or `nil` when there is none.
  borrowing func factBlock(
    _ number: UInt64, _ tables: StoreTables
  ) throws(StoreError) -> FactBlock? {
    try withValue(in: tables.facts, forKey: StoreLayout.bigEndian(number)) {
      (bytes) throws(StoreError) in
      do throws(Damage) {
        return try FactBlock(bytes)
      } catch {
        throw factError(error, number)
      }
    }
  }

  /// What is wrong with a block of facts.
  borrowing func factError(_ damage: Damage, _ number: UInt64) -> StoreError {
    let first = number &* UInt64(FactBlock.rowCount)
    return StoreError(
      damage,
      in: "the table of facts of items \(first) to \(first &+ UInt64(FactBlock.rowCount) &- 1)",
      path: environment.path)
  }
}
