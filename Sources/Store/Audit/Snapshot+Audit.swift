import FilipLateInteraction

extension Snapshot {
  /// Reads everything, compares the tables with each other and returns what is wrong.
  ///
  /// Every value is decoded and its checksum verified. What follows from something else is made
  /// anew and compared, in both directions: paths and hashes from the records, codes and their
  /// errors from the tokens, the dead of a segment from the places. `progress` is called now and
  /// then, and at the end.
  ///
  /// One damaged entry may lead to several findings, and hide others: after a repair, look again.
  /// - Complexity: reads the whole index once, its segments twice, and looks up some five entries
  ///   for each item. Memory: a segment, 1 byte an item at most (10 MB at 10 million items), some
  ///   100 bytes for each segment, and the findings.
  /// - Throws: when LMDB's own pages are damaged, or the disk fails.
  public func audit(
    progress: @escaping (AuditProgress) -> Void = { _ in }
  ) throws -> AuditReport {
    var audit = Audit(byteCount: try statistics.usedByteCount, progress: progress)
    try auditMeta(&audit)
    try auditPlanes(&audit)
    try auditRecords(&audit)
    try auditTokens(&audit)
    try auditPooled(&audit)
    try auditPlaces(&audit)
    try auditDead(&audit)
    try auditPaths(&audit)
    for table in DerivedKeys.all { try auditDerived(table, &audit) }
    try auditFacts(&audit)
    try auditScreens(&audit)
    try auditCounters(&audit)
    audit.show(isLast: true)
    return AuditReport(
      findings: audit.findings, itemCount: audit.itemCount,
      readableCount: audit.readableCount, byteCount: audit.finishedByteCount,
      commitNumber: transaction.commitNumber)
  }
}

/// What an audit knows so far.
struct Audit {
  private(set) var findings: [AuditFinding] = []
  /// Records that were read.
  var itemCount = 0
  private(set) var finishedByteCount = 0

  /// The name of every encoder that is written down, by its number.
  var fingerprints: [UInt32: String] = [:]
  /// Items that a segment has where their place says, as many tokens as their record says.
  var confirmed = IDSet()
  /// Items whose tokens were decoded.
  var verified = IDSet()
  /// Where segments have items whose place is damaged or gone.
  var foundPlaces: [ItemID: PlanePlace] = [:]
  /// Dimension of every segment that can be read.
  var segments: [UInt64: Int] = [:]
  /// Segments that cannot be read.
  var lostSegments: Set<UInt64> = []
  /// Items whose tokens are damaged, missing, or not as many as their record says.
  var brokenTokens: Set<ItemID> = []
  /// Items whose codes are not those of their tokens.
  var miscoded: Set<ItemID> = []
  /// Records of items that have tokens.
  var readableCount = 0
  /// The finding of every damaged record.
  var damagedRecords: [ItemID: Int] = [:]
  /// The largest id of an intact record or segment.
  var largestItem: UInt64 = 0

  private var table = ""
  private let byteCount: Int
  private let progress: (AuditProgress) -> Void
  private var shownByteCount = 0

  init(byteCount: Int, progress: @escaping (AuditProgress) -> Void) {
    self.byteCount = byteCount
    self.progress = progress
  }

  /// Notes something that is wrong.
  mutating func note(
    _ table: Table, item: ItemID? = nil, segment: UInt64? = nil, path: [UInt8]? = nil,
    _ subject: String, _ problem: String, _ remedy: AuditRemedy, _ actions: [RepairAction]
  ) {
    findings.append(
      AuditFinding(
        table: table.name, item: item, segment: segment, path: path, subject: subject,
        problem: problem, remedy: remedy, actions: actions))
  }

  /// Notes that a caller's note is damaged.
  mutating func note(_ table: Table, named name: String, _ damage: Damage) {
    note(table, "the note \(name)", damage, .none, [])
    findings[findings.count - 1].note = name
  }

  /// Notes damage; nothing is done about what a newer program wrote.
  mutating func note(
    _ table: Table, item: ItemID? = nil, segment: UInt64? = nil, path: [UInt8]? = nil,
    _ subject: String, _ damage: Damage, _ remedy: AuditRemedy, _ actions: [RepairAction]
  ) {
    var (remedy, actions) = (remedy, actions)
    var isNewer = false
    if case .newerVersion = damage { (isNewer, remedy, actions) = (true, .none, []) }
    note(
      table, item: item, segment: segment, path: path, subject, "\(damage)", remedy, actions)
    findings[findings.count - 1].isNewer = isNewer
  }

  /// Adds to the finding of a damaged record what else is known of the item, and what goes with it.
  mutating func extendRecord(of id: ItemID, path: [UInt8]? = nil, _ action: RepairAction) {
    guard let index = damagedRecords[id] else { return }
    findings[index].path = findings[index].path ?? path
    if findings[index].remedy == .dropItem { findings[index].actions.append(action) }
  }

