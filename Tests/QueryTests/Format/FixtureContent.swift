import FilipLateInteraction
import FilipStore
import Foundation
import TestSupport

@testable import FilipQuery

/// What an index of the fixtures holds, in a file beside it: written from what was put in, not from
/// what was read back.
struct FixtureContent: Codable {
  struct Item: Codable {
    var id: UInt64
    var kind: UInt8
    var path: [UInt8]
    var root: [UInt8]?
    var fileSize: UInt64
    var modificationTime: Int64
    /// 32 hexadecimal digits.
    var contentHash: String?
    var width: UInt32
    var height: UInt32
    var format: String?
    var dateTaken: String?
    var takenTime: Int64?
    var camera: String?
    var lens: String?
    /// Latitude, longitude, altitude.
    var place: [Double]?
    var tags: [String]?
    var patchTokens: [UInt32]?
    var fingerprint: String?
    var unreadableReason: String?
    /// Row-major, in half precision.
    var tokens: [Float]
    var pooled: [Float]?
  }

  /// A search and what it finds, by the reference formula.
  struct Search: Codable {
    /// Row-major, before any projection.
    var words: [Float]
    var ids: [UInt64]
    var scores: [Double]
  }

  var bits: UInt8
  var originals: String
  /// Columns of the stored tokens, and of a query.
  var dimension: Int
  var queryDimension: Int
  var poolFactor: Int
  var generation: UInt64
  var nextID: UInt64
  var hasScreen: Bool
  var note: [UInt8]
  var items: [Item]
  var searches: [Search]
}

/// The kinds of index that are kept of every format.
enum FixtureKind: String, CaseIterable {
  /// Eight bits and originals, reduced, with a screen.
  case reducedWithScreen = "8-bit-reduced-screen"
  case fourBits = "4-bit"
  case codesOnly = "8-bit-codes-only"
  case fourBitCodesOnly = "4-bit-codes-only"

  var layout: PlaneLayout {
    switch self {
    case .reducedWithScreen: PlaneLayout()
    case .fourBits: PlaneLayout(bits: .four)
    case .codesOnly: PlaneLayout(originals: .none)
    case .fourBitCodesOnly: PlaneLayout(bits: .four, originals: .none)
    }
  }
  var isReduced: Bool { self == .reducedWithScreen }
}

extension FixtureContent {
  static let queryDimension = 8
  private static let reducedDimension = 6
  static let itemCount = 9

  /// Makes an index at `path` that holds what is returned, in a few commits.
  static func make(_ kind: FixtureKind, at path: String) async throws -> FixtureContent {
    var generator = SeededGenerator(seed: 2026)
    let store = try TokenStore.open(
      at: path, mode: .create, program: "filip fixture", layout: kind.layout)
    let dimension = kind.isReduced ? reducedDimension : queryDimension
    var content = FixtureContent(
      bits: kind.layout.bits.rawValue, originals: kind.layout.originals.rawValue,
      dimension: dimension, queryDimension: queryDimension, poolFactor: kind.isReduced ? 2 : 1,
      generation: 0, nextID: UInt64(itemCount) + 1, hasScreen: kind.isReduced,
      note: [1, 0, 255], items: [], searches: [])
    let items = try (1...itemCount).map { number in
      try item(number, dimension, isPooled: kind.isReduced, &generator)
    }
    try store.write { writer in
      for (record, tokens, pooled) in items.dropLast() {
        try writer.insert(record, tokens: tokens, pooled: pooled)
      }
      try writer.setNote("fixture", to: content.note)
      if kind.isReduced { try reduction.record(in: &writer) }
    }
    try store.write { writer in
      let (record, tokens, pooled) = items[itemCount - 1]
      try writer.insert(record, tokens: tokens, pooled: pooled)
      // One image is gone, one cannot be read any more.
      try writer.remove(ItemID(rawValue: 2))
      let lost = ItemRecord(kind: .image, path: items[2].record.path, fileSize: 1)
      try writer.insertUnreadable(lost, reason: "it ends early")
    }
    for (index, (record, tokens, pooled)) in items.enumerated() where index != 1 {
      content.items.append(
        index == 2
          ? Item(unreadable: record, id: 3)
          : Item(record, id: UInt64(index + 1), tokens: tokens, pooled: pooled))
    }
    if kind.isReduced { _ = try await ScreenBuilder(store: store).run() }
    content.generation = try store.read { try $0.generation }
    content.searches = try (1...3).map { wordCount in
      try content.search(
        for: TokenMatrix(
          normalizing: generator.floats(wordCount * queryDimension), tokenCount: wordCount,
          dimension: queryDimension))
    }
    return content
  }

