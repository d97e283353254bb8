import FilipEncoders
import FilipLateInteraction
import FilipStore
import SystemPackage

/// What a line beside imported tokens says about one item, such as
/// `{"path": "photos/a.jpg"}`, `{"text": "a red balloon"}` or `{"id": 17}`.
///
/// `filip embed` writes such lines, and `filip export` fuller ones (`ExportedItem`). Of other
/// programs' lines, only these three keys are needed, and the first of them that is there names the
/// item.
struct ImportedItem: Equatable {
  /// The item's name: an absolute path, a text, or an id; `nil` for an item without one.
  var name: [UInt8]?
  /// `.text` for a text, else `.imported`.
  var kind = ItemRecord.Kind.imported
  /// Pixels of the upright picture; zero when unknown.
  var width = 0
  var height = 0
  /// How the tokens lie in the picture; empty when that was not said.
  var tiles: [ImageTile] = []
  /// For each patch its token, where tokens were merged.
  var patchTokens: [UInt32]?
  /// Whether it has a pooled vector, if the file has such.
  var hasPooled = true
  /// What an index knew of the file.
  var file = FileFacts()

  /// What an index knows of a file besides its picture.
  struct FileFacts: Equatable {
    var root: [UInt8]?
    var size: UInt64 = 0
    var modificationTime: Int64 = 0
    var indexedTime: Int64 = 0
    var contentHash: ContentHash?
    var format: String?
    var dateTaken: String?
    var takenTime: Int64?
    var camera: String?
    var lens: String?
    var place: ItemRecord.Place?
    var tags: Set<ItemTag> = []
    /// The line that a text came from, and the bytes of the text that each token stands for.
    var document: [UInt8]?
    var tokenSpans: [Range<Int>?] = []
  }

  /// An item of which nothing is known.
  init() {}

  /// Reads one line. Relative paths are those of the current folder.
  /// - Throws: what is wrong with it, in a few words.
  init(line: [UInt8]) throws(Problem) {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: line)
    } catch {
      throw Problem(text: "\(error)")
    }
    guard value.object != nil else { throw Problem(text: "it is no JSON object") }
    if let path = Self.path(value, "path") {
      name = path
    } else if let text = value["text"]?.string, !text.isEmpty {
      name = Array(text.utf8)
      kind = .text
    } else if let id = value["id"]?.string, !id.isEmpty {
      name = Array(id.utf8)
    } else if let id = value["id"]?.integer {
      name = Array("\(id)".utf8)
    }
    guard name?.contains(0) != true, value["path"]?.string?.utf8.contains(0) != true else {
      throw Problem(text: "the name holds a zero byte")
    }
    width = value["width"].flatMap(Self.pixelCount) ?? 0
    height = value["height"].flatMap(Self.pixelCount) ?? 0
    tiles = Self.tiles(value["grid"], value["regions"])
    if let patches = value["patches"]?.array {
      let tokens = patches.compactMap { $0.integer.flatMap { UInt32(exactly: $0) } }
      patchTokens = tokens.count == patches.count ? tokens : nil
    }
    hasPooled = value["pooled"]?.bool ?? true
    if let named = ExportedItem.kinds.first(where: { $0.name == value["kind"]?.string }) {
      kind = named.kind
    }
    file = FileFacts(value)
  }

  /// A path under `key`, or its bytes in base64 under a key that says so.
  fileprivate static func path(_ value: JSONValue, _ key: String) -> [UInt8]? {
    if let path = value[key]?.string, !path.isEmpty { return FilePath(path).absolute().bytes }
    guard let encoded = value[key + "_bytes"]?.string, let path = bytes(base64: encoded),
      !path.isEmpty
    else { return nil }
    return path
  }

  /// What is wrong with a line.
  struct Problem: Error { var text: String }

  private static func pixelCount(_ value: JSONValue) -> Int? {
    value.integer.flatMap { UInt32(exactly: $0) }.map { Int($0) }
  }

  /// Tiles from `[[columns, rows], …]` and `[[x, y, width, height], …]`; none unless both are sound.
  private static func tiles(_ grids: JSONValue?, _ regions: JSONValue?) -> [ImageTile] {
    guard let grids = grids?.array, let regions = regions?.array, grids.count == regions.count
    else { return [] }
    var tiles: [ImageTile] = []
    for (grid, region) in zip(grids, regions) {
      guard let extents = grid.array?.map({ $0.integer.flatMap { UInt16(exactly: $0) } }),
        let place = region.array?.map(\.double), extents.count == 2, place.count == 4,
        let columns = extents[0], let rows = extents[1], columns > 0, rows > 0,
        let x = place[0], let y = place[1], let width = place[2], let height = place[3],
        [x, y, width, height].allSatisfy(\.isFinite)
      else { return [] }
      tiles.append(
        ImageTile(
          grid: PatchGrid(rowCount: Int(rows), columnCount: Int(columns)),
          region: PixelRegion(x: x, y: y, width: width, height: height)))
    }
    return tiles
  }

  /// The item's record, less the encoder; `name` is the one it is stored under.
  func record(name: [UInt8], tokenCount: Int) -> ItemRecord {
    var record = ItemRecord(kind: kind, path: name)
    record.width = UInt32(width)
    record.height = UInt32(height)
    record.root = file.root
    record.fileSize = file.size
    record.modificationTime = file.modificationTime
    record.indexedTime = file.indexedTime
    record.contentHash = file.contentHash
    record.format = file.format
    record.dateTaken = file.dateTaken
    record.takenTime = file.takenTime
    record.camera = file.camera
    record.lens = file.lens
    record.place = file.place
    record.tags = file.tags
    record.document = file.document
    record.tokenSpans = file.tokenSpans
    let patchCount = patchTokens?.count ?? tokenCount
    let isMapSound = patchTokens?.allSatisfy { $0 < tokenCount } ?? true
    if isMapSound, tiles.reduce(0, { $0 + $1.grid.patchCount }) == patchCount {
      record.tiles = tiles
      record.patchTokens = patchTokens
    }
    return record
  }
}

