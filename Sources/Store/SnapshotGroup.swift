import Synchronization

/// Several snapshots of the same moment, for as many threads.
public final class SnapshotGroup: Sendable {
  private final class Member: Sendable {
    let snapshot: Snapshot
    let isInUse = Atomic(false)

    init(_ snapshot: consuming Snapshot) { self.snapshot = snapshot }
  }

  private let members: [Member]
  /// The generation that every snapshot of the group sees.
  public let generation: UInt64

  /// Number of snapshots.
  public var count: Int { members.count }

  /// Begins `count` snapshots that see the same commit.
  init(count: Int, path: String, begin: () throws -> Snapshot) throws {
    precondition(count > 0, "number of snapshots")
    // A commit may fall between two beginnings; commits wait for the disk, beginnings do not, so
    // the second attempt nearly always succeeds.
    for _ in 0..<1000 {
      let members = try (0..<count).map { _ in Member(try begin()) }
      // Numbers of commits begin anew in a file that was compacted.
      let isOneMoment = members.allSatisfy {
        $0.snapshot.transaction.commitNumber == members[0].snapshot.transaction.commitNumber
          && $0.snapshot.transaction.environment === members[0].snapshot.transaction.environment
      }
      guard isOneMoment else { continue }
      generation = try members[0].snapshot.generation
      self.members = members
      return
    }
    throw StoreError(
      .busy, "the index at \(path) changes too fast to be read; try again later")
  }

  /// Calls `body` with one of the snapshots.
  ///
  /// - Precondition: no other thread uses the same snapshot meanwhile.
  public func withSnapshot<Result, Failure: Error>(
    _ index: Int, _ body: (borrowing Snapshot) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let member = members[index]
    precondition(
      !member.isInUse.exchange(true, ordering: .acquiring), "snapshot with one user at a time")
    defer { member.isInUse.store(false, ordering: .releasing) }
    return try body(member.snapshot)
  }
}
