import Synchronization

/// An index on disk: images with their tokens, safe against crashes and full disks.
///
/// An index is a folder that belongs to one machine; on a network file system it is refused. Any
/// number of programs may read while one writes.
///
///     let store = try TokenStore.open(at: path, mode: .create)
///     let id = try store.write { writer in
///       try writer.insert(item, tokens: tokens)
///     }
///     let tokens = try store.read { snapshot in try snapshot.tokens(of: id) }
///
/// Within one process, stores of the same folder share what is open. At most one of them may
/// write: the second `.readWrite` or `.create` fails with `.busy`, as it does across processes. A
/// store may be used by many threads and tasks at once.
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

  /// What a store is opened in spite of.
  public struct Options: OptionSet, Sendable {
    /// The bits.
    public let rawValue: Int

    /// A set from its bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// The index lies on a network file system. One machine alone must ever open it.
    public static let allowsNetwork = Options(rawValue: 1)

    /// The note of the layout is damaged: what the tables hold says in which forms tokens are kept.
    /// For `audit` and `repair`, which writes the note anew.
    public static let infersLayout = Options(rawValue: 2)
  }

  /// What is open now.
  private struct Opened {
    var lease: EnvironmentLease
    /// `CURRENT` as it was when the lease was taken.
    var stamp: IndexFolder.Stamp?
  }

  /// In which forms the index keeps tokens.
  public var layout: PlaneLayout { opened.withLock { $0.lease.tables.layout } }
  /// The folder of the index, as it was given.
  public var path: String { folder.path }
  let folder: IndexFolder
  let options: Options
  let environmentOptions: EnvironmentOptions
  let lock: WriterLock?
  private let opened: Mutex<Opened>
  /// The thread inside `write` or `compact`; zero for none.
  let writingThread = Atomic<UInt>(0)

  private init(
    folder: IndexFolder, opened: Opened, lock: WriterLock?, options: Options,
    environmentOptions: EnvironmentOptions
  ) {
    self.folder = folder
    self.opened = Mutex(opened)
    self.lock = lock
    self.options = options
    self.environmentOptions = environmentOptions
  }

  /// Opens the index in the folder `path`.
  ///
  /// `program` is written into an index that is made, and shown to whoever finds it busy. `layout`
  /// is that of an index that is made; one that exists keeps its own.
  /// - Throws: `StoreError`: `.notFound` when there is no index and the mode does not make one;
  ///   `.busy` when another store writes; `.notAnIndex`, `.formatTooOld` and `.formatTooNew` when
  ///   the folder holds something else; `.networkFileSystem`; `.permissionDenied`, `.damaged`,
  ///   `.unavailable`. No data is deleted in any case.
  public static func open(
    at path: String, mode: Mode, program: String = "filip", layout: PlaneLayout = PlaneLayout(),
    options: Options = []
  ) throws(StoreError) -> TokenStore {
    var environmentOptions = EnvironmentOptions()
    environmentOptions.infersLayout = options.contains(.infersLayout)
    return try open(
      at: path, mode: mode, program: program, layout: layout, options: options,
      environmentOptions: environmentOptions)
  }

  static func open(
    at path: String, mode: Mode, program: String = "filip", layout: PlaneLayout = PlaneLayout(),
    options: Options = [], environmentOptions: EnvironmentOptions
  ) throws(StoreError) -> TokenStore {
    if !options.contains(.allowsNetwork) { try StoreError.refuseNetwork(path) }
    let folder = IndexFolder(path: path)
    if mode == .create {
      try makeFolder(path)
    } else if try folder.currentGeneration() == nil {
      throw .notFound(path: path)
    }
    let lock = mode == .readOnly ? nil : try WriterLock(path: path, program: program)
    if mode == .create, try folder.currentGeneration() == nil {
      try folder.makeIndex(program: program, layout: layout, options: environmentOptions)
    }
    let opened = try open(folder, environmentOptions)
    if mode != .readOnly {
      guard !opened.lease.environment.isReadOnly else {
        throw StoreError(.accessDenied, path: path, doing: "writing")
      }
      try folder.tidy()
    }
    return TokenStore(
      folder: folder, opened: opened, lock: lock, options: options,
      environmentOptions: environmentOptions)
  }

  /// Whether there is an index in the folder `path`.
  /// - Throws: `StoreError` when there is something that this program cannot open.
  public static func exists(at path: String) throws(StoreError) -> Bool {
    try IndexFolder(path: path).currentGeneration() != nil
  }

  /// Calls `body` with the index as it is now; changes made meanwhile stay unseen.
  ///
  /// The snapshot is valid only during the call.
  /// - Throws: what `body` throws, or `StoreError`; `.notFound` when the index was deleted.
  public func read<Result>(_ body: (borrowing Snapshot) throws -> Result) throws -> Result {
    let snapshot = try Snapshot(currentLease())
    return try body(snapshot)
  }

  /// Begins `count` snapshots of the same moment, one for each of several threads.
  ///
  /// Release the group when the query is answered.
  public func snapshots(count: Int) throws -> SnapshotGroup {
    try SnapshotGroup(count: count, path: path) {
      try Snapshot(currentLease())
    }
  }

  /// Calls `body` with the index open for changes: they take effect together when it returns, and
  /// not at all when it throws.
  ///
  /// The changes are on the disk when this returns. A call that changed nothing commits nothing.
  /// An error of the writer spoils the whole write, even if `body` catches it. Other threads that
  /// write wait for their turn. Changes stay in memory until they are committed, and each commit
  /// waits for the disk: write some hundred images at a time.
  ///
  /// When the map has to grow, the changes are dropped and `body` is called once more, so it must
  /// not keep anything of a call that did not count: let it return what it has to say. Do not write
  /// while the same thread holds a snapshot; the map could not grow, and the write would fail.
  /// - Precondition: not called inside the closure of another `write`.
  /// - Throws: what `body` throws, or `StoreError`; `.readOnly` when the store was opened for
  ///   reading. The index then holds what it held before.
  @discardableResult
  public func write<Result>(_ body: (inout Writer) throws -> Result) throws -> Result {
    while true {
      let lease = try currentLease()
      let mapByteCount = lease.environment.mapByteCount
      do {
        if let result = try attemptWrite(lease, body) { return result }
      } catch let error as StoreError {
        guard error.underlying == .mapFull else { throw error }
        try lease.environment.growMap(beyond: mapByteCount)
      }
    }
  }

  /// Writes once.
  ///
  /// - Returns: `nil` when the index was compacted while this waited for its turn.
  /// - Throws: the writer's error if it has one, whatever `body` makes of it.
  private func attemptWrite<Result>(
    _ lease: EnvironmentLease, _ body: (inout Writer) throws -> Result
  ) throws -> Result? {
    try withWriteTurn {
      var writer = try Writer(environment: lease.environment, tables: lease.tables)
      guard try currentLease() === lease else { return nil }
      // The transaction is ours now: whoever else writes waits in the first line.
      writingThread.store(currentThread(), ordering: .relaxed)
      defer { writingThread.store(0, ordering: .relaxed) }
      let result: Result
      do {
        result = try body(&writer)
      } catch {
        throw writer.failure ?? error
      }
      try writer.commit()
      return result
    }
  }

  /// Calls `body`, which begins to write, unless this store or thread may not.
  func withWriteTurn<Result>(_ body: () throws -> Result) throws -> Result {
    guard lock != nil else {
      throw StoreError(
        .readOnly, "the index at \(path) is open for reading only; open it for writing")
    }
    precondition(
      writingThread.load(ordering: .relaxed) != currentThread(), "write outside another write")
    return try body()
  }

  /// A share in the present generation, which another process may have replaced.
  func currentLease() throws(StoreError) -> EnvironmentLease {
    try opened.withLock { (opened) throws(StoreError) in
      if folder.stamp() != opened.stamp {
        opened = try Self.open(folder, environmentOptions)
      }
      return opened.lease
    }
  }
}