  /// Notes that an entry of `count` bytes of a table is being read.
  mutating func advance(in table: Table, by count: Int) {
    self.table = table.name
    finishedByteCount += count
    if finishedByteCount - shownByteCount >= 1 << 20 { show() }
  }

  /// Reports how far the audit has come.
  mutating func show(isLast: Bool = false) {
    shownByteCount = finishedByteCount
    let total = isLast ? finishedByteCount : max(byteCount, finishedByteCount)
    progress(
      AuditProgress(
        table: table, itemCount: itemCount, finishedByteCount: finishedByteCount, byteCount: total))
  }
}

// MARK: - Steps

extension Snapshot {
  /// Moves a cursor over a table to its end, and calls `body` with each key.
  func auditWalk(
    _ table: Table, _ audit: inout Audit,
    _ body: (inout Audit, [UInt8], borrowing Cursor) throws -> Void
  ) throws {
    try transaction.withCursor(in: table) { cursor in
      while try cursor.advance() {
        let (key, count) = cursor.withEntry { (Array($0), $0.count + $1.count) }
        audit.advance(in: table, by: count)
        try body(&audit, key, cursor)
      }
    }
  }

  /// The same for a table whose keys are ids, of items or segments; other keys are noted.
  func auditNumbers(
    _ table: Table, _ audit: inout Audit,
    _ body: (inout Audit, UInt64, borrowing Cursor) throws -> Void
  ) throws {
    try auditWalk(table, &audit) { audit, key, cursor in
      guard key.count == 8, key != StoreLayout.bigEndian(0) else {
        audit.note(
          table, "a key of the table \(table.name)", .impossible(.identifiers), .dropEntry,
          [.dropEntry(table: table, key: key)])
        return
      }
      try body(&audit, StoreLayout.bigEndian(key.span, at: 0), cursor)
    }
  }

  /// What `body` makes of a stored value; `nil` where there is none.
  func read<Value>(
    _ table: Table, _ key: [UInt8], _ body: (Span<UInt8>) throws(Damage) -> Value
  ) throws(StoreError) -> Result<Value, Damage>? {
    try transaction.withValue(in: table, forKey: key) {
      (bytes) throws(StoreError) -> Result<Value, Damage> in
      do throws(Damage) {
        return .success(try body(bytes))
      } catch {
        return .failure(error)
      }
    }
  }

  /// The record of an item with whatever encoder it names; `nil` where there is none, or none that
  /// can be read.
  func intactItem(_ id: ItemID, _ audit: Audit) throws(StoreError) -> ItemRecord? {
    let fingerprints = audit.fingerprints
    let outcome = try read(tables.items, StoreLayout.key(id)) { (bytes) throws(Damage) in
      try ItemCodec.decode(naming: Array(bytes), id: id, fingerprints: fingerprints)
    }
    return try? outcome?.get()
  }

  /// An item's place; `nil` where there is none, or none that can be read.
  func intactPlace(_ id: ItemID) throws(StoreError) -> PlanePlace? {
    let outcome = try read(tables.places, StoreLayout.key(id)) { (bytes) throws(Damage) in
      try PlanePlace(bytes)
    }
    return try? outcome?.get()
  }

  /// Whether a table has a value under a key.
  func has(_ key: [UInt8], in table: Table) throws(StoreError) -> Bool {
    try transaction.withValue(in: table, forKey: key) { (_) throws(StoreError) in true } ?? false
  }

  /// Decodes the tokens of an item into `rows`; `nil` where there are none.
  func readTokens(
    of id: ItemID, using decoder: inout TokenDecoder, into rows: inout [Float]
  ) throws(StoreError) -> Result<TokenShape, Damage>? {
    try transaction.withValue(in: tables.tokens, forKey: StoreLayout.key(id)) {
      (bytes) throws(StoreError) -> Result<TokenShape, Damage> in
      do throws(Damage) {
        let shape = try decoder.decode(bytes, into: &rows, at: 0)
        guard shape.dimension > 0 else { throw .impossible(.shape) }
        return .success(shape)
      } catch {
        return .failure(error)
      }
    }
  }
}

extension ItemCodec {
  /// Decodes an item even where the name of its encoder is gone.
  static func decode(
    naming bytes: [UInt8], id: ItemID, fingerprints: [UInt32: String]
  ) throws(Damage) -> ItemRecord {
    var fingerprints = fingerprints
    if let number = fingerprintNumber(bytes), fingerprints[number] == nil {
      fingerprints[number] = MetaKey.lostFingerprint(number)
    }
    return try decode(bytes, id: id, fingerprints: fingerprints)
  }

  /// The number of the encoder that stored bytes name, right or wrong; `nil` where they are too few.
  static func fingerprintNumber(_ bytes: [UInt8]) -> UInt32? {
    bytes.count >= 6 ? UInt32(littleEndian: bytes.span, at: 2) : nil
  }
}
