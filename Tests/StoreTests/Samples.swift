import FilipLateInteraction
import TestSupport

@testable import FilipStore

/// Items and tokens made of seeded random numbers.
extension SeededGenerator {
  /// Normalised tokens of the given shape.
  mutating func tokens(_ tokenCount: Int, _ dimension: Int) -> TokenMatrix {
    do {
      return try TokenMatrix(
        normalizing: floats(tokenCount * dimension), tokenCount: tokenCount, dimension: dimension)
    } catch { preconditionFailure("finite floats") }
  }

  /// A record that uses a random choice of the optional fields.
  mutating func record(path: [UInt8]? = nil) -> ItemRecord {
    let path =
      path ?? (Bool.random(using: &self) ? bytes(Int.random(in: 1...300, using: &self)) : nil)
    var item = ItemRecord(
      kind: ItemRecord.Kind.allCases.randomElement(using: &self) ?? .image, path: path,
      fileSize: next(), modificationTime: Int64(bitPattern: next()))
    item.indexedTime = Int64(bitPattern: next())
    item.width = UInt32(truncatingIfNeeded: next())
    item.height = UInt32(truncatingIfNeeded: next())
    if Bool.random(using: &self) { item.root = bytes(20) }
    if Bool.random(using: &self) { item.contentHash = ContentHash(high: next(), low: next()) }
    if Bool.random(using: &self) { item.format = "JPEG" }
    if Bool.random(using: &self) { item.dateTaken = "2022:03:03 10:00:00 µ" }
    if Bool.random(using: &self) { item.takenTime = Int64(bitPattern: next()) }
    if Bool.random(using: &self) { item.camera = "Seagull SO-1" }
    if Bool.random(using: &self) { item.lens = "50 mm" }
    if Bool.random(using: &self) {
      item.place = ItemRecord.Place(
        latitude: .random(in: -90...90, using: &self),
        longitude: .random(in: -180...180, using: &self),
        altitude: Bool.random(using: &self) ? .random(in: -400...9_000, using: &self) : nil)
    }
    for word in ["sea", "großes Bild", "work", "日本"] where Bool.random(using: &self) {
      item.tags.insert(ItemTag(word)!)
    }
    if Bool.random(using: &self) { item.unreadableReason = "it ends early" }
    item.tiles = (0..<Int.random(in: 0...3, using: &self)).map { _ in
      ImageTile(
        grid: PatchGrid(rowCount: 7, columnCount: 9),
        region: PixelRegion(x: 0.5, y: 1, width: .random(in: 1...2, using: &self), height: 3))
    }
    return item
  }

  /// Random bytes other than zero.
  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 1...255, using: &self) }
  }
}

/// An image at `path` with nothing else known.
func image(_ path: String) -> ItemRecord {
  ItemRecord(kind: .image, path: Array(path.utf8), fileSize: 10, modificationTime: 20)
}

/// One token of two values.
let smallTokens = TokenMatrix(unchecked: [1, 0], tokenCount: 1, dimension: 2)

/// Every error that `body` can throw is one of the store's; returns it, or `nil`.
func storeError(_ body: () throws -> Void) -> StoreError? {
  do { try body() } catch { return error as? StoreError }
  return nil
}

extension Snapshot {
  /// The items that an audit finds something wrong with, each once; `.unassigned` for what belongs
  /// to none.
  func damagedItems() throws -> [ItemID] {
    Set(try audit().findings.map { $0.item ?? .unassigned }).sorted()
  }
}
