internal import CLMDB
import Glibc
import Synchronization

/// An open LMDB environment: one folder with `data.mdb` and `lock.mdb`.
///
/// LMDB's caveats hold. A process must not open the same data file twice: `OpenEnvironments` sees to
/// that. The folder must not lie on a network file system. A reader that lives long keeps freed
/// pages from being used again.
@safe final class Environment: @unchecked Sendable {
  // Sendable because LMDB allows one environment to be used from every thread; only `close` may
  // not overlap anything, and the table of open environments calls it after the last use. The map
  // is replaced behind the gate.

  /// The index, as it is named to people.
  let path: String
  /// The folder of the files.
  let folder: String
  /// Whether the data file may not be written by this user.
  let isReadOnly: Bool
  private let handle: OpaquePointer
  private let descriptor: CInt
  private let pageByteCount: Int
  private let growthPatience: Duration
  /// Kept where readers leave no mark in `lock.mdb`.
  private let sharedLock: SharedLock?
  private let gate = TransactionGate()
  private let reserved: Atomic<Int>
  private let used = Atomic<Int>(0)
  private let isClosed = Atomic(false)
  /// Whether the system refused a new map after the old one was given up.
  private let isMapLost = Atomic(false)
  /// A length of the file that was found to lack free pages only, and the last page then.
  private let knownTail = Mutex((byteCount: 0, lastPage: 0))

  /// Opens the environment in the existing folder `folder`, making its files when they are missing
  /// and the folder may be written; `path` is the index it belongs to.
  ///
  /// Reader slots left behind by processes that died are cleared.
  /// - Throws: `StoreError` `.damaged` when the file is not LMDB's or was cut short.
  init(
    path: String, folder: String? = nil, options: EnvironmentOptions = EnvironmentOptions()
  ) throws(StoreError) {
    let folder = folder ?? path
    let dataPath = folder + "/" + StoreLayout.dataFileName
    // Only where nobody can write: a reader without a slot must not have a writer beside it.
    let isReadOnlyMedium = FileSystemKind(path: folder)?.isReadOnly ?? false
    let sharedLock = isReadOnlyMedium ? try SharedLock(path: path) : nil
    try Self.checkDataFile(dataPath, path: path)
    // Safe because the system only reads the path.
    let isReadOnly = unsafe access(dataPath, F_OK) == 0 && access(dataPath, W_OK) != 0
    let flags =
      (isReadOnly || isReadOnlyMedium ? MDB_RDONLY : 0) | (isReadOnlyMedium ? MDB_NOLOCK : 0)
      | (options.isDurable ? 0 : MDB_NOSYNC)
    unsafe handle = try Self.open(path: path, folder: folder, flags: flags, options: options)
    self.path = path
    self.folder = folder
    self.isReadOnly = isReadOnly || isReadOnlyMedium
    self.sharedLock = sharedLock
    growthPatience = options.growthPatience
    let facts = unsafe Self.facts(handle)
    descriptor = facts.descriptor
    pageByteCount = facts.pageByteCount
    reserved = Atomic(facts.mapByteCount)
    try clearDeadReaders()
  }

  deinit { close() }

  /// Releases the map and the files; every transaction must have ended.
  func close() {
    guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    // Safe because the flag above lets one caller through.
    unsafe mdb_env_close(handle)
  }

  /// Length of the data file, also of one that has lost its name.
  var fileByteCount: Int { FilipStore.fileByteCount(of: descriptor) }

  /// Begins to read; the transaction sees what was committed last.
  ///
  /// It holds on to `lease`, so that the environment stays open until it ends.
  /// - Throws: `StoreError` `.damaged` when the file has been cut short.
  func beginRead(_ lease: EnvironmentLease? = nil) throws(StoreError) -> ReadTransaction {
    let (handle, thread) = unsafe try begin(flags: MDB_RDONLY)
    // Safe because the transaction is handed over to its only owner.
    return unsafe ReadTransaction(
      environment: self, lease: lease, thread: thread, handle: handle)
  }

  /// Begins to write; waits while another thread or process writes.
  ///
  /// A write transaction must end on the thread that began it.
  @available(*, noasync)
  func beginWrite() throws(StoreError) -> WriteTransaction {
    try clearDeadReaders()
    growMapAhead()
    let (handle, thread) = unsafe try begin(flags: 0)
    // Safe because the transaction is handed over to its only owner.
    return unsafe WriteTransaction(environment: self, thread: thread, handle: handle)
  }

  /// Notes that a transaction has ended that `thread` began.
  func transactionEnded(_ thread: UInt) { gate.leave(thread) }

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

