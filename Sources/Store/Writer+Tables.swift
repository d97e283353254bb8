import FilipLateInteraction

/// How changes reach the tables: every index of an item changes with its record.
extension Writer {
  /// The id of the item that has the path already, or a new one.
  mutating func idForInsertion(of item: ItemRecord) throws(StoreError) -> ItemID {
    if let path = item.path, let id = try holder(of: path) { return id }
    defer { nextItem += 1 }
    return ItemID(rawValue: nextItem)
  }

  /// Stores the item with its tokens, or removes those it had.
  mutating func store(
    _ item: ItemRecord, tokens: TokenMatrix?, pooled: [Float]?
  ) throws(StoreError) {
    var item = item
    try keepUserFields(in: &item)
    item.tokenCount = tokens?.tokenCount ?? 0
    if tokens != nil { item.unreadableReason = nil }
    let key = StoreLayout.key(item.id)
    try store(item)
    try removeFromPlane(item.id)
    if let tokens {
      try store(tokens, of: item.id)
    } else {
      try transaction.remove(key, in: tables.tokens)
    }
    if let pooled {
      try transaction.put(PooledCodec.encode(pooled), forKey: key, in: tables.pooled)
    } else {
      try transaction.remove(key, in: tables.pooled)
    }
  }

  /// Stores the tokens of an item that is not in the plane.
  private mutating func store(_ tokens: TokenMatrix, of id: ItemID) throws(StoreError) {
    let shape = TokenShape(tokenCount: tokens.tokenCount, dimension: tokens.dimension)
    var rows: [Float] = []
    switch tables.layout.originals {
    case .f16:
      let bytes = try encode(tokens, of: id)
      try transaction.put(bytes, forKey: StoreLayout.key(id), in: tables.tokens)
      // The codes' errors are measured against the tokens as they are read back.
      swap(&rows, &plane.rows)
      encoder.readBack(shape, into: &rows)
    case .none:
      rows = tokens.elements
    }
    try addToPlane(id, rows: rows[..<shape.elementCount], shape: shape)
    swap(&rows, &plane.rows)
  }

  /// Stores the item's record and keeps paths, hashes, facts and tags in step with it.
  mutating func store(_ item: ItemRecord) throws(StoreError) {
    let old = try intactItem(item.id)
    try replaceTags(try tags(of: item.id, old), by: item.tags, of: item.id)
    if let path = old?.path, path != item.path { try unlink(path, from: item.id) }
    if let path = item.path {
      if let other = try holder(of: path), other != item.id { try erase(other) }
      try link(path, to: item.id)
    }
    if let hash = old?.contentHash, hash != item.contentHash {
      try transaction.remove(StoreLayout.key(hash, item.id), in: tables.hashes)
    }
    if let hash = item.contentHash {
      try transaction.put([], forKey: StoreLayout.key(hash, item.id), in: tables.hashes)
    }
    let fingerprint = try number(of: item.encoderFingerprint)
    try transaction.put(
      ItemCodec.encode(item, fingerprint: fingerprint), forKey: StoreLayout.key(item.id),
      in: tables.items)
    try setFacts(ItemFacts(item), of: item.id)
  }

  /// Removes everything that belongs to the item.
  ///
  /// The path and the hash of a damaged record are not known; what remains of them leads to no
  /// record, and readers pass over it.
  mutating func erase(_ id: ItemID) throws(StoreError) {
    let old = try intactItem(id)
    if let path = old?.path { try unlink(path, from: id) }
    if let hash = old?.contentHash {
      try transaction.remove(StoreLayout.key(hash, id), in: tables.hashes)
    }
    try replaceTags(try tags(of: id, old), by: [], of: id)
    try setFacts(nil, of: id)
    try removeFromPlane(id)
    for table in [tables.items, tables.tokens, tables.pooled] {
      try transaction.remove(StoreLayout.key(id), in: table)
    }
  }

  /// The item's record, or `nil` when there is none or it is damaged.
  func intactItem(_ id: ItemID) throws(StoreError) -> ItemRecord? {
    do throws(StoreError) {
      return try item(id)
    } catch {
      guard error.code == .damaged, error.underlying == nil else { throw error }
      return nil
    }
  }

  /// The number of an encoder's fingerprint, which is written down when it is new; 0 for none.
  private mutating func number(of fingerprint: String?) throws(StoreError) -> UInt32 {
    guard let fingerprint else { return 0 }
    if let known = fingerprintsByNumber.first(where: { $0.value == fingerprint }) {
      return known.key
    }
    let number = (fingerprintsByNumber.keys.max() ?? 0) + 1
    try transaction.put(
      MetaValue.seal(Array(fingerprint.utf8)), forKey: MetaKey.fingerprint(number),
      in: tables.meta)
    fingerprintsByNumber[number] = fingerprint
    return number
  }

  private mutating func encode(
    _ tokens: TokenMatrix, of id: ItemID
  ) throws(StoreError) -> [UInt8] {
    do throws(Damage) {
      return try encoder.encode(tokens)
    } catch {
      throw StoreError(error, in: "the tokens of item \(id)")
    }
  }
}

// MARK: - Paths

extension Writer {
  /// The item that has the path, even one whose record is damaged.
  private func holder(of path: [UInt8]) throws(StoreError) -> ItemID? {
    for id in try transaction.itemIDs(withKeyOf: path, tables) {
      guard let item = try intactItem(id) else {
        // A key that is the whole path belongs to a damaged record without doubt.
        let isWhole = path.count <= StoreLayout.longestPathKeyByteCount
        if isWhole, try hasRecord(id) { return id }
        continue
      }
      if item.path == path { return id }
    }
    return nil
  }

  func hasRecord(_ id: ItemID) throws(StoreError) -> Bool {
    try transaction.value(in: tables.items, forKey: StoreLayout.key(id)) != nil
  }

  mutating func link(_ path: [UInt8], to id: ItemID) throws(StoreError) {
    var ids = try liveIDs(withKeyOf: path)
    guard !ids.contains(id) else { return }
    ids.append(id)
    try put(ids, forPathKey: StoreLayout.key(ofPath: path))
  }

  private mutating func unlink(_ path: [UInt8], from id: ItemID) throws(StoreError) {
    let ids = try liveIDs(withKeyOf: path).filter { $0 != id }
    try put(ids, forPathKey: StoreLayout.key(ofPath: path))
  }

  /// The items under the path's key, less those that were damaged and removed.
  private func liveIDs(withKeyOf path: [UInt8]) throws(StoreError) -> [ItemID] {
    var live: [ItemID] = []
    for id in try transaction.itemIDs(withKeyOf: path, tables) where try hasRecord(id) {
      live.append(id)
    }
    return live
  }

  mutating func put(_ ids: [ItemID], forPathKey key: [UInt8]) throws(StoreError) {
    guard !ids.isEmpty else {
      try transaction.remove(key, in: tables.paths)
      return
    }
    var writer = ByteWriter()
    for id in ids { writer.append(id.rawValue) }
    try transaction.put(writer.bytes, forKey: key, in: tables.paths)
  }
}
