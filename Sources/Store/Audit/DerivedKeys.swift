/// A table that follows from the records: for each of some properties of an item it has an entry
/// without a value, whose key ends with the item's id.
///
/// An audit compares the keys with the records in both directions, and a repair makes them anew.
struct DerivedKeys: Sendable {
  /// The table.
  let table: @Sendable (StoreTables) -> Table
  /// What the entries say, for messages: "the content of item 5".
  let subject: String
  /// The keys that an item has.
  let keys: @Sendable (ItemRecord) -> [[UInt8]]

  /// Every table of this kind.
  static let all = [
    DerivedKeys(table: { $0.hashes }, subject: "the content hash") { item in
      item.contentHash.map { [StoreLayout.key($0, item.id)] } ?? []
    },
    DerivedKeys(table: { $0.tags }, subject: "a tag") { item in
      item.tags.sorted().map { StoreLayout.key($0, item.id) }
    },
  ]

  /// The item whose id a key ends with; `nil` for a key that is too short.
  static func itemID(_ key: [UInt8]) -> ItemID? {
    guard key.count > 8 else { return nil }
    return ItemID(rawValue: StoreLayout.bigEndian(key.span, at: key.count - 8))
  }
}
