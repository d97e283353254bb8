/// One thing that is wrong with an index, and what a repair does about it.
public struct AuditFinding: Sendable {
  /// The table whose entry is wrong, by its name in `StoreStatistics`.
  public var table: String
  /// The item that it concerns, or `nil`.
  public var item: ItemID?
  /// The segment of the scan plane that it concerns, or `nil`.
  public var segment: UInt64?
  /// The caller's note that it concerns, by its name, or `nil`.
  public var note: String?
  /// The item's path or name, as far as anything still says it.
  public var path: [UInt8]?
  /// The entry, such as "the tokens of item 5".
  public var subject: String
  /// What is wrong with it, such as "its checksum does not match".
  public var problem: String
  /// What a repair does.
  public var remedy: AuditRemedy
  /// Whether a newer program wrote the entry, and this one does not know what it means.
  public var isNewer = false
  /// The steps of the repair.
  var actions: [RepairAction]
}

extension AuditFinding: CustomStringConvertible {
  /// One line, without the path.
  public var description: String { "\(subject): \(problem)" }
}

/// What a repair does about a finding.
public enum AuditRemedy: String, Sendable, CaseIterable {
  /// The entry is made anew from others; nothing is lost.
  case rebuild
  /// The entry is removed; it led nowhere, or the next run of the program makes it anew.
  case dropEntry = "drop-entry"
  /// The pooled vector is removed; the item keeps its tokens.
  case dropPooled = "drop-pooled"
  /// The item loses its tokens, keeps its id and its path, and waits for the next `filip index`.
  case dropTokens = "drop-tokens"
  /// The item is removed; the next `filip index` gives its file a new id.
  case dropItem = "drop-item"
  /// None: the index must be rebuilt, or the program be updated.
  case none
}

/// One step of a repair.
///
/// Each looks again at what it finds, so that it does no harm where another step came first.
enum RepairAction: Hashable, Sendable {
  /// Writes a number of the table `meta`.
  case setCounter(key: [UInt8], UInt64)
  /// Writes the note of the layout.
  case setLayout
  /// Gives a number of an encoder a name again: the one that is known, unless another number has
  /// it, else one that no encoder has.
  case nameEncoder(UInt32)
  /// Removes the caller's note under a key of the table `meta`.
  case dropNote([UInt8])
  /// Removes an entry that nothing refers to.
  case dropEntry(table: Table, key: [UInt8])
  /// Takes an item out of the list of a key of the table of paths.
  case dropPath(key: [UInt8], ItemID)
  /// Takes an item out of the scan plane.
  case leavePlane(ItemID)
  /// Removes every screen and the codebook.
  case dropScreens
  /// Notes where a segment has an item.
  case setPlace(ItemID, PlanePlace)
  /// Makes the list of a segment's dead anew from the places.
  case listDead(segment: UInt64)
  /// Makes what follows from an item's record anew: its path, its hash.
  case link(ItemID)
  /// Removes an item.
  case eraseItem(ItemID)
  /// Takes an item's tokens away and says so in its record.
  case dropTokens(ItemID)
  /// Makes the codes of an item anew from its tokens.
  case encode(ItemID)
  /// Removes a segment with its dead and its screen.
  case eraseSegment(UInt64)
  /// Makes a block of facts anew from the records.
  case makeFacts(block: UInt64)

  /// Steps of one rank are done together, those of a lower one before.
  var rank: Int {
    switch self {
    case .setCounter, .setLayout, .nameEncoder, .dropNote, .dropEntry, .dropPath, .dropScreens: 0
    case .setPlace: 1
    case .listDead: 2
    case .leavePlane: 3
    case .link: 4
    case .eraseItem, .dropTokens: 5
    case .encode: 6
    case .eraseSegment: 7
    case .makeFacts: 8
    }
  }
}
