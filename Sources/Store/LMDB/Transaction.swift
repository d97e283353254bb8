internal import CLMDB

/// What both kinds of transaction can do: look at tables.
protocol Transaction: ~Copyable {
  /// The environment that the transaction belongs to.
  var environment: Environment { get }
  /// LMDB's transaction; never to be kept.
  @unsafe var handle: OpaquePointer { get }
}

extension Transaction where Self: ~Copyable {
  /// Calls `body` with the bytes stored under `key`, or returns `nil` when there are none.
  ///
  /// The bytes belong to LMDB's map. They are valid only during the call.
  borrowing func withValue<Result>(
    in table: Table, forKey key: [UInt8],
    _ body: (Span<UInt8>) throws(StoreError) -> Result
  ) throws(StoreError) -> Result? {
    var value = unsafe MDB_val()
    // Safe because LMDB only reads the key and both outlive the call.
    let code = unsafe withBytes(of: key) { unsafe mdb_get(handle, table.handle, &$0, &value) }
    guard code != MDB_NOTFOUND else { return nil }
    try environment.check(code, doing: "reading")
    // Safe because the bytes stay mapped while the transaction lasts, and it is borrowed here.
    return try body(unsafe UnsafeBufferPointer(value).span)
  }

  /// Calls `body` with the bytes stored under each of four keys, or returns `nil` when one has none.
  ///
  /// The bytes belong to LMDB's map. They are valid only during the call.
  borrowing func withValues<Result>(
    in table: Table, forKeys keys: [4 of [UInt8]],
    _ body: (Span<UInt8>, Span<UInt8>, Span<UInt8>, Span<UInt8>) throws(StoreError) -> Result
  ) throws(StoreError) -> Result? {
    var values = unsafe (MDB_val(), MDB_val(), MDB_val(), MDB_val())
    // Safe because LMDB only reads the keys and all outlive the call.
    let codes = unsafe [
      withBytes(of: keys[0]) { unsafe mdb_get(handle, table.handle, &$0, &values.0) },
      withBytes(of: keys[1]) { unsafe mdb_get(handle, table.handle, &$0, &values.1) },
      withBytes(of: keys[2]) { unsafe mdb_get(handle, table.handle, &$0, &values.2) },
      withBytes(of: keys[3]) { unsafe mdb_get(handle, table.handle, &$0, &values.3) },
    ]
    guard !codes.contains(MDB_NOTFOUND) else { return nil }
    for code in codes { try environment.check(code, doing: "reading") }
    // Safe because the bytes stay mapped while the transaction lasts, and it is borrowed here.
    return try body(
      unsafe UnsafeBufferPointer(values.0).span, unsafe UnsafeBufferPointer(values.1).span,
      unsafe UnsafeBufferPointer(values.2).span, unsafe UnsafeBufferPointer(values.3).span)
  }

  /// A copy of the bytes stored under `key`, or `nil`.
  borrowing func value(in table: Table, forKey key: [UInt8]) throws(StoreError) -> [UInt8]? {
    try withValue(in: table, forKey: key) { (bytes) throws(StoreError) in Array(bytes) }
  }

  /// Opens a table; the transaction must be committed for it to stay open.
  ///
  /// - Returns: `nil` when there is no table of that name.
  borrowing func openTable(_ name: String) throws(StoreError) -> Table? {
    let table = try openTable(name, flags: 0)
    return table
  }

  /// Opens a table of the given name, or makes it where `flags` say so.
  borrowing func openTable(_ name: String, flags: CInt) throws(StoreError) -> Table? {
    var table = MDB_dbi()
    // Safe because LMDB copies the name and fills the integer.
    let code = unsafe mdb_dbi_open(handle, name, UInt32(flags), &table)
    guard code != MDB_NOTFOUND else { return nil }
    try environment.check(code, doing: "opening")
    return Table(handle: table, name: name)
  }

  /// Whether the environment holds no table and no value at all.
  borrowing func isEnvironmentEmpty() throws(StoreError) -> Bool {
    var root = MDB_dbi()
    // Safe because a missing name asks for the main table, which always exists.
    try environment.check(unsafe mdb_dbi_open(handle, nil, 0, &root), doing: "opening")
    return try usage(of: Table(handle: root, name: "")).entryCount == 0
  }

  /// Entries and bytes of one table.
  borrowing func usage(of table: Table) throws(StoreError) -> TableUsage {
    var stat = MDB_stat()
    // Safe because LMDB fills the structure.
    try environment.check(unsafe mdb_stat(handle, table.handle, &stat), doing: "reading")
    let pageCount = stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages
    return TableUsage(
      entryCount: Int(stat.ms_entries), byteCount: Int(pageCount) * Int(stat.ms_psize))
  }

  /// The number of the commit that the transaction sees.
  var commitNumber: Int {
    // Safe because the transaction is alive while it is borrowed.
    unsafe Int(bitPattern: UInt(mdb_txn_id(handle)))
  }

  /// Walks a table in the order of its keys.
  borrowing func withCursor<Result>(
    in table: Table, _ body: (inout Cursor) throws -> Result
  ) throws -> Result {
    var pointer: OpaquePointer?
    // Safe because the cursor lives only as long as this call, which borrows the transaction.
    let code = unsafe mdb_cursor_open(handle, table.handle, &pointer)
    try environment.check(code, doing: "reading")
    guard let pointer = unsafe pointer else {
      throw StoreError(.unavailable, "no cursor on the index at \(environment.path)")
    }
    var cursor = unsafe Cursor(environment: environment, handle: pointer)
    return try body(&cursor)
  }
}

/// Room that one table takes.
struct TableUsage: Hashable, Sendable {
  /// Values in the table.
  var entryCount: Int
  /// Bytes of the table's pages.
  var byteCount: Int
}

// MARK: - Bytes to and from LMDB

/// Calls `body` with `bytes` in LMDB's words, for keys and values that LMDB only reads.
@unsafe func withBytes(of bytes: [UInt8], _ body: (inout MDB_val) -> CInt) -> CInt {
  unsafe bytes.withUnsafeBytes { buffer in
    // Safe because LMDB does not write through the pointer it is given for a key or a value.
    let base = unsafe UnsafeMutableRawPointer(mutating: buffer.baseAddress)
    var value = unsafe MDB_val(mv_size: buffer.count, mv_data: base)
    return unsafe body(&value)
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// The bytes that LMDB answered with.
  @unsafe init(_ value: MDB_val) {
    let base = unsafe value.mv_data.map {
      unsafe UnsafePointer($0.assumingMemoryBound(to: UInt8.self))
    }
    unsafe self.init(start: base, count: base == nil ? 0 : value.mv_size)
  }
}

extension MDB_val {
  /// The bytes of `buffer`, for keys and values that LMDB only reads.
  @unsafe init(_ buffer: UnsafeBufferPointer<UInt8>) {
    let base = unsafe UnsafeMutableRawPointer(mutating: UnsafeRawPointer(buffer.baseAddress))
    unsafe self.init(mv_size: buffer.count, mv_data: base)
  }
}

extension [UInt8] {
  /// A copy of `bytes`.
  init(_ bytes: Span<UInt8>) {
    // Safe because the buffer lives during the call.
    self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
  }
}
