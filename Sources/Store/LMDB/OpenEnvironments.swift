import Synchronization

/// The environments that this process has open, each at most once.
///
/// LMDB's locks belong to the process: a second opening of the same folder would, on closing, drop
/// the locks of the first. Openings of one folder therefore share one environment; the last one
/// closes it.
enum OpenEnvironments {
  private struct Entry {
    let environment: Environment
    let tables: StoreTables
    var leaseCount: Int
  }

  private static let entries = Mutex<[FileIdentity: Entry]>([:])

  /// Opens the environment in the existing folder `path`, or shares the open one.
  ///
  /// `prepare` opens the tables of a freshly opened environment; when it throws, the environment
  /// is closed again.
  static func lease(
    path: String, options: EnvironmentOptions,
    prepare: (Environment) throws(StoreError) -> StoreTables
  ) throws(StoreError) -> EnvironmentLease {
    let identity = try FileIdentity(path: path)
    return try entries.withLock { (entries) throws(StoreError) in
      if var entry = entries[identity] {
        entry.leaseCount += 1
        entries[identity] = entry
        return EnvironmentLease(
          identity: identity, environment: entry.environment, tables: entry.tables)
      }
      let environment = try Environment(path: path, options: options)
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
      // Closed under the lock, so that nobody opens the folder meanwhile.
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
