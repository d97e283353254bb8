/// The stable name of one item of an index: given once, kept when the file changes or moves, never
/// given again after the item is removed.
public struct ItemID: RawRepresentable, Hashable, Comparable, Sendable {
  /// The number; zero for an item that has no id yet.
  public let rawValue: UInt64

  /// An id from its number.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The id of an item that is not in an index yet.
  public static let unassigned = ItemID(rawValue: 0)
  /// The first id that an index gives.
  public static let first = ItemID(rawValue: 1)

  /// Ids are ordered by age.
  public static func < (left: ItemID, right: ItemID) -> Bool { left.rawValue < right.rawValue }
}

extension ItemID: CustomStringConvertible {
  /// The number.
  public var description: String { String(rawValue) }
}
