import FilipLateInteraction

/// Records, and what belongs to each.
extension Snapshot {
  /// Decodes every record and looks for everything that it asks for.
  func auditRecords(_ audit: inout Audit) throws {
    var decoder = TokenDecoder()
    var rows: [Float] = []
    var unnamed: Set<UInt32> = []
    try auditNumbers(tables.items, &audit) { audit, number, cursor in
      let id = ItemID(rawValue: number)
      let bytes = cursor.withEntry { _, value in Array(value) }
      audit.itemCount += 1
      let item: ItemRecord
      do throws(Damage) {
        item = try ItemCodec.decode(naming: bytes, id: id, fingerprints: audit.fingerprints)
      } catch {
        audit.note(
          tables.items, item: id, "the record of item \(id)", error, .dropItem, [.eraseItem(id)])
        audit.damagedRecords[id] = audit.findings.count - 1
        return
      }
      audit.largestItem = max(audit.largestItem, number)
      if let encoder = ItemCodec.fingerprintNumber(bytes), encoder != 0,
        audit.fingerprints[encoder] == nil, unnamed.insert(encoder).inserted
      {
        audit.note(
          tables.meta, "the name of encoder \(encoder)", Damage.missing, .rebuild,
          [.nameEncoder(encoder)])
      }
      try auditLinks(of: item, &audit)
      guard item.unreadableReason == nil else { return }
      audit.readableCount += 1
      try auditContent(of: item, &audit, &decoder, &rows)
    }
  }

  /// Looks for the entries that lead to an item.
  private func auditLinks(of item: ItemRecord, _ audit: inout Audit) throws {
    if let path = item.path {
      let ids = try read(tables.paths, StoreLayout.key(ofPath: path)) { (bytes) throws(Damage) in
        try pathIDs(bytes)
      }
      if (try? ids?.get().contains(item.id)) != true {
        audit.note(
          tables.paths, item: item.id, path: path, "the path of item \(item.id)", Damage.missing,
          .rebuild, [.link(item.id)])
      }
    }
    for table in DerivedKeys.all {
      for key in table.keys(item) where try !has(key, in: table.table(tables)) {
        audit.note(
          table.table(tables), item: item.id, path: item.path,
          "\(table.subject) of item \(item.id)", Damage.missing, .rebuild, [.link(item.id)])
      }
    }
  }

  /// Looks for a readable item's tokens and codes.
  private func auditContent(
    of item: ItemRecord, _ audit: inout Audit, _ decoder: inout TokenDecoder, _ rows: inout [Float]
  ) throws {
    let id = item.id
    let hasOriginals = layout.originals == .f16
    var shape: TokenShape?
    if hasOriginals, !audit.verified.contains(id.rawValue) {
      let tokenCount = item.tokenCount
      shape = try auditTokens(of: id, tokenCount: tokenCount, &audit, &decoder, &rows)
    }
    guard !audit.brokenTokens.contains(id) else { return }
    let isPlaced: Bool
    if item.tokenCount > 0 {
      isPlaced = audit.confirmed.contains(id.rawValue) && audit.foundPlaces[id] == nil
    } else {
      let place = try intactPlace(id)
      isPlaced =
        place?.isEmpty == true && (shape.map { place == .empty(dimension: $0.dimension) } ?? true)
    }
    if !isPlaced { try notePlace(of: item, hasOriginals: hasOriginals, &audit) }
  }

  /// Notes a readable item that the scan plane does not have where its place says.
  private func notePlace(
    of item: ItemRecord, hasOriginals: Bool, _ audit: inout Audit
  ) throws {
    let id = item.id
    let place = try intactPlace(id)
    if let found = audit.foundPlaces[id] {
      audit.note(
        tables.places, item: id, path: item.path, "the place of item \(id)",
        place == nil ? "\(Damage.missing)" : "it leads elsewhere", .rebuild,
        [.setPlace(id, found)])
      return
    }
    // That its codes are others than those of its tokens is noted already.
    if audit.miscoded.contains(id) { return }
    if item.tokenCount == 0, !hasOriginals {
      // Of what has no tokens, nothing but their dimension is lost.
      let dimension = audit.segments.values.first ?? 1
      audit.note(
        tables.places, item: id, path: item.path, "the place of item \(id)",
        place == nil ? "\(Damage.missing)" : "it leads to an image", .rebuild,
        [.setPlace(id, .empty(dimension: dimension))])
      return
    }
    let problem =
      place.map { audit.lostSegments.contains($0.segment) } == true
      ? "they are in segment \(place?.segment ?? 0), which is damaged" : "they are missing"
    audit.note(
      tables.planes, item: id, segment: place?.segment, path: item.path, "the codes of item \(id)",
      problem, hasOriginals ? .rebuild : .dropTokens, [hasOriginals ? .encode(id) : .dropTokens(id)]
    )
  }

  /// Decodes the tokens of a readable item.
  /// - Returns: their shape; `nil` when they are damaged, missing, or not `tokenCount`.
  func auditTokens(
    of id: ItemID, tokenCount: Int, _ audit: inout Audit, _ decoder: inout TokenDecoder,
    _ rows: inout [Float]
  ) throws -> TokenShape? {
    audit.verified.insert(id.rawValue)
    let damage: Damage
    switch try readTokens(of: id, using: &decoder, into: &rows) {
    case .success(let shape):
      if shape.tokenCount == tokenCount { return shape }
      damage = .impossible(.shape)
    case .failure(let found): damage = found
    case nil: damage = .missing
    }
    audit.brokenTokens.insert(id)
    audit.note(
      tables.tokens, item: id, path: try intactItem(id, audit)?.path, "the tokens of item \(id)",
      damage, .dropTokens, [.dropTokens(id)])
    return nil
  }

