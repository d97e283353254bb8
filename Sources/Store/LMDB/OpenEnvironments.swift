import Synchronization

/// The environments that this process has open, each at most once.
///
/// LMDB's locks belong to the process: a second opening of the same file would, on closing, drop
/// the locks of the first. Openings of one data file therefore share one environment; the last one
/// closes it. It is the file that counts, not its folder: a file that is open keeps its number when
/// it is deleted.
enum OpenEnvironments {
  private struct Entry {
    let environment: Environment
    let tables: StoreTables
    var leaseCount: Int
  }

  private static let entries = Mutex<[FileIdentity: Entry]>([:])

  /// Opens the environment in `folder`, which holds a data file, or shares the open one; `path` is
  /// the index it belongs to.
  ///
  /// `prepare` opens the tables of a freshly opened environment; when it throws, the environment
  /// is closed again.
  static func lease(
    path: String, folder: String, options: EnvironmentOptions,
    prepare: (Environment) throws(StoreError) -> StoreTables
  ) throws(StoreError) -> EnvironmentLease {
    let identity = try FileIdentity(path: folder + "/" + StoreLayout.dataFileName)
    return try entries.withLock { (entries) throws(StoreError) in
      if var entry = entries[identity] {
        entry.leaseCount += 1
        entries[identity] = entry
        return EnvironmentLease(
          identity: identity, environment: entry.environment, tables: entry.tables)
      }
      let environment = try Environment(path: path, folder: folder, options: options)
      // Should `prepare` throw, the environment closes here, under the lock.
      let tables = try prepare(environment)
      entries[identity] = Entry(environment: environment, tables: tables, leaseCount: 1)
      return EnvironmentLease(identity: identity, environment: environment, tables: tables)
    }
  }

  /// Gives one lease back; the last one closes the environment.
  fileprivate static func giveBack(_ identity: FileIdentity) {
    entries.withLock { entries in
      guard var entry = entries[identity] else { return }
      entry.leaseCount -= 1
      entries[identity] = entry.leaseCount > 0 ? entry : nil
      // Closed under the lock, so that nobody opens the file meanwhile.
      if entry.leaseCount == 0 { entry.environment.close() }
    }
  }
}

/// A share in an open environment; given back when it is released.
final class EnvironmentLease: Sendable {
  /// The environment, open as long as the lease lives.
  let environment: Environment
  /// The environment's tables.
  let tables: StoreTables
  private let identity: FileIdentity

  fileprivate init(identity: FileIdentity, environment: Environment, tables: StoreTables) {
    self.identity = identity
    self.environment = environment
    self.tables = tables
  }

  deinit { OpenEnvironments.giveBack(identity) }
}
