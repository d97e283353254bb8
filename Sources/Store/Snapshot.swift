public import FilipLateInteraction

/// An index as it was at one moment; writers do not disturb it.
///
/// A snapshot is valid during the closure that received it. One thread uses it at a time. Keep it
/// for one query: as long as it lives, the room of whatever is removed or replaced stays taken.
public struct Snapshot: ~Copyable, Sendable {
  let transaction: ReadTransaction
  let tables: StoreTables
  let fingerprintsByNumber: [UInt32: String]

  /// Begins to read.
  init(_ lease: EnvironmentLease) throws {
    let transaction = try lease.environment.beginRead(lease)
    fingerprintsByNumber = try transaction.fingerprints(lease.tables)
    tables = lease.tables
    self.transaction = transaction
  }

  /// How many writes the index had seen; two snapshots of the same generation are equal.
  public var generation: UInt64 {
    get throws(StoreError) { try transaction.counter(MetaKey.generation, tables) }
  }

  /// Number of items, readable or not.
  public var itemCount: Int {
    get throws(StoreError) { try transaction.usage(of: tables.items).entryCount }
  }

  /// Number of items that have tokens.
  public var readableCount: Int {
    get throws(StoreError) { try transaction.usage(of: tables.places).entryCount }
  }

  /// The id that the next new item gets: how many were ever given, plus one.
  package var nextItem: UInt64 {
    get throws(StoreError) { try transaction.counter(MetaKey.nextItem, tables) }
  }

  /// The encoders whose tokens the index holds or held, in alphabetical order.
  public var fingerprints: [String] { fingerprintsByNumber.values.sorted() }

  /// Name and version of the program that made the index.
  public var createdBy: String {
    get throws(StoreError) {
      let bytes = try transaction.value(in: tables.meta, forKey: MetaKey.createdBy) ?? []
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// What `Writer.setNote` stored under the name, or `nil`.
  /// - Throws: `StoreError` `.damaged`.
  public func note(_ name: String) throws(StoreError) -> [UInt8]? {
    guard let bytes = try transaction.value(in: tables.meta, forKey: MetaKey.note(name)) else {
      return nil
    }
    do throws(Damage) {
      return try MetaValue.open(bytes)
    } catch {
      throw StoreError(error, in: "the note \(name)", path: transaction.environment.path)
    }
  }

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

  /// The tokens of an item, or `nil` when it has none.
  ///
  /// Rows are normalised to within 10⁻³. Where the index keeps no originals, they are what the
  /// codes stand for, and only nearly normalised.
  public func tokens(of id: ItemID) throws(StoreError) -> TokenMatrix? {
    var decoder = TokenDecoder()
    return try tokens(of: id, using: &decoder)
  }

  /// The tokens of an item, decoded with memory that serves one item after the other.
  public func tokens(
    of id: ItemID, using decoder: inout TokenDecoder
  ) throws(StoreError) -> TokenMatrix? {
    guard layout.originals == .f16 else { return try decodedTokens(of: id) }
    return try transaction.withValue(in: tables.tokens, forKey: StoreLayout.key(id)) {
      (bytes) throws(StoreError) in try decoder.decode(bytes, of: id)
    }
  }

  /// The pooled vector of an item, or `nil` when it has none.
  public func pooled(of id: ItemID) throws(StoreError) -> [Float]? {
    try transaction.withValue(in: tables.pooled, forKey: StoreLayout.key(id)) {
      (bytes) throws(StoreError) in
      var values: [Float] = []
      _ = try PooledCodec.decode(bytes, of: id, into: &values, at: 0)
      return values
    }
  }
}
