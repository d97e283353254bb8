internal import CLMDB
import Glibc
import Synchronization

/// An open LMDB environment: one folder with `data.mdb` and `lock.mdb`.
///
/// LMDB's caveats hold. A process must not open the same folder twice: `OpenEnvironments` sees to
/// that. The folder must not lie on a network file system. A reader that lives long keeps freed
/// pages from being used again.
@safe final class Environment: @unchecked Sendable {
  // Sendable because LMDB allows one environment to be used from every thread; only `close` may
  // not overlap anything, and the table of open environments calls it after the last use.

  /// The folder.
  let path: String
  /// Whether the data file may not be written by this user.
  let isReadOnly: Bool
  private let handle: OpaquePointer
  private let isClosed = Atomic(false)

  /// Opens the environment in the existing folder `path`, making its files when they are missing
  /// and the folder may be written.
  ///
  /// Reader slots left behind by processes that died are cleared.
  init(path: String, options: EnvironmentOptions = EnvironmentOptions()) throws(StoreError) {
    let dataPath = path + "/" + StoreLayout.dataFileName
    // Safe because the system only reads the path.
    let isReadOnly = unsafe access(dataPath, F_OK) == 0 && access(dataPath, W_OK) != 0
    self.path = path
    self.isReadOnly = isReadOnly
    unsafe handle = try Self.open(path: path, isReadOnly: isReadOnly, options: options)
    try clearDeadReaders()
  }

  deinit { close() }

  /// Releases the map and the files; every transaction must have ended.
  func close() {
    guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    // Safe because the flag above lets one caller through.
    unsafe mdb_env_close(handle)
  }

  /// Begins to read; the transaction sees what was committed last.
  ///
  /// It holds on to `lease`, so that the environment stays open until it ends.
  func beginRead(_ lease: EnvironmentLease? = nil) throws(StoreError) -> ReadTransaction {
    // Safe because the transaction is handed over to its only owner.
    unsafe ReadTransaction(
      environment: self, lease: lease, handle: try begin(flags: MDB_RDONLY))
  }

  /// Begins to write; waits while another thread or process writes.
  ///
  /// A write transaction must end on the thread that began it.
  @available(*, noasync)
  func beginWrite() throws(StoreError) -> WriteTransaction {
    try clearDeadReaders()
    // Safe because the transaction is handed over to its only owner.
    return unsafe WriteTransaction(environment: self, handle: try begin(flags: 0))
  }

  /// Frees the reader slots of processes that died, which would keep freed pages from being used.
  ///
  /// - Returns: how many there were.
  @discardableResult
  func clearDeadReaders() throws(StoreError) -> Int {
    var count: CInt = 0
    // Safe because the environment is open and LMDB fills the integer.
    try check(unsafe mdb_reader_check(handle, &count), doing: "opening")
    return Int(count)
  }

  /// Address space reserved for the file, in bytes.
  var mapByteCount: Int {
    var info = MDB_envinfo()
    // Safe because the environment is open and LMDB fills the structure.
    unsafe mdb_env_info(handle, &info)
    return Int(info.me_mapsize)
  }

  /// Throws what `code` means, unless it means success.
  func check(_ code: CInt, doing action: String) throws(StoreError) {
    guard code != MDB_SUCCESS else { return }
    var error = LMDBError(rawValue: code)
    // A disk that fills up takes part of what LMDB writes, and LMDB calls that EIO.
    if error == .inputOutput, !isReadOnly { error = spaceError(inFolder: path) ?? error }
    throw StoreError(error, path: path, doing: action)
  }

  private func begin(flags: CInt) throws(StoreError) -> OpaquePointer {
    precondition(!isClosed.load(ordering: .acquiring), "open environment")
    var transaction: OpaquePointer?
    // Safe because the environment is open and outlives its transactions.
    let code = unsafe mdb_txn_begin(handle, nil, UInt32(flags), &transaction)
    guard code == MDB_SUCCESS, let transaction = unsafe transaction else {
      throw StoreError(LMDBError(rawValue: code), path: path, doing: "opening")
    }
    return unsafe transaction
  }
}

// MARK: - Opening

extension Environment {
  private static func open(
    path: String, isReadOnly: Bool, options: EnvironmentOptions
  ) throws(StoreError) -> OpaquePointer {
    var mapByteCount = options.mapByteCount
    while true {
      do throws(LMDBError) {
        return unsafe try open(
          path: path, isReadOnly: isReadOnly, mapByteCount: mapByteCount, options: options)
      } catch {
        let isRefusedMap = error == .outOfMemory && mapByteCount / 2 >= options.smallestMapByteCount
        guard isRefusedMap else { throw StoreError(error, path: path, doing: "opening") }
        mapByteCount /= 2
      }
    }
  }

  private static func open(
    path: String, isReadOnly: Bool, mapByteCount: Int, options: EnvironmentOptions
  ) throws(LMDBError) -> OpaquePointer {
    var environment: OpaquePointer?
    // Safe because LMDB fills the pointer or reports an error.
    var code = unsafe mdb_env_create(&environment)
    guard code == MDB_SUCCESS, let environment = unsafe environment else {
      throw LMDBError(rawValue: code)
    }
    // MDB_NOTLS ties a reader to its transaction instead of its thread: our readers move between
    // the threads of a task group.
    let flags = UInt32(MDB_NOTLS | (isReadOnly ? MDB_RDONLY : 0))
    let steps: [() -> CInt] = [
      { unsafe mdb_env_set_mapsize(environment, mapByteCount) },
      { unsafe mdb_env_set_maxreaders(environment, options.maximumReaderCount) },
      { unsafe mdb_env_set_maxdbs(environment, options.maximumTableCount) },
      // The user's umask applies, as to any file.
      { unsafe mdb_env_open(environment, path, flags, 0o666) },
    ]
    for step in steps {
      code = step()
      guard code == MDB_SUCCESS else {
        // Safe because LMDB asks for the close when an opening failed.
        unsafe mdb_env_close(environment)
        throw LMDBError(rawValue: code)
      }
    }
    return unsafe environment
  }
}
