public import FilipLateInteraction

/// Changes to an index, inside `TokenStore.write`.
///
/// It sees its own changes. It is valid only during the closure that received it, which may be called
/// again with another writer when the map had to grow.
public struct Writer: ~Copyable {
  var transaction: WriteTransaction
  let tables: StoreTables
  var fingerprintsByNumber: [UInt32: String]
  var nextItem: UInt64
  var encoder: TokenEncoder
  var plane = PlaneChanges()
  /// Blocks of facts that changed, by their numbers.
  var facts: [UInt64: FactBlock] = [:]
  private var hasChanges = false
  /// Why nothing more can be written.
  var failure: StoreError?

  /// Begins to write; waits while another thread writes.
  @available(*, noasync)
  init(environment: Environment, tables: StoreTables) throws {
    let transaction = try environment.beginWrite()
    let fingerprints = try transaction.fingerprints(tables)
    do throws(StoreError) {
      nextItem = try transaction.counter(MetaKey.nextItem, tables)
    } catch {
      // Nothing can be written with it before a repair.
      guard error.underlying == nil else { throw error }
      (nextItem, failure) = (0, error)
    }
    self.transaction = transaction
    self.tables = tables
    self.fingerprintsByNumber = fingerprints
    nextItem = max(ItemID.first.rawValue, nextItem)
    encoder = TokenEncoder()
  }

  /// Makes the changes durable, unless there are none.
  consuming func commit() throws(StoreError) {
    if let failure { throw failure }
    guard hasChanges else { return }
    try settlePlane()
    try settleFacts()
    let generation = try transaction.counter(MetaKey.generation, tables)
    try put(generation &+ 1, forKey: MetaKey.generation)
    try put(nextItem, forKey: MetaKey.nextItem)
    try transaction.commit()
  }

  /// Runs one change; an error spoils the transaction, for half of the change may be in it.
  mutating func change<Result>(
    _ body: (inout Writer) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    if let failure { throw failure }
    hasChanges = true
    do throws(StoreError) {
      return try body(&self)
    } catch {
      failure = error
      throw error
    }
  }

  /// Puts a number into the table `meta`.
  mutating func put(_ value: UInt64, forKey key: [UInt8]) throws(StoreError) {
    try transaction.put(MetaValue.seal(value), forKey: key, in: tables.meta)
  }
}

// MARK: - Looking

extension Writer {
  /// The record of an item, or `nil` when there is none.
  public func item(_ id: ItemID) throws(StoreError) -> ItemRecord? {
    try transaction.item(id, tables, fingerprints: fingerprintsByNumber)
  }

  /// The item that has the path, or `nil`.
  public func item(forPath path: [UInt8]) throws(StoreError) -> ItemRecord? {
    try transaction.item(forPath: path, tables, fingerprints: fingerprintsByNumber)
  }

  /// The items whose files have the content, in the order of their ids.
  public func items(withContentHash hash: ContentHash) throws -> [ItemRecord] {
    try transaction.items(withContentHash: hash, tables, fingerprints: fingerprintsByNumber)
  }
}

// MARK: - Changing

extension Writer {
  /// Stores an item and its tokens.
  ///
  /// When the index has an item with the same path, it is replaced and keeps its id.
  /// - Precondition: `item.id` is `.unassigned`.
  /// - Returns: the item's id.
  @discardableResult
  public mutating func insert(
    _ item: ItemRecord, tokens: TokenMatrix, pooled: [Float]? = nil
  ) throws(StoreError) -> ItemID {
    precondition(item.id == .unassigned, "item without an id")
    return try change { (writer) throws(StoreError) in
      var item = item
      item.id = try writer.idForInsertion(of: item)
      try writer.store(item, tokens: tokens, pooled: pooled)
      return item.id
    }
  }

  /// Stores an item whose file could not be read, in place of one with the same path.
  ///
  /// It has no tokens and is never found; it is remembered so that the file is not tried again
  /// before it changes.
  /// - Precondition: `item.id` is `.unassigned`.
  /// - Returns: the item's id.
  @discardableResult
  public mutating func insertUnreadable(
    _ item: ItemRecord, reason: String
  ) throws(StoreError) -> ItemID {
    precondition(item.id == .unassigned, "item without an id")
    return try change { (writer) throws(StoreError) in
      var item = item
      item.id = try writer.idForInsertion(of: item)
      item.unreadableReason = reason
      try writer.store(item, tokens: nil, pooled: nil)
      return item.id
    }
  }

  /// Stores an item in place of the one that has its id; the path may differ.
  ///
  /// Another item that has the new path is removed.
  /// - Throws: `StoreError` `.noSuchItem` when the index has no such id.
  public mutating func replace(
    _ item: ItemRecord, tokens: TokenMatrix, pooled: [Float]? = nil
  ) throws(StoreError) {
    try requireItem(item.id)
    try change { (writer) throws(StoreError) in
      try writer.store(item, tokens: tokens, pooled: pooled)
    }
  }

  /// Notes that an item's file is elsewhere now; its tokens stay.
  ///
  /// Another item that has the new path is removed: its file was overwritten.
  /// - Throws: `StoreError` `.noSuchItem` when the index has no such id.
  public mutating func rename(
    _ id: ItemID, to path: [UInt8], root: [UInt8]?, fileSize: UInt64, modificationTime: Int64
  ) throws(StoreError) {
    try update(id) { item in
      item.path = path
      item.root = root
      item.fileSize = fileSize
      item.modificationTime = modificationTime
    }
  }

  /// Notes that an item's file has a new time or size although its content is the same.
  ///
  /// - Throws: `StoreError` `.noSuchItem` when the index has no such id.
  public mutating func touch(
    _ id: ItemID, fileSize: UInt64, modificationTime: Int64
  ) throws(StoreError) {
    try update(id) { item in
      item.fileSize = fileSize
      item.modificationTime = modificationTime
    }
  }

  /// Removes an item, damaged or not; its id is not given again.
  ///
  /// - Returns: whether there was one.
  @discardableResult
  public mutating func remove(_ id: ItemID) throws(StoreError) -> Bool {
    guard try hasItem(id) else { return false }
    try change { (writer) throws(StoreError) in try writer.erase(id) }
    return true
  }

  /// Stores a value of the caller's under a name; `nil` removes it.
  ///
  /// - Precondition: the name has at most 500 bytes.
  public mutating func setNote(_ name: String, to value: [UInt8]?) throws(StoreError) {
    let key = MetaKey.note(name)
    try change { (writer) throws(StoreError) in
      guard let value else {
        try writer.transaction.remove(key, in: writer.tables.meta)
        return
      }
      try writer.transaction.put(MetaValue.seal(value), forKey: key, in: writer.tables.meta)
    }
  }

  private mutating func update(
    _ id: ItemID, _ body: (inout ItemRecord) -> Void
  ) throws(StoreError) {
    guard var item = try item(id) else { throw noSuchItem(id) }
    body(&item)
    try change { (writer) throws(StoreError) in try writer.store(item) }
  }

  private func hasItem(_ id: ItemID) throws(StoreError) -> Bool {
    try transaction.withValue(in: tables.items, forKey: StoreLayout.key(id)) {
      (_) throws(StoreError) in true
    } ?? false
  }

  private func requireItem(_ id: ItemID) throws(StoreError) {
    guard try hasItem(id) else { throw noSuchItem(id) }
  }

  func noSuchItem(_ id: ItemID) -> StoreError {
    StoreError(.noSuchItem, "the index at \(transaction.environment.path) has no item \(id)")
  }
}
