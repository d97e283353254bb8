internal import CLMDB

/// A walk over one table in the order of its keys.
///
/// It starts before the first entry. It is valid during the closure that received it.
@safe struct Cursor: ~Copyable {
  private let environment: Environment
  private let handle: OpaquePointer
  private var key = unsafe MDB_val()
  private var value = unsafe MDB_val()
  private var hasEntry = false

  /// Takes over a cursor that has been opened.
  init(environment: Environment, handle: OpaquePointer) {
    self.environment = environment
    unsafe self.handle = handle
  }

  deinit {
    // Safe because the cursor is closed once, before its transaction ends.
    unsafe mdb_cursor_close(handle)
  }

  /// Moves to the next entry, or to the first one at the start.
  ///
  /// - Returns: whether there is one.
  mutating func advance() throws(StoreError) -> Bool {
    try move(MDB_NEXT)
  }

  /// Moves to the last entry of the table.
  ///
  /// - Returns: whether there is one.
  mutating func advanceToLast() throws(StoreError) -> Bool {
    try move(MDB_LAST)
  }

  /// Moves to the first entry whose key is `target` or comes after it.
  ///
  /// - Returns: whether there is one.
  mutating func advance(to target: [UInt8]) throws(StoreError) -> Bool {
    guard !target.isEmpty else { return try move(MDB_FIRST) }
    var found = (key: unsafe MDB_val(), value: unsafe MDB_val())
    // Safe because LMDB reads the sought key and answers with pointers into its map.
    let code = unsafe withBytes(of: target) { sought in
      let code = unsafe mdb_cursor_get(handle, &sought, &found.value, MDB_SET_RANGE)
      unsafe found.key = sought
      return code
    }
    unsafe (key, value) = unsafe (found.key, found.value)
    return try settle(code)
  }

  /// Calls `body` with the key and the value of the present entry.
  ///
  /// The bytes belong to LMDB's map. They are valid only during the call.
  borrowing func withEntry<Result, Failure: Error>(
    _ body: (Span<UInt8>, Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(hasEntry, "cursor on an entry")
    // Safe because the transaction outlives the cursor, and the cursor is borrowed.
    let (key, value) = unsafe (UnsafeBufferPointer(key), UnsafeBufferPointer(value))
    return try body(unsafe key.span, unsafe value.span)
  }

  private mutating func move(_ operation: MDB_cursor_op) throws(StoreError) -> Bool {
    // Safe because LMDB fills both with pointers into its map.
    try settle(unsafe mdb_cursor_get(handle, &key, &value, operation))
  }

  private mutating func settle(_ code: CInt) throws(StoreError) -> Bool {
    hasEntry = code == MDB_SUCCESS
    if code != MDB_NOTFOUND { try environment.check(code, doing: "reading") }
    return hasEntry
  }
}
