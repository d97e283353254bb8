import FilipLateInteraction

/// The bytes of an `ItemRecord`, version 2, little-endian.
///
/// | bytes | meaning |
/// | --- | --- |
/// | 1 | version |
/// | 1 | kind |
/// | 4 | number of the encoder's fingerprint; 0 for none |
/// | 8 | file size |
/// | 8 | modification time |
/// | 8 | indexed time |
/// | 4 + 4 | width, height |
/// | 4 | token count |
/// | 1 | number of fields that follow |
/// | 1 + 4 + n each | tag, length, bytes; tags ascend |
/// | 4 | CRC-32 of everything before |
///
/// The id is the key and is not repeated.
enum ItemCodec {
  private static let version: UInt8 = 2

  private enum Tag: UInt8 {
    case path = 1
    case root = 2
    case contentHash = 3
    case format = 4
    case dateTaken = 5
    case tiles = 6
    case unreadableReason = 7
    case patchTokens = 8
  }

  /// The bytes of `item`, whose encoder has the number `fingerprint`.
  static func encode(_ item: ItemRecord, fingerprint: UInt32) -> [UInt8] {
    let candidates: [(Tag, [UInt8]?)] = [
      (.path, item.path), (.root, item.root), (.contentHash, item.contentHash?.bytes),
      (.format, item.format.map { Array($0.utf8) }),
      (.dateTaken, item.dateTaken.map { Array($0.utf8) }),
      (.tiles, item.tiles.isEmpty ? nil : encode(item.tiles)),
      (.unreadableReason, item.unreadableReason.map { Array($0.utf8) }),
      // An item that lost its tokens has no map of them.
      (.patchTokens, item.tokenCount > 0 ? item.patchTokens.map(PatchTokenCodec.encode) : nil),
    ]
    let fields = candidates.compactMap { tag, bytes in bytes.map { (tag, $0) } }
    var writer = ByteWriter()
    writer.append(version)
    writer.append(item.kind.rawValue)
    writer.append(fingerprint)
    writer.append(item.fileSize)
    writer.append(item.modificationTime)
    writer.append(item.indexedTime)
    writer.append(item.width)
    writer.append(item.height)
    writer.append(UInt32(item.tokenCount))
    writer.append(UInt8(fields.count))
    for (tag, bytes) in fields {
      writer.append(tag.rawValue)
      writer.append(UInt32(bytes.count))
      writer.append(contentsOf: bytes)
    }
    writer.append(Checksum.crc32(writer.bytes.span, count: writer.bytes.count))
    return writer.bytes
  }

  /// The item behind `bytes`; `fingerprints` are the encoders by their numbers.
  static func decode(
    _ bytes: [UInt8], id: ItemID, fingerprints: [UInt32: String]
  ) throws(Damage) -> ItemRecord {
    var reader = try checkedReader(bytes)
    guard let kind = ItemRecord.Kind(rawValue: try reader.integer()) else {
      throw .impossible(.kind)
    }
    var item = ItemRecord(kind: kind, path: nil)
    item.id = id
    let fingerprint: UInt32 = try reader.integer()
    if fingerprint != 0 {
      guard let text = fingerprints[fingerprint] else { throw .impossible(.fingerprint) }
      item.encoderFingerprint = text
    }
    item.fileSize = try reader.integer()
    item.modificationTime = try reader.integer()
    item.indexedTime = try reader.integer()
    item.width = try reader.integer()
    item.height = try reader.integer()
    item.tokenCount = Int(try reader.integer(UInt32.self))
    try decodeFields(&reader, into: &item)
    guard reader.remainingCount == 0 else { throw .trailingBytes }
    return item
  }

  /// A reader behind the version, of bytes whose version and checksum are right.
  private static func checkedReader(_ bytes: [UInt8]) throws(Damage) -> ByteReader {
    let count = bytes.count - 4
    guard count > 0 else { throw .endsEarly }
    var ending = ByteReader(Array(bytes[count...]), count: 4)
    // The version is looked at first: a later one may end in another checksum.
    guard bytes[0] == version else {
      if bytes[0] > version { throw .newerVersion(bytes[0]) }
      throw .impossible(.version)
    }
    guard Checksum.crc32(bytes.span, count: count) == (try ending.integer(UInt32.self)) else {
      throw .checksum
    }
    var reader = ByteReader(bytes, count: count)
    _ = try reader.take(1)
    return reader
  }

  private static func decodeFields(
    _ reader: inout ByteReader, into item: inout ItemRecord
  ) throws(Damage) {
    var previous: UInt8 = 0
    for _ in 0..<(try reader.integer(UInt8.self)) {
      let number: UInt8 = try reader.integer()
      guard number > previous, let tag = Tag(rawValue: number) else { throw .impossible(.tag) }
      previous = number
      let bytes = Array(try reader.take(Int(try reader.integer(UInt32.self))))
      switch tag {
      case .path: item.path = bytes
      case .root: item.root = bytes
      case .contentHash:
        guard let hash = ContentHash(bytes: bytes) else { throw .impossible(.contentHash) }
        item.contentHash = hash
      case .format: item.format = try text(bytes)
      case .dateTaken: item.dateTaken = try text(bytes)
      case .tiles: item.tiles = try decodeTiles(bytes)
      case .unreadableReason: item.unreadableReason = try text(bytes)
      case .patchTokens:
        item.patchTokens = try PatchTokenCodec.decode(bytes, tokenCount: item.tokenCount)
      }
    }
  }

  private static func text(_ bytes: [UInt8]) throws(Damage) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .impossible(.text) }
    return text
  }
}

// MARK: - Tiles

extension ItemCodec {
  private static let tileByteCount = 4 + 4 + 4 * 8

  private static func encode(_ tiles: [ImageTile]) -> [UInt8] {
    var writer = ByteWriter()
    for tile in tiles {
      writer.append(UInt32(tile.grid.rowCount))
      writer.append(UInt32(tile.grid.columnCount))
      writer.append(tile.region.x)
      writer.append(tile.region.y)
      writer.append(tile.region.width)
      writer.append(tile.region.height)
    }
    return writer.bytes
  }

  private static func decodeTiles(_ bytes: [UInt8]) throws(Damage) -> [ImageTile] {
    guard bytes.count.isMultiple(of: tileByteCount) else { throw .impossible(.tiles) }
    var reader = ByteReader(bytes, count: bytes.count)
    var tiles: [ImageTile] = []
    tiles.reserveCapacity(bytes.count / tileByteCount)
    while reader.remainingCount > 0 {
      let rowCount: UInt32 = try reader.integer()
      let columnCount: UInt32 = try reader.integer()
      // More patches than can be counted would stop the program, as would none in a row.
      let sides = 1...UInt32(UInt16.max)
      guard sides.contains(rowCount), sides.contains(columnCount) else {
        throw .impossible(.tiles)
      }
      let region = PixelRegion(
        x: try reader.double(), y: try reader.double(), width: try reader.double(),
        height: try reader.double())
      tiles.append(
        ImageTile(
          grid: PatchGrid(rowCount: Int(rowCount), columnCount: Int(columnCount)), region: region))
    }
    return tiles
  }
}
