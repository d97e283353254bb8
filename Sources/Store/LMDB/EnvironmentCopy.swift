/// A copy of an index without the room that removed values left, made table by table in the order
/// of the keys; segments of the scan plane are packed on the way.
///
/// LMDB's own compacting copy leaves half-empty pages as they are, can be neither followed nor
/// stopped, and gives up on a file that lost track of a page.
struct EnvironmentCopy {
  /// Bytes of values per commit of the copy; they are held in memory until then.
  private static let commitByteCount = 32 << 20

  /// What is copied.
  let source: EnvironmentLease

  /// How far a copy has come.
  private struct Position {
    var table = 0
    /// The last key of the table that was copied.
    var key: [UInt8]?
    var copiedByteCount = 0
    /// Entries of each table that were left out.
    var omittedCounts: [Int]
  }

  /// Fills the empty folder `target` with what `snapshot` sees; the file still has to be
  /// synchronised.
  ///
  /// `report` is called after some megabytes each time, with the bytes copied so far; the copy ends
  /// when it throws.
  func run(
    into target: String, snapshot: borrowing ReadTransaction, options: EnvironmentOptions,
    report: (Int) throws -> Void
  ) throws {
    var options = options
    options.isDurable = false
    options.mapByteCount = max(options.mapByteCount, 2 * source.environment.fileByteCount)
    let environment = try Environment(
      path: source.environment.path, folder: target, options: options)
    let tables = try makeTables(in: environment)
    var packing = try PlanePacking(snapshot, source.tables)
    var position = Position(omittedCounts: tables.all.map { _ in 0 })
    while position.table < tables.all.count {
      var transaction = try environment.beginWrite()
      try copySome(snapshot, to: &transaction, tables, &packing, &position)
      try transaction.commit()
      try report(position.copiedByteCount)
    }
    try check(tables, of: environment, against: snapshot, position.omittedCounts)
  }

  private func makeTables(in environment: Environment) throws(StoreError) -> StoreTables {
    var transaction = try environment.beginWrite()
    let tables = try StoreTables(layout: source.tables.layout) { (name) throws(StoreError) in
      try transaction.makeTable(name)
    }
    try transaction.commit()
    return tables
  }

  /// Copies as much as belongs into one commit.
  private func copySome(
    _ snapshot: borrowing ReadTransaction, to transaction: inout WriteTransaction,
    _ tables: StoreTables, _ packing: inout PlanePacking, _ position: inout Position
  ) throws {
    while position.table < tables.all.count {
      let (origin, target) = (source.tables.all[position.table], tables.all[position.table])
      let isDone = try snapshot.withCursor(in: origin) { cursor in
        if let key = position.key { _ = try cursor.advance(to: key) }
        while try cursor.advance() {
          let isFull = try cursor.withEntry { key, value in
            switch try packing.revision(of: key, value, in: origin, snapshot) {
            case .same: try transaction.append(value, forKey: key, in: target)
            case .other(let bytes): try transaction.append(bytes.span, forKey: key, in: target)
            case .none: position.omittedCounts[position.table] += 1
            }
            position.copiedByteCount += key.count + value.count
            let isFull = transaction.putByteCount >= Self.commitByteCount
            if isFull { position.key = Array(key) }
            return isFull
          }
          if isFull { return false }
        }
        return true
      }
      guard isDone else { return }
      position.table += 1
      position.key = nil
    }
  }

  /// Compares the numbers of values.
  private func check(
    _ tables: StoreTables, of environment: Environment,
    against snapshot: borrowing ReadTransaction, _ omittedCounts: [Int]
  ) throws(StoreError) {
    let copy = try environment.beginRead()
    for (index, original) in source.tables.all.enumerated() {
      let entryCount = try snapshot.usage(of: original).entryCount - omittedCounts[index]
      guard try copy.usage(of: tables.all[index]).entryCount != entryCount else { continue }
      throw StoreError(
        .damaged,
        "the table \(original.name) of the index at \(environment.path) does not hold as many "
          + "values as it says; check the index with `filip verify`")
    }
  }
}
