import Glibc

/// A snapshot that some process reads from.
public struct StoreReader: Hashable, Sendable {
  /// The process.
  public var processID: Int32
  /// Commits since its snapshot began; what they removed or replaced still takes room.
  public var commitsBehind: Int
  /// Whether it is this one.
  public var isThisProcess: Bool { processID == getpid() }
}

extension TokenStore {
  /// Length of the data file, in bytes.
  public var fileByteCount: Int {
    get throws(StoreError) { try currentLease().environment.fileByteCount }
  }

  /// Who reads the index now, this process included: one entry for each snapshot.
  ///
  /// Readers of a medium that is mounted for reading only leave no mark and are not listed.
  public func readers() throws -> [StoreReader] {
    let environment = try currentLease().environment
    let commitNumber = try environment.beginRead().commitNumber
    try environment.clearDeadReaders()
    return StoreReader.readers(inTable: environment.readerTable(), commitNumber: commitNumber)
  }
}

extension StoreReader {
  /// The readers in LMDB's table: a line each with process, thread and number of the commit, or a
  /// hyphen for a slot that is not in use.
  static func readers(inTable text: String, commitNumber: Int) -> [StoreReader] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 3, let process = Int32(words[0]), let commit = Int(words[2]) else {
        return nil
      }
      return StoreReader(processID: process, commitsBehind: max(0, commitNumber - commit))
    }
  }
}
