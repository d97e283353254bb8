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
  /// Whether a repair would do anything.
  public var canBeRepaired: Bool { findings.contains { !$0.actions.isEmpty } }

  /// Adds that the caller's note `name` cannot be understood, unless that is known already.
  package mutating func add(note name: String, _ problem: String) {
    guard !findings.contains(where: { $0.note == name }) else { return }
    findings.append(
      AuditFinding(
        table: StoreTables.metaName, note: name, subject: "the note \(name)", problem: problem,
        remedy: .none, actions: []))
  }

  /// Lets a repair remove the notes of these names, where they are damaged: their owner can do
  /// without.
  package mutating func allowDropping(notes names: Set<String>) {
    for index in findings.indices {
      guard let name = findings[index].note, names.contains(name) else { continue }
      findings[index].remedy = .dropEntry
      findings[index].actions = [.dropNote(MetaKey.note(name))]
    }
  }
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
