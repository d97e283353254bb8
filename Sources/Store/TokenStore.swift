import Synchronization

/// An index on disk: images with their tokens, safe against crashes and full disks.
///
/// An index is a folder that belongs to one machine: do not put it on a network file system. Any
/// number of programs may read while one writes.
///
///     let store = try TokenStore.open(at: path, mode: .create)
///     let id = try store.write { writer in
///       try writer.insert(item, tokens: tokens)
///     }
///     let tokens = try store.read { snapshot in try snapshot.tokens(of: id) }
///
/// Within one process, stores of the same folder share what is open. At most one of them may
/// write: the second `.readWrite` or `.create` fails with `.busy`, as it does across processes.
public final class TokenStore: Sendable {
  /// What a store is opened for.
  public enum Mode: Sendable {
    /// Reading an index that exists.
    case readOnly
    /// Reading and writing an index that exists.
    case readWrite
    /// Reading and writing; an index that does not exist is made, its folder included.
    case create
  }

  /// In which forms the index keeps tokens.
  public var layout: PlaneLayout { lease.tables.layout }
  /// The folder of the index, as it was given.
  public let path: String
  let lease: EnvironmentLease
  private let lock: WriterLock?
  /// The thread inside `write`; zero for none.
  private let writingThread = Atomic<UInt>(0)

  private init(path: String, lease: EnvironmentLease, lock: WriterLock?) {
    self.path = path
    self.lease = lease
    self.lock = lock
  }

  /// Opens the index in the folder `path`.
  ///
  /// `program` is written into an index that is made, and shown to whoever finds it busy. `layout`
  /// is that of an index that is made; one that exists keeps its own.
  /// - Throws: `StoreError`: `.notFound` when there is no index and the mode does not make one;
  ///   `.busy` when another store writes; `.notAnIndex`, `.formatTooOld` and `.formatTooNew` when
  ///   the folder holds something else; `.permissionDenied`, `.damaged`, `.unavailable`. Nothing
  ///   is deleted in any case.
  public static func open(
    at path: String, mode: Mode, program: String = "filip", layout: PlaneLayout = PlaneLayout()
  ) throws(StoreError) -> TokenStore {
    try open(
      at: path, mode: mode, program: program, layout: layout, options: EnvironmentOptions())
  }

  static func open(
    at path: String, mode: Mode, program: String, layout: PlaneLayout = PlaneLayout(),
    options: EnvironmentOptions
  ) throws(StoreError) -> TokenStore {
    if mode == .create {
      try makeFolder(path)
    } else if fileByteCount(path + "/" + StoreLayout.dataFileName) == nil {
      throw .notFound(path: path)
    }
    let lock = mode == .readOnly ? nil : try WriterLock(path: path, program: program)
    let lease = try OpenEnvironments.lease(path: path, options: options) {
      (environment) throws(StoreError) in
      if let tables = try openTables(of: environment) { return tables }
      return try makeTables(in: environment, mode: mode, program: program, layout: layout)
    }
    if mode != .readOnly, lease.environment.isReadOnly {
      throw StoreError(.accessDenied, path: path, doing: "writing")
    }
    return TokenStore(path: path, lease: lease, lock: lock)
  }

  /// Calls `body` with the index as it is now; changes made meanwhile stay unseen.
  ///
  /// The snapshot is valid only during the call.
  /// - Throws: what `body` throws, or `StoreError`.
  public func read<Result>(_ body: (borrowing Snapshot) throws -> Result) throws -> Result {
    let snapshot = try Snapshot(lease)
    return try body(snapshot)
  }

  /// Begins `count` snapshots of the same moment, one for each of several threads.
  ///
  /// Release the group when the query is answered.
  public func snapshots(count: Int) throws -> SnapshotGroup {
    try SnapshotGroup(count: count, path: path) {
      try Snapshot(lease)
    }
  }

  /// Calls `body` with the index open for changes: they take effect together when it returns, and
  /// not at all when it throws.
  ///
  /// The changes are on the disk when this returns. A call that changed nothing commits nothing.
  /// An error of the writer spoils the whole write, even if `body` catches it. Other threads that
  /// write wait for their turn. Changes stay in memory until they are committed, and each commit
  /// waits for the disk: write some hundred images at a time.
  /// - Precondition: not called inside the closure of another `write`.
  /// - Throws: what `body` throws, or `StoreError`; `.readOnly` when the store was opened for
  ///   reading. The index then holds what it held before.
  @discardableResult
  public func write<Result>(_ body: (inout Writer) throws -> Result) throws -> Result {
    guard lock != nil else {
      throw StoreError(
        .readOnly, "the index at \(path) is open for reading only; open it for writing")
    }
    let thread = currentThread()
    precondition(writingThread.load(ordering: .relaxed) != thread, "write outside another write")
    var writer = try Writer(environment: lease.environment, tables: lease.tables)
    // The transaction is ours now: whoever else writes waits in the line above.
    writingThread.store(thread, ordering: .relaxed)
    defer { writingThread.store(0, ordering: .relaxed) }
    let result = try body(&writer)
    try writer.commit()
    return result
  }
}

// MARK: - Opening

extension TokenStore {
  /// The tables of an index in our format, or `nil` when the environment is empty.
  private static func openTables(
    of environment: Environment
  ) throws(StoreError) -> StoreTables? {
    let transaction = try environment.beginRead()
    if try transaction.isEnvironmentEmpty() { return nil }
    guard let meta = try transaction.openTable(StoreTables.metaName) else {
      throw StoreFormat.notAnIndex(path: environment.path)
    }
    let marker = try transaction.value(in: meta, forKey: MetaKey.format)
    try StoreFormat.check(marker: marker, path: environment.path)
    let layout = try transaction.value(in: meta, forKey: MetaKey.layout)
    guard let layout = PlaneLayout(bytes: layout ?? []) else {
      throw StoreError(.impossible(.layout), in: "the description", path: environment.path)
    }
    let tables = try StoreTables(layout: layout) { (name) throws(StoreError) in
      guard let table = try transaction.openTable(name) else {
        throw StoreError(.pageNotFound, path: environment.path, doing: "opening")
      }
      return table
    }
    try transaction.commit()
    return tables
  }

  /// Fills an empty environment with the tables of an empty index.
  private static func makeTables(
    in environment: Environment, mode: Mode, program: String, layout: PlaneLayout
  ) throws(StoreError) -> StoreTables {
    guard mode == .create else { throw .notFound(path: environment.path) }
    guard !environment.isReadOnly else {
      throw StoreError(.accessDenied, path: environment.path, doing: "writing")
    }
    var transaction = try environment.beginWrite()
    let tables = try StoreTables(layout: layout) { (name) throws(StoreError) in
      try transaction.makeTable(name)
    }
    try transaction.put(Array(StoreFormat.marker.utf8), forKey: MetaKey.format, in: tables.meta)
    try transaction.put(Array(program.utf8), forKey: MetaKey.createdBy, in: tables.meta)
    try transaction.put(layout.bytes, forKey: MetaKey.layout, in: tables.meta)
    try transaction.commit()
    return tables
  }
}