// MARK: - Opening

extension TokenStore {
  /// Opens the present generation.
  private static func open(
    _ folder: IndexFolder, _ options: EnvironmentOptions
  ) throws(StoreError) -> Opened {
    // A generation may be replaced and deleted between the look at `CURRENT` and the opening.
    for _ in 0..<100 {
      let stamp = folder.stamp()
      do throws(StoreError) {
        guard let generation = try folder.currentGeneration() else {
          throw .notFound(path: folder.path)
        }
        let lease = try OpenEnvironments.lease(
          path: folder.path, folder: folder.path(ofGeneration: generation), options: options
        ) { (environment) throws(StoreError) in
          try openTables(of: environment, infersLayout: options.infersLayout)
        }
        if folder.stamp() == stamp { return Opened(lease: lease, stamp: stamp) }
      } catch {
        if folder.stamp() == stamp { throw error }
      }
    }
    throw StoreError(
      .busy, "the index at \(folder.path) changes too fast to be opened; try again later")
  }

  /// The tables of an index in our format.
  private static func openTables(
    of environment: Environment, infersLayout: Bool
  ) throws(StoreError) -> StoreTables {
    let transaction = try environment.beginRead()
    guard let meta = try transaction.openTable(StoreTables.metaName) else {
      throw StoreFormat.notAnIndex(path: environment.path)
    }
    let marker = try transaction.value(in: meta, forKey: MetaKey.format)
    try StoreFormat.check(marker: marker, path: environment.path)
    let note = PlaneLayout(
      bytes: try transaction.value(in: meta, forKey: MetaKey.layout) ?? [])
    guard note != nil || infersLayout else {
      throw StoreError(.impossible(.layout), in: "the note of the layout", path: environment.path)
    }
    var tables = try StoreTables(layout: note ?? PlaneLayout()) { (name) throws(StoreError) in
      guard let table = try transaction.openTable(name) else {
        throw StoreError(.pageNotFound, path: environment.path, doing: "opening")
      }
      return table
    }
    if note == nil { tables.layout = try transaction.layoutOfContent(tables) }
    try transaction.commit()
    return tables
  }

