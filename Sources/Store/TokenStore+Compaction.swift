import Glibc
import Synchronization

/// What a compaction saved.
public struct CompactionSummary: Hashable, Sendable {
  /// Bytes of the data file before.
  public var byteCountBefore: Int
  /// Bytes of the new data file.
  public var byteCountAfter: Int
}

/// How far a copy of an index has come.
public struct CompactionProgress: Hashable, Sendable {
  /// Bytes of keys and values that are copied.
  public var copiedByteCount: Int
  /// Bytes of the pages that hold them all; somewhat more than there is to copy.
  public var totalByteCount: Int
}

extension TokenStore {
  /// Rewrites the index without the room that removed images left: no row of theirs stays, and
  /// segments of the scan plane that fit into one are joined. Ids, codes and screens are kept.
  ///
  /// Readers go on, also those of other processes, and see the new file with their next snapshot;
  /// what was read before stays as it was. Other writes wait. A compaction that is interrupted
  /// leaves the index as it is. `report` may throw to end it.
  /// - Complexity: O(bytes of the index) of reading and writing; the disk must have room for the new
  ///   file beside the old one.
  /// - Precondition: not called inside the closure of `write`; `report` does not write.
  /// - Throws: `StoreError`: `.readOnly` when the store was opened for reading, `.diskFull`; what
  ///   `report` throws.
  @discardableResult
  public func compact(
    progress report: (CompactionProgress) throws -> Void = { _ in }
  ) throws -> CompactionSummary {
    while true {
      let lease = try currentLease()
      if let summary = try attemptCompaction(lease, report) { return summary }
    }
  }

  /// Compacts once.
  ///
  /// - Returns: `nil` when the index was compacted while this waited for its turn.
  private func attemptCompaction(
    _ lease: EnvironmentLease, _ report: (CompactionProgress) throws -> Void
  ) throws -> CompactionSummary? {
    try withWriteTurn {
      // Nothing is written in it; it keeps other threads from writing to the old file.
      let turn = try lease.environment.beginWrite()
      guard try currentLease() === lease, let old = try folder.currentGeneration() else {
        return nil
      }
      writingThread.store(currentThread(), ordering: .relaxed)
      defer { writingThread.store(0, ordering: .relaxed) }
      let new = try folder.unusedGeneration()
      let summary = try copy(lease, to: folder, generation: new, report)
      try folder.setCurrent(new)
      folder.removeGeneration(old)
      _ = consume turn
      return summary
    }
  }

  /// Copies the index into a new one in the folder `destination`: a backup, compacted.
  ///
  /// The store may be open for anything, and another program may write meanwhile: the copy is that
  /// of one moment. As long as it takes, the original does not use freed room again. A copy that is
  /// interrupted leaves no index. `report` may throw to end it.
  /// - Complexity: O(bytes of the index) of reading and writing.
  /// - Throws: `StoreError`: `.alreadyExists` when the folder is not empty, `.networkFileSystem`,
  ///   `.diskFull`, `.busy`; what `report` throws.
  @discardableResult
  public func copy(
    to destination: String, progress report: (CompactionProgress) throws -> Void = { _ in }
  ) throws -> CompactionSummary {
    if !options.contains(.allowsNetwork) { try StoreError.refuseNetwork(destination) }
    let target = IndexFolder(path: destination)
    let isNew = FilipStore.fileByteCount(destination) == nil
    try makeFolder(destination)
    try target.requireEmpty()
    let lock = try WriterLock(path: destination, program: "a copy of \(path)")
    var isComplete = false
    defer {
      if !isComplete { target.removeUnfinishedIndex(withFolder: isNew) }
      withExtendedLifetime(lock) {}
    }
    // Once more, now that nobody else makes an index here.
    try target.requireEmpty()
    let summary = try copy(currentLease(), to: target, generation: 1, report)
    isComplete = true
    try target.setCurrent(1)
    return summary
  }

  /// Copies one moment of the index into a generation of a folder.
  private func copy(
    _ lease: EnvironmentLease, to target: IndexFolder, generation: Int,
    _ report: (CompactionProgress) throws -> Void
  ) throws -> CompactionSummary {
    let snapshot = try lease.environment.beginRead(lease)
    var usedByteCount = 0
    for table in lease.tables.all { usedByteCount += try snapshot.usage(of: table).byteCount }
    if let free = freeByteCount(at: target.path), free < usedByteCount {
      throw StoreError(
        .diskFull,
        "a copy of the index at \(path) takes up to \(sizeText(usedByteCount)), and the disk of "
          + "\(target.path) has \(sizeText(free)) left; free some space, or write the copy "
          + "elsewhere: filip compact -o FOLDER")
    }
    let folder = try target.beginGeneration(generation)
    do {
      try EnvironmentCopy(source: lease).run(
        into: folder, snapshot: snapshot, options: environmentOptions
      ) { byteCount in
        try report(
          CompactionProgress(copiedByteCount: byteCount, totalByteCount: usedByteCount))
      }
      try target.completeGeneration(generation)
    } catch {
      target.abandonGeneration(generation)
      throw error
    }
    return CompactionSummary(
      byteCountBefore: lease.environment.fileByteCount,
      byteCountAfter: FilipStore.fileByteCount(target.dataPath(ofGeneration: generation)) ?? 0)
  }
}

extension IndexFolder {
  /// Whether there is nothing but what an interrupted copy may have left.
  fileprivate var isEmpty: Bool {
    get throws(StoreError) {
      try names().allSatisfy { name in
        name == StoreLayout.writerLockFileName || Self.isUnfinished(name)
      }
    }
  }

  fileprivate func requireEmpty() throws(StoreError) {
    guard try isEmpty else {
      throw StoreError(
        .alreadyExists, "\(path) is not empty; name a folder that is, or a new one")
    }
  }

  /// Removes what was begun of an index, unless there is more; with the folder if that is wanted.
  fileprivate func removeUnfinishedIndex(withFolder: Bool) {
    guard let isEmpty = try? isEmpty, isEmpty else { return }
    for name in (try? names()) ?? [] where Self.isUnfinished(name) {
      removeFlatFolder(path + "/" + name)
    }
    guard withFolder else { return }
    unlink(path + "/" + StoreLayout.writerLockFileName)
    rmdir(path)
  }
}