  /// Looks for tokens that no item has.
  func auditTokens(_ audit: inout Audit) throws {
    let hasOriginals = layout.originals == .f16
    try auditNumbers(tables.tokens, &audit) { audit, number, _ in
      guard try auditOwner(of: number, in: tables.tokens, "the tokens", &audit), !hasOriginals
      else { return }
      let id = ItemID(rawValue: number)
      audit.note(
        tables.tokens, item: id, "the tokens of item \(id)", "the index keeps none", .dropEntry,
        [.dropEntry(table: tables.tokens, key: StoreLayout.key(id))])
    }
  }

  /// Decodes the pooled vectors.
  func auditPooled(_ audit: inout Audit) throws {
    var buffer: [Float] = []
    try auditNumbers(tables.pooled, &audit) { audit, number, cursor in
      let id = ItemID(rawValue: number)
      guard try auditOwner(of: number, in: tables.pooled, "the pooled vector", &audit) else {
        return
      }
      do throws(Damage) {
        _ = try cursor.withEntry { (_, value) throws(Damage) in
          try PooledCodec.decode(value, into: &buffer, at: 0)
        }
      } catch {
        audit.note(
          tables.pooled, item: id, path: try intactItem(id, audit)?.path,
          "the pooled vector of item \(id)", error, .dropPooled,
          [.dropEntry(table: tables.pooled, key: StoreLayout.key(id))])
      }
    }
  }

  /// Notes an entry of an item that has no tokens; returns whether it has some.
  @discardableResult
  private func auditOwner(
    of number: UInt64, in table: Table, _ subject: String, _ audit: inout Audit
  ) throws -> Bool {
    let id = ItemID(rawValue: number)
    if try hasTokens(id, audit) { return true }
    // What belongs to a damaged record goes with it.
    if audit.damagedRecords[id] == nil {
      audit.note(
        table, item: id, "\(subject) of item \(id)", "there is no item that has tokens", .dropEntry,
        [.dropEntry(table: table, key: StoreLayout.key(id))])
    }
    return false
  }

  /// Whether an item's record is intact and says that it has tokens.
  func hasTokens(_ id: ItemID, _ audit: Audit) throws -> Bool {
    guard let item = try intactItem(id, audit) else { return false }
    return item.unreadableReason == nil
  }
}

// MARK: - What leads to items

extension Snapshot {
  /// Compares the paths with the records.
  func auditPaths(_ audit: inout Audit) throws {
    try auditWalk(tables.paths, &audit) { audit, key, cursor in
      let ids: [ItemID]
      do throws(Damage) {
        ids = try cursor.withEntry { (_, value) throws(Damage) in try pathIDs(value) }
      } catch {
        audit.note(
          tables.paths, path: key, "an entry of the table of paths", error, .dropEntry,
          [.dropEntry(table: tables.paths, key: key)])
        return
      }
      // A longer key ends in a hash.
      let shown = key.count <= StoreLayout.longestPathKeyByteCount ? key : nil
      var holders: [[UInt8]: ItemID] = [:]
      for id in ids {
        if audit.damagedRecords[id] != nil {
          audit.extendRecord(of: id, path: shown, .dropPath(key: key, id))
          continue
        }
        guard let path = try intactItem(id, audit)?.path, StoreLayout.key(ofPath: path) == key
        else {
          audit.note(
            tables.paths, item: id, path: shown, "an entry of the table of paths",
            "it leads to item \(id), which has another path or does not exist", .dropEntry,
            [.dropPath(key: key, id)])
          continue
        }
        if let holder = holders.updateValue(id, forKey: path) {
          let (older, newer) = (min(id, holder), max(id, holder))
          audit.note(
            tables.items, item: newer, path: path, "the record of item \(newer)",
            "item \(older) has the same path", .dropItem, [.eraseItem(newer)])
        }
      }
    }
  }

  /// Compares a table of derived keys with the records.
  func auditDerived(_ derived: DerivedKeys, _ audit: inout Audit) throws {
    let table = derived.table(tables)
    try auditWalk(table, &audit) { audit, key, cursor in
      let drop = RepairAction.dropEntry(table: table, key: key)
      guard let id = DerivedKeys.itemID(key) else {
        audit.note(
          table, "a key of the table \(table.name)", .impossible(.identifiers), .dropEntry, [drop])
        return
      }
      if audit.damagedRecords[id] != nil { return audit.extendRecord(of: id, drop) }
      guard let item = try intactItem(id, audit), derived.keys(item).contains(key) else {
        audit.note(
          table, item: id, "an entry of the table \(table.name)",
          "it leads to item \(id), which does not have it", .dropEntry, [drop])
        return
      }
      let isEmpty = cursor.withEntry { _, value in value.isEmpty }
      guard !isEmpty else { return }
      audit.note(
        table, item: id, path: item.path, "\(derived.subject) of item \(id)", .trailingBytes,
        .rebuild,
        [drop, .link(id)])
    }
  }

  /// The ids behind a value of the table of paths: at least one, none twice.
  private func pathIDs(_ bytes: Span<UInt8>) throws(Damage) -> [ItemID] {
    guard bytes.count > 0, bytes.count.isMultiple(of: 8) else { throw .impossible(.identifiers) }
    let ids = stride(from: 0, to: bytes.count, by: 8).map { offset in
      ItemID(rawValue: UInt64(littleEndian: bytes, at: offset))
    }
    guard Set(ids).count == ids.count else { throw .impossible(.identifiers) }
    return ids
  }
}
