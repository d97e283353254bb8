/// What an audit found.
public struct AuditReport: Sendable {
  /// Everything that is wrong, in the order in which it was found.
  public var findings: [AuditFinding]
  /// Number of items, damaged ones included.
  public var itemCount: Int
  /// Number of intact records of items that have tokens.
  public var readableCount: Int
  /// Bytes of keys and values that were read.
  public var byteCount: Int
  /// The commit that was looked at.
  let commitNumber: Int

  /// Whether nothing is wrong.
  public var isSound: Bool { findings.isEmpty }
}

/// How far an audit has come.
public struct AuditProgress: Sendable, Hashable {
  /// The table that is being read.
  public var table: String
  /// Items whose records were read.
  public var itemCount: Int
  /// Bytes that were read.
  public var finishedByteCount: Int
  /// Bytes that will be read, about.
  public var byteCount: Int
}
