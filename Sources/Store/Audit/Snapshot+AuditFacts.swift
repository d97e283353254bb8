/// Comparing facts with the records that they are made from.
extension Snapshot {
  /// Decodes all blocks of facts and compares them with the records, both ways.
  func auditFacts(_ audit: inout Audit) throws {
    var seen: Set<UInt64> = []
    var current = FactComparison(number: .max, stored: nil)
    try transaction.withCursor(in: tables.items) { cursor in
      while try cursor.advance() {
        let (key, bytes) = cursor.withEntry { (Array($0), Array($1)) }
        guard key.count == 8 else { continue }
        let id = ItemID(rawValue: StoreLayout.bigEndian(key.span, at: 0))
        let (number, row) = FactBlock.position(of: id)
        if number != current.number {
          finish(current, &audit)
          seen.insert(number)
          current = FactComparison(number: number, stored: try factBlock(number, &audit))
        }
        let fingerprints = audit.fingerprints
        // A damaged record is reported elsewhere.
        let item = try? ItemCodec.decode(naming: bytes, id: id, fingerprints: fingerprints)
        if let item { current.expected[row] = ItemFacts(item) } else { current.unknown.insert(row) }
      }
    }
    finish(current, &audit)
    try auditWalk(tables.facts, &audit) { audit, key, _ in
      if key.count == 8, seen.contains(StoreLayout.bigEndian(key.span, at: 0)) { return }
      audit.note(
        tables.facts, "a block of facts", "there are no such items", .dropEntry,
        [.dropEntry(table: tables.facts, key: key)])
    }
  }

  /// A block as it is stored; `nil` where there is none that can be read, which is noted.
  private func factBlock(_ number: UInt64, _ audit: inout Audit) throws -> FactBlock? {
    let found = try read(tables.facts, StoreLayout.bigEndian(number)) { (bytes) throws(Damage) in
      try FactBlock(bytes)
    }
    switch found ?? .failure(.missing) {
    case .success(let block): return block
    case .failure(let damage):
      let first = number * UInt64(FactBlock.rowCount)
      audit.note(
        tables.facts, "the facts of items \(first) to \(first + UInt64(FactBlock.rowCount) - 1)",
        damage, .rebuild, [.makeFacts(block: number)])
      return nil
    }
  }

  private func finish(_ comparison: FactComparison, _ audit: inout Audit) {
    guard let stored = comparison.stored else { return }
    for row in 0..<FactBlock.rowCount where !comparison.unknown.contains(row) {
      guard stored[row] != comparison.expected[row] else { continue }
      let id = ItemID(rawValue: comparison.number * UInt64(FactBlock.rowCount) + UInt64(row))
      audit.note(
        tables.facts, item: id, "the facts of item \(id)", "they are not those of its record",
        .rebuild, [.makeFacts(block: comparison.number)])
    }
  }
}

/// A block of facts and what the records say.
private struct FactComparison {
  let number: UInt64
  let stored: FactBlock?
  var expected = FactBlock()
  /// Rows whose record cannot be read.
  var unknown: Set<Int> = []

  init(number: UInt64, stored: FactBlock?) {
    self.number = number
    self.stored = stored
  }
}
