import ArgumentParser
import FilipEncoders
import FilipQuery
import FilipStore
import SystemPackage

struct TagCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tag", abstract: "Give images words of your own, and find them by those.",
    discussion: """
      Tags belong to an image of the index: they stay when its file changes, moves or is encoded \
      again, and go when it leaves the index. Files are not touched.

        filip tag add holiday,sea ~/Pictures/2024
        filip search boat --tag holiday --tag '!work'
      """,
    subcommands: [Add.self, Remove.self, List.self])

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Give tags to images.",
      discussion: "Exit status: 0 when an image was named that is in the index, else 1.")

    @OptionGroup var selection: TaggingOptions

    func run() async throws {
      try await selection.run("tagged") { writer, id, tags in try writer.tag(id, adding: tags) }
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take tags away from images.",
      discussion: "Exit status: 0 when an image was named that is in the index, else 1.")

    @OptionGroup var selection: TaggingOptions

    func run() async throws {
      try await selection.run("untagged") { writer, id, tags in try writer.tag(id, removing: tags) }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List all tags, with the number of their images.",
      discussion: "Exit status: 0 when there is a tag, else 1.")

    @Flag(help: "Write one JSON document.")
    var json = false

    @OptionGroup(title: "Index") var indexOptions: IndexOptions

    func run() throws {
      let store = try indexOptions.open(.readOnly)
      let counts = try store.read { try $0.tagCounts() }
      var output = StandardOutput()
      if json {
        let rows = counts.map { count in
          JSONValue.members([
            "tag": .string(count.tag.text), "images": .count(count.itemCount),
          ])
        }
        let document = JSONValue.members([
          "schema": .string("filip.tags/1"), "tags": .array(rows),
        ])
        output.write(document.text + "\n")
      } else {
        for count in counts { output.write("\(count.itemCount)\t\(count.tag)\n") }
      }
      try output.flush()
      if counts.isEmpty { throw ExitStatus.nothingFound.exit }
    }
  }
}

/// Which tags, of which images.
struct TaggingOptions: ParsableArguments {
  /// Images whose tags change in one commit.
  private static let commitSize = 4_096

  @Argument(help: ArgumentHelp("One tag, or several with commas between.", valueName: "words"))
  var words: String

  @Argument(help: ArgumentHelp("Images, and folders for all images in them.", valueName: "path"))
  var paths: [String]

  @OptionGroup(title: "Index") var indexOptions: IndexOptions
  @OptionGroup(title: "Index") var writing: WritingOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func validate() throws { _ = try tags() }

  private func tags() throws -> Set<ItemTag> {
    Set(
      try words.split(separator: ",", omittingEmptySubsequences: false).map { word in
        try itemTag(String(word))
      })
  }

  /// Changes the tags of every image that is named, and says how many that were.
  func run(
    _ verb: String, _ change: (inout Writer, ItemID, Set<ItemTag>) throws -> Bool
  ) async throws {
    let tags = try tags()
    let store = try await writing.waiting(messages: messages) { try indexOptions.open(.readWrite) }
    let found = try items(in: store)
    var changedCount = 0
    for start in stride(from: 0, to: found.count, by: Self.commitSize) {
      let batch = found[start..<min(start + Self.commitSize, found.count)]
      changedCount += try store.write { writer in
        var changedCount = 0
        // An image may have gone since it was looked up.
        for id in batch where try writer.item(id) != nil {
          if try change(&writer, id, tags) { changedCount += 1 }
        }
        return changedCount
      }
    }
    if !messages.quiet {
      Messages.line(
        "\(verb) \(countText(changedCount)) of \(countText(found.count)) images: "
          + tags.sorted().map(\.text).joined(separator: ", "))
    }
    if found.isEmpty { throw ExitStatus.nothingFound.exit }
  }

  /// The images that the paths name, in the order of ids.
  private func items(in store: TokenStore) throws -> [ItemID] {
    var found: Set<ItemID> = []
    for text in paths {
      var filter = SearchFilter()
      // Imported items may bear a name that is no path.
      filter.paths = [try namedPath(text), argumentPath(text)]
      let ids = try store.read { snapshot in
        var ids: [ItemID] = []
        try filter.items(in: snapshot)?.forEach { ids.append($0) }
        return ids
      }
      if ids.isEmpty {
        messages.note("\(text): no image of the index; see filip list, or add it with filip index")
      }
      found.formUnion(ids)
    }
    return found.sorted()
  }
}
