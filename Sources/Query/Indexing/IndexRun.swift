#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
public import FilipStore

/// What the last run of the indexer did, as the index remembers it.
///
/// It is the note `last-run` of an index: words in pairs, such as
/// `ending completed started 1763750000 ended 1763750012 seen 120 added 5`. A run that changes the
/// index is written down with its first commit, and again at its end; words that are not known are
/// passed over. An index that no run has finished since this note exists has none.
public struct IndexRun: Sendable, Hashable {
  /// How a run ended.
  public enum Ending: String, Sendable, CaseIterable {
    /// All files were looked at.
    case completed
    /// It was cancelled, and kept what it had done.
    case interrupted
    /// An error ended it; what it had committed is kept.
    case failed
    /// No end was written down: it goes on, or it was killed.
    case none
  }

  /// How it ended.
  public var ending = Ending.none
  /// When it began, in seconds since 1970.
  public var startTime: Int64 = 0
  /// When it was written down last, in seconds since 1970.
  public var endTime: Int64 = 0
  /// Files that it found and settled.
  public var seenCount = 0
  /// Images that were not in the index.
  public var addedCount = 0
  /// Images whose file had changed.
  public var changedCount = 0
  /// Images whose file had another path.
  public var renamedCount = 0
  /// Images whose file was gone.
  public var removedCount = 0
  /// Images that were left as they are.
  public var unchangedCount = 0
  /// Files without a usable image.
  public var unreadableCount = 0
  /// Images that stayed although their file was gone, since too many would have gone at once.
  public var vanishedCount = 0

  /// A run that begins.
  init(startTime: Int64) {
    self.startTime = startTime
    endTime = startTime
  }

  /// The run that a snapshot's note tells of; `nil` without one.
  /// - Throws: `StoreError` `.damaged`.
  public init?(_ snapshot: borrowing Snapshot) throws {
    guard let bytes = try snapshot.note(Self.noteName) else { return nil }
    self.init(note: bytes)
  }
}

extension IndexRun {
  /// The name of the note; nothing but `filip status` asks for it.
  static let noteName = "last-run"

  /// The time, in seconds since 1970.
  static func now() -> Int64 { Int64(time(nil)) }

  /// The numbers and the words before them.
  private static var counts: [(word: String, field: WritableKeyPath<IndexRun, Int>)] {
    [
      ("seen", \.seenCount), ("added", \.addedCount), ("changed", \.changedCount),
      ("renamed", \.renamedCount), ("removed", \.removedCount), ("unchanged", \.unchangedCount),
      ("unreadable", \.unreadableCount), ("vanished", \.vanishedCount),
    ]
  }

  /// What the note says.
  init(note: [UInt8]) {
    self.init(startTime: 0)
    let words = String(decoding: note, as: UTF8.self).split(separator: " ")
    for index in stride(from: 0, to: words.count - 1, by: 2) {
      let (word, value) = (words[index], words[index + 1])
      switch word {
      case "ending": ending = Ending(rawValue: String(value)) ?? .none
      case "started": startTime = Int64(value) ?? 0
      case "ended": endTime = Int64(value) ?? 0
      default:
        guard let count = Self.counts.first(where: { $0.word == word }) else { continue }
        self[keyPath: count.field] = Int(value) ?? 0
      }
    }
  }

  /// The bytes of the note.
  var note: [UInt8] {
    var words = ["ending", ending.rawValue, "started", "\(startTime)", "ended", "\(endTime)"]
    for count in Self.counts { words += [count.word, "\(self[keyPath: count.field])"] }
    return Array(words.joined(separator: " ").utf8)
  }

  /// Writes it into the index, in place of the run before.
  func record(in writer: inout Writer) throws {
    try writer.setNote(Self.noteName, to: note)
  }

  /// Takes over what a summary counts.
  mutating func count(_ summary: IndexSummary) {
    addedCount = summary.addedCount
    changedCount = summary.changedCount
    renamedCount = summary.renamedCount
    removedCount = summary.removedCount
    unchangedCount = summary.unchangedCount
    unreadableCount = summary.unreadable.count
    vanishedCount = summary.vanishedCount
  }
}