extension ImportedItem.FileFacts {
  /// What a line says, as far as it can be.
  fileprivate init(_ value: JSONValue) {
    root = ImportedItem.path(value, "root")
    size = value["size"]?.integer.flatMap { UInt64(exactly: $0) } ?? 0
    modificationTime = value["modified"]?.integer ?? 0
    indexedTime = value["indexed"]?.integer ?? 0
    contentHash = value["hash"]?.string.flatMap(ContentHash.init(hexadecimal:))
    format = value["format"]?.string
    dateTaken = value["taken"]?.string
    takenTime = value["taken_time"]?.integer
    camera = value["camera"]?.string
    lens = value["lens"]?.string
    place = value["place"].flatMap(Self.place)
    tags = Set((value["tags"]?.array ?? []).compactMap { $0.string.flatMap { ItemTag($0) } })
    document = value["document"]?.string.map { Array($0.utf8) }
    tokenSpans = (value["spans"]?.array ?? []).map(Self.span)
  }

  private static func span(_ value: JSONValue) -> Range<Int>? {
    let ends = (value.array ?? []).compactMap { $0.integer.flatMap { UInt32(exactly: $0) } }
    return ends.count == 2 && ends[0] <= ends[1] ? Int(ends[0])..<Int(ends[1]) : nil
  }

  private static func place(_ value: JSONValue) -> ItemRecord.Place? {
    guard let latitude = value["latitude"]?.double, let longitude = value["longitude"]?.double,
      abs(latitude) <= 90, abs(longitude) <= 180
    else { return nil }
    let altitude = value["altitude"]?.double.flatMap { $0.isFinite ? $0 : nil }
    return ItemRecord.Place(latitude: latitude, longitude: longitude, altitude: altitude)
  }
}

extension ContentHash {
  /// The hash that `description` spells.
  fileprivate init?(hexadecimal text: String) {
    guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
      let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(high: high, low: low)
  }
}

/// The lines beside imported tokens, one for each item.
struct ImportedItems {
  private let path: FilePath
  private let lines: LineReader
  private var number = 0

  /// Opens the file of lines.
  /// - Throws: `QueryError`.
  init(_ path: FilePath) throws(QueryError) {
    self.path = path
    lines = try LineReader(path)
  }

  /// The next item, or `nil` behind the last.
  /// - Throws: `QueryError` that names the line.
  mutating func next() throws(QueryError) -> ImportedItem? {
    guard let line = try lines.next() else { return nil }
    number += 1
    do throws(ImportedItem.Problem) {
      return try ImportedItem(line: line)
    } catch {
      throw QueryError(.unreadable, "\(path), line \(number): \(error.text)")
    }
  }

  /// Reads all lines and demands one for each of `itemCount` items.
  static func check(_ path: FilePath, itemCount: Int) throws(QueryError) {
    var items = try ImportedItems(path)
    while try items.next() != nil {}
    guard items.number == itemCount else {
      throw QueryError(
        .unreadable,
        "\(path) has \(items.number) lines, but there are \(itemCount) items; write one line for "
          + "each")
    }
  }
}
