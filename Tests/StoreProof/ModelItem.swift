package import FilipLateInteraction
package import FilipStore
import TestSupport

/// An item of a `StoreModel`.
package struct ModelItem: Hashable, Sendable {
  package var path: [UInt8]
  package var size: UInt64 = 0
  package var time: Int64
  package var hash: ContentHash?
  /// Why it has no tokens.
  package var reason: String?
  package var tokens = ModelTokens(seed: 0, count: 0, dimension: 1)
  package var hasPooled = false
  /// Whether two patches share each token.
  package var mergesPatches = false
  /// Which of two encoders made the tokens.
  package var tower = 0
  /// What the user gave it; it stays with the item when another record takes its place.
  package var tags: Set<ItemTag> = []

  static let sizeOfRenamed: UInt64 = 11

  init(path: [UInt8], time: Int64) {
    self.path = path
    self.time = time
  }

  /// The record that is given to the store.
  package var record: ItemRecord {
    var record = ItemRecord(
      kind: .image, path: path, fileSize: size, modificationTime: time)
    record.contentHash = hash
    record.root = Array("/photos".utf8)
    record.tags = tags
    guard reason == nil else { return record }
    record.encoderFingerprint = "tower \(tower)"
    record.width = UInt32(tokens.count)
    record.height = 2
    if mergesPatches {
      record.tiles = [
        ImageTile(
          grid: PatchGrid(rowCount: 2, columnCount: tokens.count),
          region: PixelRegion(x: 0, y: 0, width: Double(tokens.count), height: 2))
      ]
      record.patchTokens = (0..<2 * tokens.count).map { UInt32($0 / 2) }
    }
    return record
  }

  /// The pooled vector that is given to the store.
  package var pooled: [Float]? {
    guard hasPooled, reason == nil else { return nil }
    var generator = SeededGenerator(seed: tokens.seed &+ 1)
    return generator.floats(16)
  }
}

/// Tokens that follow from a seed.
package struct ModelTokens: Hashable, Sendable {
  package var seed: UInt64
  package var count: Int
  package var dimension: Int

  package init(seed: UInt64, count: Int, dimension: Int) {
    self.seed = seed
    self.count = count
    self.dimension = dimension
  }

  /// The tokens that are given to the store.
  package var matrix: TokenMatrix {
    var generator = SeededGenerator(seed: seed)
    let floats = generator.floats(count * dimension)
    do {
      return try TokenMatrix(normalizing: floats, tokenCount: count, dimension: dimension)
    } catch { preconditionFailure("finite floats") }
  }

  /// The tokens as a store that keeps originals gives them back.
  package var halves: TokenMatrix {
    let matrix = matrix
    return TokenMatrix(
      unchecked: matrix.elements.map { Float(Float16($0)) }, tokenCount: count,
      dimension: dimension)
  }
}
