/// Comparing facts and tags with the records that they are made from.
extension Snapshot {
  /// Decodes all facts and compares them with the records, both ways.
  /// - Parameter note: is called with every difference; `.unassigned` stands for a whole block.
  /// - Complexity: reads all records once.
  func checkFacts(_ note: (ItemID, StoreError) -> Void) throws {
    let path = transaction.environment.path
    var seen: Set<UInt64> = []
    var current: UInt64?
    var stored: FactBlock?
    var expected = FactBlock()
    var unknown: Set<Int> = []
    func compare() throws {
      guard let number = current else { return }
      seen.insert(number)
      for row in 0..<FactBlock.rowCount where !unknown.contains(row) {
        guard let stored, stored[row] != expected[row] else { continue }
        let id = ItemID(rawValue: number * UInt64(FactBlock.rowCount) + UInt64(row))
        note(id, StoreError(.impossible(.facts), in: "the facts of item \(id)", path: path))
      }
    }
    try walk(tables.items, in: nil) { id, cursor in
      let (number, row) = FactBlock.position(of: id)
      if number != current {
        try compare()
        (current, expected, unknown) = (number, FactBlock(), [])
        do throws(StoreError) {
          stored = try transaction.factBlock(number, tables)
          if stored == nil { throw transaction.factError(.missing, number) }
        } catch {
          stored = nil
          note(.unassigned, error)
        }
      }
      let bytes = cursor.withEntry { _, value in Array(value) }
      // A damaged record is reported elsewhere.
      if let item = try? record(bytes, of: id) {
        expected[row] = ItemFacts(item)
      } else {
        unknown.insert(row)
      }
    }
    try compare()
    try transaction.withCursor(in: tables.facts) { cursor in
      while try cursor.advance() {
        let number = try factBlockNumber(cursor)
        if !seen.contains(number) {
          note(.unassigned, transaction.factError(.impossible(.facts), number))
        }
      }
    }
  }

  /// Compares the table of tags with the records, both ways.
  /// - Parameter note: is called with every difference.
  /// - Complexity: reads all records once, and those of tagged items once more.
  func checkTags(_ note: (ItemID, StoreError) -> Void) throws {
    let path = transaction.environment.path
    func noteDifference(_ tag: ItemTag, _ id: ItemID) {
      note(id, StoreError(.impossible(.tags), in: "the tag \(tag) of item \(id)", path: path))
    }
    try walk(tables.items, in: nil) { id, cursor in
      let bytes = cursor.withEntry { _, value in Array(value) }
      for tag in (try? record(bytes, of: id))?.tags ?? [] {
        let key = StoreLayout.key(tag, id)
        if try transaction.value(in: tables.tags, forKey: key) == nil { noteDifference(tag, id) }
      }
    }
    try transaction.withCursor(in: tables.tags) { cursor in
      while try cursor.advance() {
        do throws(StoreError) {
          let (tag, id) = try cursor.withEntry { (key, _) throws(StoreError) in try tagged(key) }
          guard let bytes = try transaction.value(in: tables.items, forKey: StoreLayout.key(id))
          else {
            noteDifference(tag, id)
            continue
          }
          if let item = try? record(bytes, of: id), !item.tags.contains(tag) {
            noteDifference(tag, id)
          }
        } catch {
          note(.unassigned, error)
        }
      }
    }
  }
}
