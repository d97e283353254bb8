/// The facts of 1,024 ids in a row, which filters read one after the other without a record.
///
/// | bytes | meaning |
/// | --- | --- |
/// | 1 + 3 | version 1; zero |
/// | 4 | number of items in the block |
/// | 8 | the store's checksum of all other bytes |
/// | 32 × 1,024 | `ItemFacts` of the ids from 1,024 × block on; zeros where there is no item |
///
/// Everything in it can be made anew from the records.
struct FactBlock: Equatable {
  /// Ids in a block.
  static let rowCount = 1_024
  private static let version: UInt8 = 1
  static let checksumOffset = 8
  private static let headerByteCount = 16
  static let byteCount = headerByteCount + rowCount * ItemFacts.byteCount

  private var bytes: [UInt8]
  /// Items in the block.
  private(set) var itemCount: Int

  /// A block without items.
  init() {
    bytes = [UInt8](repeating: 0, count: Self.byteCount)
    bytes[0] = Self.version
    itemCount = 0
  }

  /// The block behind stored bytes.
  init(_ stored: Span<UInt8>) throws(Damage) {
    itemCount = try Self.verify(stored)
    bytes = Array(stored)
  }

  /// The block that an id's facts are in, and the row.
  static func position(of id: ItemID) -> (block: UInt64, row: Int) {
    (id.rawValue / UInt64(rowCount), Int(id.rawValue % UInt64(rowCount)))
  }

  /// Where a row begins.
  static func offset(ofRow row: Int) -> Int { headerByteCount + row * ItemFacts.byteCount }

  /// Refuses bytes that are no sound block.
  /// - Returns: the number of items in it.
  static func verify(_ stored: Span<UInt8>) throws(Damage) -> Int {
    guard stored.count >= headerByteCount else { throw .endsEarly }
    guard stored[0] == version else {
      if stored[0] > version { throw .newerVersion(stored[0]) }
      throw .impossible(.version)
    }
    guard stored.count == byteCount else { throw .impossible(.shape) }
    guard Checksum.isSealed(stored, at: checksumOffset) else { throw .checksum }
    return Int(UInt32(littleEndian: stored, at: 4))
  }

  /// Whether four values are sound blocks, all of them; `verify` says what is wrong with one.
  static func areSound(
    _ first: Span<UInt8>, _ second: Span<UInt8>, _ third: Span<UInt8>, _ fourth: Span<UInt8>
  ) -> Bool {
    guard first.count == byteCount, second.count == byteCount, third.count == byteCount,
      fourth.count == byteCount, first[0] == version, second[0] == version, third[0] == version,
      fourth[0] == version
    else { return false }
    return Checksum.areSealed(first, second, third, fourth, at: checksumOffset)
  }

  /// The facts of a row; `nil` where there is no item.
  subscript(row: Int) -> ItemFacts? {
    get {
      let facts = ItemFacts(bytes.span, at: Self.offset(ofRow: row))
      return facts.kind == 0 ? nil : facts
    }
    set {
      let start = Self.offset(ofRow: row)
      itemCount += (newValue == nil ? 0 : 1) - (self[row] == nil ? 0 : 1)
      let new = newValue?.bytes
      for index in 0..<ItemFacts.byteCount { bytes[start + index] = new?[index] ?? 0 }
    }
  }

  /// The bytes to store.
  mutating func sealed() -> [UInt8] {
    for index in 0..<4 { bytes[4 + index] = UInt8(truncatingIfNeeded: itemCount >> (8 * index)) }
    Checksum.seal(&bytes, at: Self.checksumOffset)
    return bytes
  }
}