  /// Gives everything in the folder `path` that makes it an index another name, ending in `.old`,
  /// so that a new one can be made there; nothing is deleted.
  /// - Throws: `StoreError` `.busy` while another store writes.
  package static func putAside(
    at path: String, program: String = "filip"
  ) throws(StoreError) {
    let lock = try WriterLock(path: path, program: program)
    try IndexFolder(path: path).putAside()
    withExtendedLifetime(lock) {}
  }
}

extension IndexFolder {
  /// Makes an empty index; under the writer lock.
  fileprivate func makeIndex(
    program: String, layout: PlaneLayout, options: EnvironmentOptions
  ) throws(StoreError) {
    let number = try unusedGeneration()
    let target = try beginGeneration(number)
    do throws(StoreError) {
      try fillGeneration(in: target, program: program, layout: layout, options: options)
      try completeGeneration(number)
    } catch {
      abandonGeneration(number)
      throw error
    }
    try setCurrent(number)
  }

  /// Puts the tables of an empty index into an empty folder.
  private func fillGeneration(
    in target: String, program: String, layout: PlaneLayout, options: EnvironmentOptions
  ) throws(StoreError) {
    let environment = try Environment(path: path, folder: target, options: options)
    var transaction = try environment.beginWrite()
    let tables = try StoreTables(layout: layout) { (name) throws(StoreError) in
      try transaction.makeTable(name)
    }
    try transaction.put(Array(StoreFormat.marker.utf8), forKey: MetaKey.format, in: tables.meta)
    try transaction.put(Array(program.utf8), forKey: MetaKey.createdBy, in: tables.meta)
    try transaction.put(layout.bytes, forKey: MetaKey.layout, in: tables.meta)
    try transaction.commit()
  }

  /// Writes `CURRENT` where it is missing and removes what interrupted writers left; under the
  /// writer lock.
  fileprivate func tidy() throws(StoreError) {
    guard let current = try currentGeneration() else { return }
    guard stamp() != nil else { return try setCurrent(current) }
    try removeLeftovers(current: current)
  }
}
