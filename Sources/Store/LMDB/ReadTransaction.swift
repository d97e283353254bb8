internal import CLMDB

/// A view of the environment as it was when the transaction began.
///
/// It may move between threads, but only one may use it at a time. It ends when it goes out of
/// scope.
@safe struct ReadTransaction: ~Copyable, Transaction, @unchecked Sendable {
  // Sendable because MDB_NOTLS ties the reader's slot to the transaction, not to a thread, and a
  // noncopyable value has one user at a time.

  let environment: Environment
  /// Kept so that the environment is closed after the transaction, never before.
  private let lease: EnvironmentLease?
  /// The thread that began it.
  private let thread: UInt
  private var pointer: OpaquePointer?

  /// Takes over a transaction that `thread` has begun.
  init(
    environment: Environment, lease: EnvironmentLease?, thread: UInt, handle: OpaquePointer
  ) {
    self.environment = environment
    self.lease = lease
    self.thread = thread
    unsafe pointer = handle
  }

  deinit {
    // Safe because `end` leaves nothing here to end a second time.
    if let handle = unsafe pointer { unsafe mdb_txn_abort(handle) }
    environment.transactionEnded(thread)
  }

  @unsafe var handle: OpaquePointer {
    guard let handle = unsafe pointer else { preconditionFailure("transaction that has not ended") }
    return unsafe handle
  }

  /// Ends the transaction and keeps the tables that it opened.
  consuming func commit() throws(StoreError) {
    // Safe because the pointer is given up before LMDB frees it.
    let handle = unsafe self.handle
    unsafe pointer = nil
    try environment.check(unsafe mdb_txn_commit(handle), doing: "opening")
  }
}
