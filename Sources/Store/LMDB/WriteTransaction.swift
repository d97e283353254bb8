internal import CLMDB

/// A set of changes that take effect together, or not at all.
///
/// One exists at a time, over all threads and processes. It must end on the thread that began it.
/// It is aborted when it goes out of scope without `commit`.
@safe struct WriteTransaction: ~Copyable, Transaction {
  let environment: Environment
  /// Bytes of the values that were put so far.
  private(set) var putByteCount = 0
  /// The thread that began it.
  private let thread: UInt
  private var pointer: OpaquePointer?

  /// Takes over a transaction that `thread` has begun.
  init(environment: Environment, thread: UInt, handle: OpaquePointer) {
    self.environment = environment
    self.thread = thread
    unsafe pointer = handle
  }

  deinit {
    // Safe because `commit` leaves nothing here to end a second time.
    if let handle = unsafe pointer { unsafe mdb_txn_abort(handle) }
    environment.transactionEnded(thread)
  }

  @unsafe var handle: OpaquePointer {
    guard let handle = unsafe pointer else { preconditionFailure("transaction that has not ended") }
    return unsafe handle
  }

  /// Opens a table, making it when it is missing.
  mutating func makeTable(_ name: String) throws(StoreError) -> Table {
    guard let table = try openTable(name, flags: MDB_CREATE) else {
      throw StoreError(.pageNotFound, path: environment.path, doing: "creating")
    }
    return table
  }

  /// Stores `value` under `key`, in place of what was there.
  mutating func put(_ value: [UInt8], forKey key: [UInt8], in table: Table) throws(StoreError) {
    // Safe because LMDB copies both before it returns.
    let code = unsafe withBytes(of: key) { key in
      unsafe withBytes(of: value) { unsafe mdb_put(handle, table.handle, &key, &$0, 0) }
    }
    putByteCount += value.count
    try check(code)
  }

  /// Stores `value` under `key`, which comes after every key of the table.
  mutating func append(
    _ value: Span<UInt8>, forKey key: Span<UInt8>, in table: Table
  ) throws(StoreError) {
    // Safe because LMDB copies both before it returns, and writes to neither.
    let code = unsafe key.withUnsafeBufferPointer { key in
      unsafe value.withUnsafeBufferPointer { value in
        var (key, value) = unsafe (MDB_val(key), MDB_val(value))
        return unsafe mdb_put(handle, table.handle, &key, &value, UInt32(MDB_APPEND))
      }
    }
    putByteCount += value.count
    try check(code)
  }

  /// Removes what is stored under `key`.
  ///
  /// - Returns: whether there was anything.
  @discardableResult
  mutating func remove(_ key: [UInt8], in table: Table) throws(StoreError) -> Bool {
    // Safe because LMDB only reads the key.
    let code = unsafe withBytes(of: key) { unsafe mdb_del(handle, table.handle, &$0, nil) }
    guard code != MDB_NOTFOUND else { return false }
    try check(code)
    return true
  }

  /// Removes everything in a table; the table stays.
  mutating func removeAll(in table: Table) throws(StoreError) {
    // Safe because zero asks LMDB to empty the table, not to close its handle.
    try check(unsafe mdb_drop(handle, table.handle, 0))
  }

  /// Makes the changes durable and visible; returns after the disk has them.
  ///
  /// When it throws, the index holds what it held before.
  consuming func commit() throws(StoreError) {
    // Safe because the pointer is given up before LMDB frees it, which it does on errors too.
    let handle = unsafe self.handle
    unsafe pointer = nil
    try check(unsafe mdb_txn_commit(handle))
  }

  private func check(_ code: CInt) throws(StoreError) {
    try environment.check(code, doing: "writing", byteCount: putByteCount)
  }
}
