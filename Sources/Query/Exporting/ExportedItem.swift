import FilipEncoders
import FilipLateInteraction
import FilipStore
import SystemPackage

/// The line beside exported tokens that says everything else an index knows of an item.
///
/// | key | meaning |
/// | --- | --- |
/// | `path`, `path_bytes`, `text` or `id` | the name: a path, the same in base64 where it is not UTF-8 or not plain, a text, or another program's id |
/// | `kind` | `image`, `text` or `imported` |
/// | `filip_id` | the id in the index it came from; another index gives its own |
/// | `root` or `root_bytes` | the folder that was being indexed |
/// | `size`, `modified`, `indexed` | bytes; nanoseconds since 1970 |
/// | `hash`, `format`, `taken` | of the file |
/// | `taken_time` | nanoseconds since 1970 |
/// | `camera`, `lens`, `place` | of the picture; a place has `latitude`, `longitude` and perhaps `altitude` |
/// | `tags` | the user's words |
/// | `width`, `height` | pixels of the upright picture |
/// | `grid`, `regions` | for each tile `[columns, rows]` and `[x, y, width, height]` |
/// | `patches` | for each patch its token, where tokens were merged |
/// | `document` | of a text, the line that it came from |
/// | `spans` | for each token of a text the bytes `[start, end]` that it stands for, or `null` |
/// | `pooled` | `false` for an item without a pooled vector among others that have one |
enum ExportedItem {
  /// The line of an item.
  static func line(_ item: ItemRecord, hasPooled: Bool) -> JSONValue {
    let name = name(of: item)
    let root = item.root.map { path($0, "root") }
    var object = JSONObject()
    func add(_ key: String, _ value: JSONValue?) {
      if let value { _ = object.append(key, value) }
    }
    add(name.key, name.value)
    add("kind", .string(kinds.first { $0.kind == item.kind }?.name ?? ""))
    add("filip_id", .integer(Int64(clamping: item.id.rawValue)))
    if let root { add(root.key, root.value) }
    add("size", .integer(Int64(clamping: item.fileSize)))
    add("modified", .integer(item.modificationTime))
    add("indexed", .integer(item.indexedTime))
    add("hash", item.contentHash.map { .string("\($0)") })
    add("format", item.format.map(JSONValue.string))
    add("taken", item.dateTaken.map(JSONValue.string))
    add("taken_time", item.takenTime.map(JSONValue.integer))
    add("camera", item.camera.map(JSONValue.string))
    add("lens", item.lens.map(JSONValue.string))
    add(
      "place",
      item.place.map { place in
        .members([
          "latitude": .double(place.latitude), "longitude": .double(place.longitude),
          "altitude": place.altitude.map(JSONValue.double),
        ])
      })
    add("tags", item.tags.isEmpty ? nil : .array(item.tags.sorted().map { .string($0.text) }))
    add("width", .count(Int(item.width)))
    add("height", .count(Int(item.height)))
    add(
      "grid",
      .array(item.tiles.map { .array([.count($0.grid.columnCount), .count($0.grid.rowCount)]) }))
    add(
      "regions",
      .array(
        item.tiles.map {
          .array(
            [$0.region.x, $0.region.y, $0.region.width, $0.region.height].map(JSONValue.double))
        }))
    add("patches", item.patchTokens.map { .array($0.map { .count(Int($0)) }) })
    add(
      "document",
      item.document.flatMap { String(validating: $0, as: UTF8.self) }.map(JSONValue.string))
    add(
      "spans",
      item.tokenSpans.isEmpty
        ? nil
        : .array(
          item.tokenSpans.map { span in
            span.map { .array([.count($0.lowerBound), .count($0.upperBound)]) } ?? .null
          }))
    if !hasPooled { add("pooled", .bool(false)) }
    return .object(object)
  }

  /// The kinds of items and what lines call them.
  static let kinds: [(kind: ItemRecord.Kind, name: String)] = [
    (.image, "image"), (.text, "text"), (.imported, "imported"),
  ]

  private static func name(of item: ItemRecord) -> (key: String, value: JSONValue) {
    let bytes = item.path ?? []
    let text = String(validating: bytes, as: UTF8.self)
    if item.kind == .text, let text { return ("text", .string(text)) }
    if item.kind == .imported, bytes.first != UInt8(ascii: "/"), let text {
      return ("id", .string(text))
    }
    return path(bytes, "path")
  }

  /// A path as text where the text leads to the same bytes, else its bytes in base64.
  private static func path(_ bytes: [UInt8], _ key: String) -> (key: String, value: JSONValue) {
    if let text = String(validating: bytes, as: UTF8.self), FilePath(text).absolute().bytes == bytes
    {
      return (key, .string(text))
    }
    return (key + "_bytes", .string(base64(bytes)))
  }
}
