import ArgumentParser
import FilipEncoders
import FilipQuery

struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Look at models.", subcommands: [InspectCommand.self])

  struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "inspect",
      abstract: "Show what a checkpoint directory holds and how filip would use it.")

    @Argument(
      help: ArgumentHelp(
        "A checkpoint directory or the name of an installed model. Default: the bundled model.",
        valueName: "model"))
    var model: String?

    @Flag(help: "Write one JSON document.")
    var json = false

    func run() throws {
      let location = try ModelLocation(model ?? environment("FILIP_MODEL"))
      let summary = try ModelDirectory(path: location.path.string).summary
      var output = StandardOutput()
      if json {
        let members = summary.fields.map { ($0.name, JSONValue.string($0.value)) }
        var object = JSONObject()
        _ = object.append("schema", .string("filip.model/1"))
        _ = object.append("path", .string(location.path.string))
        for (name, value) in members { _ = object.append(name, value) }
        output.write(JSONValue.object(object).text + "\n")
      } else {
        let width = summary.fields.map(\.name.count).max() ?? 0
        output.write(
          "path" + String(repeating: " ", count: max(0, width - 4)) + "  \(location.path)\n")
        for field in summary.fields {
          let gap = String(repeating: " ", count: width - field.name.count)
          output.write("\(field.name)\(gap)  \(field.value)\n")
        }
      }
      try output.flush()
    }
  }
}