  /// LMDB's list of reader slots, as text.
  func readerTable() -> String {
    final class Lines { var text = "" }
    let lines = Lines()
    // Safe because LMDB calls back before it returns, with a string that ends in a zero.
    unsafe mdb_reader_list(
      handle,
      { line, context in
        guard let line = unsafe line, let context = unsafe context else { return 0 }
        let lines = unsafe Unmanaged<Lines>.fromOpaque(context).takeUnretainedValue()
        lines.text += unsafe String(cString: line)
        return 0
      }, Unmanaged.passUnretained(lines).toOpaque())
    return lines.text
  }

  /// Address space reserved for the file, in bytes.
  var mapByteCount: Int { reserved.load(ordering: .acquiring) }

  /// Throws what `code` means, unless it means success; `byteCount` is what was to be written.
  func check(_ code: CInt, doing action: String, byteCount: Int = 0) throws(StoreError) {
    guard code != MDB_SUCCESS else { return }
    var error = LMDBError(rawValue: code)
    // A disk that fills up takes part of what LMDB writes, and LMDB calls that EIO.
    if error == .inputOutput, !isReadOnly { error = spaceError(inFolder: folder) ?? error }
    throw StoreError(
      error, path: path, doing: action, byteCount: byteCount, folder: folder)
  }

  private func begin(flags: CInt) throws(StoreError) -> (OpaquePointer, thread: UInt) {
    precondition(!isClosed.load(ordering: .acquiring), "open environment")
    while true {
      let thread = gate.enter()
      let mapByteCount = mapByteCount
      var transaction: OpaquePointer?
      var code: CInt
      do throws(StoreError) {
        try checkLength()
        // Safe because the environment is open and outlives its transactions.
        code = unsafe mdb_txn_begin(handle, nil, UInt32(flags), &transaction)
      } catch {
        gate.leave(thread)
        throw error
      }
      if code == MDB_SUCCESS, let transaction = unsafe transaction {
        return unsafe (transaction, thread)
      }
      gate.leave(thread)
      guard LMDBError(rawValue: code) == .mapResized else {
        throw StoreError(LMDBError(rawValue: code), path: path, doing: "opening")
      }
      // Another process has grown the file past our map.
      try growMap(beyond: mapByteCount)
    }
  }

  /// Refuses to read a file that ends before its last page, which would kill the process.
  private func checkLength() throws(StoreError) {
    guard !isMapLost.load(ordering: .acquiring) else {
      throw StoreError(
        .unavailable,
        "the system refused the map of the index at \(path) when it had to grow; open it again")
    }
    // The two pages that say which page is the last are read through the map.
    guard fileByteCount >= 2 * pageByteCount else {
      throw .cutShort(
        path: path, byteCount: fileByteCount, wholeByteCount: 2 * pageByteCount)
    }
    var info = MDB_envinfo()
    // Safe because the environment is open and LMDB fills the structure.
    unsafe mdb_env_info(handle, &info)
    // The length comes after the last page: a writer may be at work.
    let byteCount = fileByteCount
    let (whole, isImpossible) = (Int(info.me_last_pgno) + 1).multipliedReportingOverflow(
      by: pageByteCount)
    used.store(isImpossible ? 0 : whole, ordering: .relaxed)
    guard isImpossible || byteCount < whole else { return }
    let tail = (byteCount, Int(info.me_last_pgno))
    guard knownTail.withLock({ $0 != tail }) else { return }
    do throws(LMDBError) {
      let file = try DataFile(descriptor)
      guard file.isWhole(byteCount: UInt64(byteCount)) else { throw .corrupted }
    } catch {
      throw .cutShort(path: path, byteCount: byteCount, wholeByteCount: whole)
    }
    knownTail.withLock { $0 = tail }
  }
}

// MARK: - Growing

extension Environment {
  /// Makes the map at least twice as large as `seen`, unless another thread has, and as large as the
  /// file.
  ///
  /// It waits until this process has no transaction.
  /// - Throws: `StoreError` `.mapFull` when there is one all the time, or when the system refuses.
  func growMap(beyond seen: Int) throws(StoreError) {
    let isGrown = try gate.alone(within: growthPatience) { () throws(StoreError) in
      if mapByteCount <= seen { try replaceMap(with: 2 * seen) }
      return true
    }
    guard isGrown == nil else { return }
    throw StoreError(
      .mapFull,
      "the memory map of the index at \(path) must grow, but this process reads the index all the "
        + "time (\(growthPatience)); end its snapshots, and do not write while holding one")
  }

  /// Grows the map when the file takes more than half of it and nothing has to wait for that.
  private func growMapAhead() {
    let seen = mapByteCount
    guard used.load(ordering: .relaxed) > seen / 2 else { return }
    // When it fails, the write that needs the room says so.
    _ = try? gate.alone(within: .zero) { () throws(StoreError) in
      if mapByteCount <= seen { try replaceMap(with: 2 * seen) }
      return true
    }
  }

