import ArgumentParser
import FilipEncoders
import FilipQuery
import SystemPackage

struct ListModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the models that are on this machine.",
    discussion: """
      These are the installed ones and those in the cache of the Hugging Face hub \
      (HF_HUB_CACHE, HF_HOME). --model takes the names; it takes paths of other folders too.
      """)

  @Flag(help: "Write one JSON document.")
  var json = false

  func run() throws {
    let models = ListedModel.all()
    var output = StandardOutput()
    if json {
      var object = JSONObject()
      _ = object.append("schema", .string("filip.models/1"))
      _ = object.append("models", .array(models.map(Self.json)))
      output.write(JSONValue.object(object).text + "\n")
    } else {
      let width = models.map(\.name.count).max() ?? 0
      for model in models {
        let gap = String(repeating: " ", count: width - model.name.count)
        let family =
          switch model.family {
          case .success(let family): family.rawValue
          case .failure(let error): "not usable: \(error)"
          }
        output.write("\(model.name)\(gap)  \(byteText(Int64(model.byteCount)))  \(family)\n")
      }
    }
    try output.flush()
  }

  private static func json(_ model: ListedModel) -> JSONValue {
    var object = JSONObject()
    _ = object.append("name", .string(model.name))
    _ = object.append("path", .string(model.path.string))
    _ = object.append("bytes", .count(Int(model.byteCount)))
    switch model.family {
    case .success(let family): _ = object.append("family", .string(family.rawValue))
    case .failure(let error): _ = object.append("error", .string("\(error)"))
    }
    return .object(object)
  }
}
