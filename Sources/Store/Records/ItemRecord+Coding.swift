import FilipLateInteraction

/// The bytes of an `ItemRecord`, version 3, little-endian.
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
///
/// Later programs may add fields. Those with a tag below 128 change what a record means: a program
/// that does not know them refuses it. Those from 128 on may be passed over; they are kept when the
/// record changes. From 192 on they belong to the user rather than to the file, and also stay when
/// another record is stored in the item's place.
enum ItemCodec {
  private static let version: UInt8 = 3
  /// Fields from this tag on may be unknown.
  private static let firstOptionalTag: UInt8 = 128
  /// Fields from this tag on stay with the item whatever is stored in its place.
  static let firstUserTag: UInt8 = 192

  private enum Tag: UInt8 {
    case path = 1
    case root = 2
    case contentHash = 3
    case format = 4
    case dateTaken = 5
    case tiles = 6
    case unreadableReason = 7
    case patchTokens = 8
    case takenTime = 9
    case camera = 10
    case lens = 11
    case place = 12
    case document = 130
    case tokenSpans = 131
    case tags = 192
  }

  /// The bytes of `item`, whose encoder has the number `fingerprint`.
  static func encode(_ item: ItemRecord, fingerprint: UInt32) -> [UInt8] {
    let known: [(Tag, [UInt8]?)] = [
      (.path, item.path), (.root, item.root), (.contentHash, item.contentHash?.bytes),
      (.format, item.format.map { Array($0.utf8) }),
      (.dateTaken, item.dateTaken.map { Array($0.utf8) }),
      (.tiles, item.tiles.isEmpty ? nil : encode(item.tiles)),
      (.unreadableReason, item.unreadableReason.map { Array($0.utf8) }),
      // An item that lost its tokens has no map of them.
      (.patchTokens, item.tokenCount > 0 ? item.patchTokens.map(PatchTokenCodec.encode) : nil),
      (.takenTime, item.takenTime.map(encode)),
      (.camera, item.camera.map { Array($0.utf8) }), (.lens, item.lens.map { Array($0.utf8) }),
      (.place, item.place.map(encode)), (.document, item.document),
      (.tokenSpans, item.tokenSpans.isEmpty ? nil : encode(item.tokenSpans)),
      (.tags, item.tags.isEmpty ? nil : encode(item.tags)),
    ]
    let fields =
      (known.compactMap { tag, bytes in bytes.map { (tag.rawValue, $0) } }
      + item.laterFields.map { ($0, $1) }).sorted { $0.0 < $1.0 }
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
      writer.append(tag)
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
      guard number > previous else { throw .impossible(.tag) }
      previous = number
      let bytes = Array(try reader.take(Int(try reader.integer(UInt32.self))))
      guard let tag = Tag(rawValue: number) else {
        guard number >= firstOptionalTag else { throw .newerField(number) }
        item.laterFields[number] = bytes
        continue
      }
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
      case .takenTime: item.takenTime = try decodeTime(bytes)
      case .camera: item.camera = try text(bytes)
      case .lens: item.lens = try text(bytes)
      case .place: item.place = try decodePlace(bytes)
      case .document: item.document = bytes
      case .tokenSpans: item.tokenSpans = try decodeSpans(bytes)
      case .tags: item.tags = try decodeTags(bytes)
      }
    }
  }

  private static func text(_ bytes: [UInt8]) throws(Damage) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .impossible(.text) }
    return text
  }
}

// MARK: - Time, place and tags

extension ItemCodec {
  private static func encode(_ time: Int64) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(time)
    return writer.bytes
  }

  private static func decodeTime(_ bytes: [UInt8]) throws(Damage) -> Int64 {
    var reader = ByteReader(bytes, count: bytes.count)
    let time: Int64 = try reader.integer()
    guard reader.remainingCount == 0 else { throw .trailingBytes }
    return time
  }

  /// Latitude, longitude and altitude; an unknown altitude is not a number.
  private static func encode(_ place: ItemRecord.Place) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(place.latitude)
    writer.append(place.longitude)
    writer.append(place.altitude ?? .nan)
    return writer.bytes
  }

  private static func decodePlace(_ bytes: [UInt8]) throws(Damage) -> ItemRecord.Place {
    var reader = ByteReader(bytes, count: bytes.count)
    let (latitude, longitude) = (try reader.double(), try reader.double())
    let altitude = try reader.double()
    guard reader.remainingCount == 0 else { throw .trailingBytes }
    guard (-90...90).contains(latitude), (-180...180).contains(longitude) else {
      throw .impossible(.place)
    }
    return ItemRecord.Place(
      latitude: latitude, longitude: longitude, altitude: altitude.isNaN ? nil : altitude)
  }

  /// Each a length of one byte and UTF-8, ascending.
  private static func encode(_ tags: Set<ItemTag>) -> [UInt8] {
    var writer = ByteWriter()
    for tag in tags.sorted() {
      writer.append(UInt8(tag.text.utf8.count))
      writer.append(contentsOf: Array(tag.text.utf8))
    }
    return writer.bytes
  }

  private static func decodeTags(_ bytes: [UInt8]) throws(Damage) -> Set<ItemTag> {
    var reader = ByteReader(bytes, count: bytes.count)
    var tags: Set<ItemTag> = []
    var previous: ItemTag?
    while reader.remainingCount > 0 {
      let count: UInt8 = try reader.integer()
      guard let tag = ItemTag(stored: try reader.take(Int(count))),
        previous.map({ $0 < tag }) ?? true
      else { throw .impossible(.tags) }
      tags.insert(tag)
      previous = tag
    }
    return tags
  }
}

// MARK: - Spans

extension ItemCodec {
  /// Start and end, u32 each; a start behind its end stands for none.
  private static func encode(_ spans: [Range<Int>?]) -> [UInt8] {
    var writer = ByteWriter()
    for span in spans {
      writer.append(UInt32(clamping: span?.lowerBound ?? 1))
      writer.append(UInt32(clamping: span?.upperBound ?? 0))
    }
    return writer.bytes
  }

  private static func decodeSpans(_ bytes: [UInt8]) throws(Damage) -> [Range<Int>?] {
    guard bytes.count.isMultiple(of: 8) else { throw .impossible(.spans) }
    var reader = ByteReader(bytes, count: bytes.count)
    var spans: [Range<Int>?] = []
    spans.reserveCapacity(bytes.count / 8)
    while reader.remainingCount > 0 {
      let (start, end): (UInt32, UInt32) = (try reader.integer(), try reader.integer())
      spans.append(start <= end ? Int(start)..<Int(end) : nil)
    }
    return spans
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