  /// Two patches to a token; of the dimensions the first six.
  private static var reduction: TokenReduction {
    var axes = [Float](repeating: 0, count: reducedDimension * queryDimension)
    for axis in 0..<reducedDimension { axes[axis * queryDimension + axis] = 1 }
    return TokenReduction(
      setting: ReductionSetting(poolFactor: 2, dimension: reducedDimension),
      projection: TokenProjection(
        axes: axes, inputDimension: queryDimension, outputDimension: reducedDimension),
      recall: ReductionRecall(
        value: 0.9, lowerBound: 0.85, upperBound: 0.95, queryCount: 100, imageCount: 800))
  }

  private static func item(
    _ number: Int, _ dimension: Int, isPooled: Bool, _ generator: inout SeededGenerator
  ) throws -> (record: ItemRecord, tokens: TokenMatrix, pooled: [Float]?) {
    let count = 2 + number % 4
    let name = Array("/photos/\(number).jpg".utf8)
    // A path that is no text, and one that is longer than a key.
    let path: [UInt8] =
      switch number {
      case 4: [0x2F, 0xFF, 0x80] + name
      case 5: [0x2F] + [UInt8](repeating: 0x61, count: 600) + name
      default: name
      }
    var record = ItemRecord(
      kind: number == 6 ? .text : number == 7 ? .imported : .image, path: path,
      fileSize: UInt64(number) * 1_000, modificationTime: Int64(number) * 1_700_000_000_000_000)
    record.root = Array("/photos".utf8)
    record.contentHash = ContentHash(high: UInt64(number % 4), low: 5)
    (record.width, record.height) = (UInt32(count), 2)
    (record.format, record.dateTaken) = ("JPEG", "2024:06:0\(number) 10:00:00")
    record.encoderFingerprint = "tower \(number % 2)"
    if number % 2 == 1 {
      record.takenTime = Int64(number) * 1_000_000_007
      (record.camera, record.lens) = ("Seagull SO-1", "50 mm")
      record.place = ItemRecord.Place(latitude: -33.5, longitude: Double(number), altitude: 12.25)
      record.tags = Set(["sea", "number \(number)"].compactMap { ItemTag($0) })
    }
    record.tiles = [
      ImageTile(
        grid: PatchGrid(rowCount: 2, columnCount: count),
        region: PixelRegion(x: 0, y: 0, width: Double(count), height: 2))
    ]
    record.patchTokens = (0..<2 * count).map { UInt32($0 / 2) }
    let tokens = try TokenMatrix(
      normalizing: generator.floats(count * dimension), tokenCount: count, dimension: dimension)
    return (record, tokens, isPooled ? generator.floats(5) : nil)
  }

  /// What a search finds, by the reference formula; of codes only, less is known.
  private func search(for query: TokenMatrix) throws -> Search {
    let words = rows(query).map { Array($0.prefix(dimension)) }
    var found: [(id: UInt64, score: Double)] = []
    for item in items where item.unreadableReason == nil {
      let image = TokenMatrix(
        unchecked: item.tokens, tokenCount: item.tokens.count / dimension, dimension: dimension)
      found.append(
        (item.id, referenceMaxSim(text: words, image: rows(image), direction: .textToImage)))
    }
    found.sort { $0.score > $1.score }
    return Search(words: query.elements, ids: found.map(\.id), scores: found.map(\.score))
  }
}

extension FixtureContent.Item {
  init(_ record: ItemRecord, id: UInt64, tokens: TokenMatrix, pooled: [Float]?) {
    self.init(
      id: id, kind: record.kind.rawValue, path: record.path ?? [], root: record.root,
      fileSize: record.fileSize, modificationTime: record.modificationTime,
      contentHash: record.contentHash?.description, width: record.width, height: record.height,
      format: record.format, dateTaken: record.dateTaken, takenTime: record.takenTime,
      camera: record.camera, lens: record.lens,
      place: record.place.map { [$0.latitude, $0.longitude, $0.altitude ?? .nan] },
      tags: record.tags.sorted().map(\.text), patchTokens: record.patchTokens,
      fingerprint: record.encoderFingerprint, unreadableReason: nil,
      tokens: tokens.elements.map { Float(Float16($0)) },
      pooled: pooled?.map { Float(Float16($0)) })
  }

  /// An item whose file could not be read any more; its tags stay.
  init(unreadable record: ItemRecord, id: UInt64) {
    self.init(
      id: id, kind: 1, path: record.path ?? [], root: nil, fileSize: 1, modificationTime: 0,
      contentHash: nil, width: 0, height: 0, format: nil, dateTaken: nil,
      tags: record.tags.sorted().map(\.text), patchTokens: nil, fingerprint: nil,
      unreadableReason: "it ends early", tokens: [], pooled: nil)
  }
}
