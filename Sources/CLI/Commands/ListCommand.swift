import ArgumentParser
import FilipEncoders
import FilipQuery
import FilipStore
import SystemPackage

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the images of the index, or the files it could not read.",
    discussion: "Exit status: 0 when something was listed, 1 when nothing was.")

  @Flag(help: "Files that could not be read, with the reason.")
  var failed = false

  @Flag(help: "Images whose file is gone, or has another size or time than when it was indexed.")
  var stale = false

  @OptionGroup(title: "Filters") var filters: FilterOptions
  @OptionGroup(title: "Index") var indexOptions: IndexOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func validate() throws {
    if failed, stale {
      throw ValidationError("--failed and --stale list different files; choose one")
    }
  }

  func run() throws {
    let store = try indexOptions.open(.readOnly)
    let filter = try filters.filter()
    var items: [ItemRecord] = []
    var itemCount = 0
    try store.read { snapshot in
      func take(_ item: ItemRecord) {
        if (item.unreadableReason != nil) == failed, !stale || item.isStale { items.append(item) }
      }
      itemCount = try snapshot.itemCount
      if let passing = try filter.items(in: snapshot) {
        try passing.forEach { id in
          if let item = try snapshot.item(id) { take(item) }
        }
      } else {
        try snapshot.forEachItem(take)
      }
    }
    try write(items)
    if items.isEmpty, !filter.isEmpty {
      messages.note("none of the \(countText(itemCount)) files of the index passes the filters")
    }
    if items.isEmpty { throw ExitStatus.nothingFound.exit }
  }

  private func write(_ items: [ItemRecord]) throws {
    var standardOutput = StandardOutput()
    let paths = output.paths
    let terminator: [UInt8] = output.zeroTerminated ? [0] : [UInt8(ascii: "\n")]
    switch output.hitFormat {
    case .human:
      for item in items {
        let reason = item.unreadableReason.map { ": \($0)" } ?? ""
        standardOutput.write(paths.line(item.path ?? []) + reason + "\n")
      }
    case .tsv:
      for item in items {
        standardOutput.write(bytes: paths.field(item.path ?? []))
        if let reason = item.unreadableReason {
          standardOutput.write(bytes: Array("\t".utf8) + escapedField(Array(reason.utf8)))
        }
        standardOutput.write("\n")
      }
    case .paths:
      for item in items {
        standardOutput.write(bytes: paths.bytes(item.path ?? []) + terminator)
      }
    case .json:
      let document = JSONValue.members([
        "schema": .string("filip.list/1"), "items": .array(items.map { json($0, paths) }),
      ])
      standardOutput.write(document.text + "\n")
    case .jsonl:
      for item in items { standardOutput.write(json(item, paths).text + "\n") }
    }
    try standardOutput.flush()
  }

  private func json(_ item: ItemRecord, _ paths: PathText) -> JSONValue {
    let path = paths.json(item.path ?? [])
    let isReadable = item.unreadableReason == nil
    var object = JSONObject()
    _ = object.append("id", .integer(Int64(item.id.rawValue)))
    _ = object.append(path.key, path.value)
    _ = object.append("size", .integer(Int64(item.fileSize)))
    if isReadable {
      _ = object.append("width", .count(Int(item.width)))
      _ = object.append("height", .count(Int(item.height)))
      _ = object.append("format", item.format.map(JSONValue.string) ?? .null)
      _ = object.append("tokens", .count(item.tokenCount))
    }
    object.appendDescription(of: item)
    if let hash = item.contentHash { _ = object.append("hash", .string("\(hash)")) }
    if let reason = item.unreadableReason { _ = object.append("reason", .string(reason)) }
    return .object(object)
  }
}