  /// Replaces the map; there must be no transaction.
  private func replaceMap(with wanted: Int) throws(StoreError) {
    let needed = 2 * max(used.load(ordering: .relaxed), fileByteCount)
    var byteCount = wanted
    while byteCount < needed { byteCount *= 2 }
    let present = mapByteCount
    // LMDB gives the old map up first, and has none when the new one is refused.
    guard Self.hasAddressSpace(byteCount - present) else {
      throw StoreError(.mapFull, path: path, doing: "growing")
    }
    // Safe because there is no transaction and none begins.
    let code = unsafe mdb_env_set_mapsize(handle, byteCount)
    guard code == MDB_SUCCESS else {
      isMapLost.store(true, ordering: .releasing)
      throw StoreError(LMDBError(rawValue: code), path: path, doing: "growing")
    }
    reserved.store(unsafe Self.facts(handle).mapByteCount, ordering: .releasing)
  }

  private static func hasAddressSpace(_ byteCount: Int) -> Bool {
    // Safe because nothing is ever read or written there.
    let space = unsafe mmap(
      nil, byteCount, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard unsafe space != MAP_FAILED else { return false }
    unsafe munmap(space, byteCount)
    return true
  }
}

// MARK: - Opening

extension Environment {
  /// Refuses a data file that LMDB would not survive; one that is missing is LMDB's to make.
  private static func checkDataFile(_ dataPath: String, path: String) throws(StoreError) {
    // Safe because the system only reads the path.
    let descriptor = unsafe Glibc.open(dataPath, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if LMDBError.lastSystemError == .noSuchFile { return }
      throw StoreError(.lastSystemError, path: path, doing: "opening")
    }
    defer { Glibc.close(descriptor) }
    var (byteCount, wholeByteCount) = (0, 0)
    do throws(LMDBError) {
      // A writer may be at work: what looks damaged is looked at again.
      for _ in 0..<3 {
        let file = try DataFile(descriptor)
        byteCount = FilipStore.fileByteCount(of: descriptor)
        if file.isWhole(byteCount: UInt64(byteCount)) { return }
        wholeByteCount = Int(file.wholeByteCount)
        usleep(1000)
      }
    } catch {
      throw StoreError(error, path: path, doing: "opening")
    }
    throw .cutShort(path: path, byteCount: byteCount, wholeByteCount: wholeByteCount)
  }

  /// The open data file, its pages' size and the size of the map.
  @unsafe private static func facts(
    _ handle: OpaquePointer
  ) -> (descriptor: CInt, pageByteCount: Int, mapByteCount: Int) {
    var descriptor: CInt = -1
    var stat = MDB_stat()
    var info = MDB_envinfo()
    // Safe because the environment is open and LMDB fills all three.
    unsafe mdb_env_get_fd(handle, &descriptor)
    unsafe mdb_env_stat(handle, &stat)
    unsafe mdb_env_info(handle, &info)
    return (descriptor, Int(stat.ms_psize), Int(info.me_mapsize))
  }

  private static func open(
    path: String, folder: String, flags: CInt, options: EnvironmentOptions
  ) throws(StoreError) -> OpaquePointer {
    var mapByteCount = options.mapByteCount
    while true {
      do throws(LMDBError) {
        return unsafe try open(
          folder: folder, flags: flags, mapByteCount: mapByteCount, options: options)
      } catch {
        let isRefusedMap = error == .outOfMemory && mapByteCount / 2 >= options.smallestMapByteCount
        guard isRefusedMap else { throw StoreError(error, path: path, doing: "opening") }
        mapByteCount /= 2
      }
    }
  }

  private static func open(
    folder: String, flags: CInt, mapByteCount: Int, options: EnvironmentOptions
  ) throws(LMDBError) -> OpaquePointer {
    var environment: OpaquePointer?
    // Safe because LMDB fills the pointer or reports an error.
    var code = unsafe mdb_env_create(&environment)
    guard code == MDB_SUCCESS, let environment = unsafe environment else {
      throw LMDBError(rawValue: code)
    }
    // MDB_NOTLS ties a reader to its transaction instead of its thread: our readers move between
    // the threads of a task group.
    let flags = UInt32(MDB_NOTLS | flags)
    let steps: [() -> CInt] = [
      { unsafe mdb_env_set_mapsize(environment, mapByteCount) },
      { unsafe mdb_env_set_maxreaders(environment, options.maximumReaderCount) },
      { unsafe mdb_env_set_maxdbs(environment, options.maximumTableCount) },
      // The user's umask applies, as to any file.
      { unsafe mdb_env_open(environment, folder, flags, 0o666) },
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
