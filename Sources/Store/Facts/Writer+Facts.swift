/// Keeping facts and tags in step with the records.
///
/// Blocks of facts are changed in memory and put into their table when the write is committed, or
/// when many have gathered: some hundred items added in a row cost one or two blocks.
extension Writer {
  /// Blocks that gather before they are put into their table: 2 MiB.
  private static let mostGatheredBlocks = 64

  /// Notes the facts of an item whose record was stored, or that it has none any more.
  mutating func setFacts(_ facts: ItemFacts?, of id: ItemID) throws(StoreError) {
    let (number, row) = FactBlock.position(of: id)
    if self.facts[number] == nil {
      if self.facts.count >= Self.mostGatheredBlocks { try settleFacts() }
      let stored = try intact { (writer) throws(StoreError) in
        try writer.transaction.factBlock(number, writer.tables)
      }
      if let stored {
        self.facts[number] = stored
      } else {
        self.facts[number] = try factBlockOfRecords(number)
      }
    }
    self.facts[number]?[row] = facts
  }

  /// Puts the blocks that changed into their table; empty ones leave it.
  mutating func settleFacts() throws(StoreError) {
    for number in facts.keys.sorted() {
      let key = StoreLayout.bigEndian(number)
      guard var block = facts.removeValue(forKey: number), block.itemCount > 0 else {
        try transaction.remove(key, in: tables.facts)
        continue
      }
      try transaction.put(block.sealed(), forKey: key, in: tables.facts)
    }
  }

  /// A block made anew from the records, for one that is missing or damaged; damaged records are
  /// left out.
  func factBlockOfRecords(_ number: UInt64) throws(StoreError) -> FactBlock {
    var block = FactBlock()
    for id in try itemIDs(ofFactBlock: number) {
      guard let item = try intactItem(id) else { continue }
      block[FactBlock.position(of: id).row] = ItemFacts(item)
    }
    return block
  }

  private func itemIDs(ofFactBlock number: UInt64) throws(StoreError) -> [ItemID] {
    let first = number * UInt64(FactBlock.rowCount)
    return try reading { (writer) throws in
      try writer.transaction.withCursor(in: writer.tables.items) { cursor in
        var ids: [ItemID] = []
        var isInside = try cursor.advance(to: StoreLayout.bigEndian(first))
        while isInside {
          let id = try cursor.withEntry { key, _ in try StoreLayout.itemID(key) }
          guard FactBlock.position(of: id).block == number else { break }
          ids.append(id)
          isInside = try cursor.advance()
        }
        return ids
      }
    }
  }

  /// What `body` reads with a cursor, with its errors as the store's.
  private func reading<Success>(
    _ body: (borrowing Writer) throws -> Success
  ) throws(StoreError) -> Success {
    do {
      return try body(self)
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.impossible(.identifiers), in: "a table", path: transaction.environment.path)
    }
  }
}

// MARK: - Tags

extension Writer {
  /// Gives an item tags and takes others away.
  ///
  /// - Returns: whether that changed anything.
  /// - Throws: `StoreError` `.noSuchItem` when the index has no such id.
  @discardableResult
  public mutating func tag(
    _ id: ItemID, adding added: Set<ItemTag> = [], removing removed: Set<ItemTag> = []
  ) throws(StoreError) -> Bool {
    guard var item = try item(id) else { throw noSuchItem(id) }
    let tags = item.tags.subtracting(removed).union(added)
    guard tags != item.tags else { return false }
    item.tags = tags
    try change { (writer) throws(StoreError) in try writer.store(item) }
    return true
  }

  /// Adds what belongs to the user rather than to the file, from the record that `item` replaces.
  mutating func keepUserFields(in item: inout ItemRecord) throws(StoreError) {
    let old = try intactItem(item.id)
    item.tags.formUnion(try tags(of: item.id, old))
    for (tag, bytes) in old?.laterFields ?? [:]
    where tag >= ItemCodec.firstUserTag && item.laterFields[tag] == nil {
      item.laterFields[tag] = bytes
    }
  }

  /// The tags of an item; those of a damaged record are looked up in the table of all tags.
  /// - Complexity: O(tags of all items) for a damaged record.
  func tags(of id: ItemID, _ record: ItemRecord?) throws(StoreError) -> Set<ItemTag> {
    if let record { return record.tags }
    guard try hasRecord(id) else { return [] }
    return try reading { (writer) throws in
      try writer.transaction.withCursor(in: writer.tables.tags) { cursor in
        var tags: Set<ItemTag> = []
        while try cursor.advance() {
          let found = try? cursor.withEntry { (key, _) throws(Damage) in
            try StoreLayout.tagged(key)
          }
          if let found, found.id == id { tags.insert(found.tag) }
        }
        return tags
      }
    }
  }

  /// Brings the table of tags up to date with an item's record.
  mutating func replaceTags(
    _ old: Set<ItemTag>, by new: Set<ItemTag>, of id: ItemID
  ) throws(StoreError) {
    for tag in old.subtracting(new).sorted() {
      try transaction.remove(StoreLayout.key(tag, id), in: tables.tags)
    }
    for tag in new.sorted() {
      try transaction.put([], forKey: StoreLayout.key(tag, id), in: tables.tags)
    }
  }
}
