import ArgumentParser
import FilipEncoders
import FilipLateInteraction
import FilipQuery
import SystemPackage

struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Look at models, and fetch them.",
    subcommands: [
      ListModelsCommand.self, InspectCommand.self, PullCommand.self, CheckModelCommand.self,
    ])

  struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "inspect",
      abstract: "Show what a checkpoint holds and how filip would use it.")

    @Argument(
      help: ArgumentHelp(
        "A checkpoint directory or weight file, org/name in the Hugging Face cache, or the name of "
          + "an installed model. Default: the bundled model.",
        valueName: "model"))
    var model: String?

    @Flag(help: "Write one JSON document.")
    var json = false

    func run() throws {
      let location = try ModelLocation(model ?? environment("FILIP_MODEL"))
      let summary = try ModelDirectory(path: location.path.string).summary
      let fields = Self.fields(of: summary)
      var output = StandardOutput()
      if json {
        var object = JSONObject()
        _ = object.append("schema", .string("filip.model/1"))
        for (name, value) in fields { _ = object.append(name, value) }
        output.write(JSONValue.object(object).text + "\n")
      } else {
        let width = fields.map(\.name.count).max() ?? 0
        for (name, value) in fields {
          let gap = String(repeating: " ", count: width - name.count)
          output.write("\(name)\(gap)  \(value.string ?? value.text)\n")
        }
      }
      try output.flush()
    }

    private static func fields(of summary: ModelSummary) -> [(name: String, value: JSONValue)] {
      var fields: [(name: String, value: JSONValue)] = [
        ("path", .string(summary.path)),
        ("family", .string(summary.family.rawValue)),
        ("dimension", .count(summary.dimension)),
      ]
      if let vision = summary.vision {
        fields += [
          ("image_size", .count(summary.imageSize)),
          ("grid", .string(grid(of: summary))),
          ("image_tower", .string(text(of: vision))),
        ]
      }
      fields += [
        ("text_tower", .string(text(of: summary.text))),
        ("text_tokens", .count(summary.textTokenLimit)),
        ("vocabulary", .count(summary.vocabularySize)),
      ]
      if let preprocessing = summary.preprocessing {
        fields += [
          ("resize", .string("\(preprocessing.resizing), \(preprocessing.filter)")),
          ("token_modes", .string(summary.tokenModes.map(\.rawValue).joined(separator: ", "))),
          ("token_mode", .string(summary.defaultTokenMode.rawValue)),
        ]
      }
      if let fingerprint = summary.imageFingerprint {
        fields.append(("image_fingerprint", .string(fingerprint)))
      }
      fields.append(("text_fingerprint", .string(summary.textFingerprint)))
      if let version = summary.version { fields.insert(("version", .string(version)), at: 2) }
      if let domain = summary.domain { fields.append(("knows", .string(domain))) }
      return fields
    }

    private static func grid(of summary: ModelSummary) -> String {
      summary.grid.map { "\($0.columnCount) × \($0.rowCount)" }
        ?? "as the image, up to \(summary.maximumPatchCount) patches"
    }

    private static func text(of tower: ModelSummary.Tower) -> String {
      let types = tower.elementTypes.map(\.name).joined(separator: ", ")
      let millions = decimal(Double(tower.parameterCount) / 1e6, digits: 2)
      return "\(tower.layerCount) × \(tower.width), \(tower.headCount) heads, "
        + "\(millions) M parameters, \(types)"
    }
  }
}
