import FilipEncoders
import FilipLateInteraction
import FilipStore
import SystemPackage

/// What a line beside imported tokens says about one item, such as
/// `{"path": "photos/a.jpg"}`, `{"text": "a red balloon"}` or `{"id": 17}`.
///
/// `filip embed` writes such lines. Of other programs' lines, only these three keys are needed, and
/// the first of them that is there names the item.
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
    if let path = value["path"]?.string, !path.isEmpty {
      name = Array(FilePath(path).absolute().bytes)
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
    if tiles.reduce(0, { $0 + $1.grid.patchCount }) == tokenCount { record.tiles = tiles }
    return record
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
