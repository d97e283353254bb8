import ArgumentParser
import FilipQuery
import FilipStore
import SystemPackage

struct RemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Forget files or folders; the files themselves stay.",
    discussion: "Exit status: 0 when something was removed, 1 when nothing matched.")

  @Argument(help: ArgumentHelp("Files and folders to forget.", valueName: "path"))
  var paths: [String]

  @Flag(name: [.customShort("n"), .long], help: "Show what would be removed; write nothing.")
  var dryRun = false

  @OptionGroup(title: "Index") var indexOptions: IndexOptions
  @OptionGroup(title: "Index") var writing: WritingOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func run() async throws {
    let store = try await writing.waiting(messages: messages) {
      try indexOptions.open(dryRun ? .readOnly : .readWrite)
    }
    let scope = try paths.map(namedPath)
    // Imported items may bear a name that is no path.
    let names = Set(paths.map { argumentPath($0).bytes })
    var found: [ItemID] = []
    try store.read { snapshot in
      try snapshot.forEachItem { item in
        let path = FilePath(bytes: item.path ?? [])
        if names.contains(item.path ?? []) || scope.contains(where: { path.starts(with: $0) }) {
          found.append(item.id)
        }
      }
    }
    if !dryRun, !found.isEmpty {
      try store.write { writer in
        for id in found { try writer.remove(id) }
      }
    }
    if !messages.quiet {
      Messages.line(
        "\(dryRun ? "would remove" : "removed") \(countText(found.count)) from the index")
    }
    if found.isEmpty { throw ExitStatus.nothingFound.exit }
  }
}
