import ArgumentParser
import FilipEncoders
import FilipQuery
import SystemPackage

struct CheckModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Load a model, encode with it, and see whether its patches answer to words.",
    discussion: """
      Where parity.safetensors lies beside the weights (Training/fixtures writes such files with the \
      reference implementation), the vectors are compared with it.

      With --labels, pictures and texts of a labelled set are encoded in every token mode: how often \
      does a picture that a text is true of score above one that it is not? 0.5 is chance; pooled \
      vectors are shown beside the modes, with 95 % intervals (bootstrap over the texts). Where the \
      set has boxes: how often the best patch lies on the object, and how often a random one would.

      The forms of sets are those of filip eval; names are looked for in --images.

      Exit status: 0 when everything could be encoded, and what could be compared agrees within 1e-3.
      """)

  @Argument(
    help: ArgumentHelp(
      "A checkpoint directory or weight file, org/name in the Hugging Face cache, or the name of an "
        + "installed model. Default: the bundled model.", valueName: "model"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "A set of captioned or boxed pictures, such as Examples/gallery.", valueName: "set"))
  var labels: String?

  @Option(
    help: ArgumentHelp(
      "Where the set's pictures lie. Default: the set's folder.", valueName: "dir"))
  var images: String?

  @Option(help: ArgumentHelp("How many pictures, at most. Default: 100.", valueName: "n"))
  var count = 100

  @Flag(help: "Write one JSON document.")
  var json = false

  @OptionGroup(title: "Output") var messages: MessageOptions

  func validate() throws {
    if count < 2 { throw ValidationError("--count \(count): give 2 or more") }
    if images != nil, labels == nil { throw ValidationError("--images needs --labels") }
  }

  func run() throws {
    let location = try ModelLocation(model ?? environment("FILIP_MODEL"))
    let directory = try ModelDirectory(path: location.path.string)
    let smoke = try ModelSmokeTest(directory)
    let parity = try ParityCheck(directory)
    var check: ModelCheck?
    if let labels {
      let path = argumentPath(labels)
      let set = try LabelledSet.read(path)
      let isFolder = (try? FileStatus(of: path.resolved()).kind) == .directory
      let folder = images.map(argumentPath) ?? (isFolder ? path : path.removingLastComponent())
      let reporter = ProgressReporter(isQuiet: messages.quiet, unit: "pictures")
      check = try ModelCheck(directory, on: set, in: folder, limit: count) {
        var progress = IndexProgress()
        (progress.finishedCount, progress.foundCount) = ($0, $1)
        progress.isWalkFinished = true
        reporter.show(progress)
      }
      reporter.finish()
    }
    var output = StandardOutput()
    output.write(
      json
        ? Self.document(location, smoke, parity, check).text + "\n"
        : Self.lines(location, smoke, parity, check).joined(separator: "\n") + "\n")
    try output.flush()
    let worst = parity?.differences.map(\.largest).max() ?? 0
    if worst > Self.tolerance { throw ExitStatus.softProblems.exit }
  }

  /// Larger differences are no rounding.
  private static let tolerance: Float = 1e-3

  // MARK: - Text

  private static func lines(
    _ location: ModelLocation, _ smoke: ModelSmokeTest, _ parity: ParityCheck?, _ check: ModelCheck?
  ) -> [String] {
    var lines = [
      "\(location.name): loads; \(smoke.description)"
    ]
    if let parity {
      for difference in parity.differences {
        lines.append(
          "\(difference.name) differs from parity.safetensors by at most \(difference.largest)")
      }
    } else {
      lines.append("no parity.safetensors beside the weights to compare with")
    }
    guard let check else { return lines }
    lines.append(
      "\(check.imageCount) pictures, \(check.textCount) texts"
        + (check.unreadableCount > 0 ? "; \(check.unreadableCount) pictures not readable" : ""))
    lines.append("vectors       true above false    best patch on the object (by chance)")
    for response in check.responses {
      var line = response.name.padded(to: 14) + estimate(response.rightShare).padded(to: 20)
      if let pointing = response.pointing, let chance = response.pointingByChance {
        line += "\(estimate(pointing)) (\(decimal(chance, digits: 2)))"
      }
      lines.append(line)
    }
    return lines
  }

  private static func estimate(_ value: MeanEstimate) -> String {
    "\(decimal(value.mean, digits: 3)) ± \(decimal(value.reach, digits: 3))"
  }

  // MARK: - JSON

  private static func document(
    _ location: ModelLocation, _ smoke: ModelSmokeTest, _ parity: ParityCheck?, _ check: ModelCheck?
  ) -> JSONValue {
    func json(_ value: MeanEstimate) -> JSONValue {
      var object = JSONObject()
      _ = object.append("mean", .double(value.mean))
      _ = object.append(
        "interval",
        .array([.double(value.interval.lowerBound), .double(value.interval.upperBound)]))
      _ = object.append("n", .count(value.count))
      return .object(object)
    }
    var document = JSONObject()
    _ = document.append("schema", .string("filip.model-check/1"))
    _ = document.append("model", .string(location.name))
    _ = document.append("loads", .string(smoke.description))
    if let parity {
      _ = document.append(
        "parity",
        .array(
          parity.differences.map { difference in
            var object = JSONObject()
            _ = object.append("tensor", .string(difference.name))
            _ = object.append("largest_difference", .double(Double(difference.largest)))
            return .object(object)
          }))
    }
    if let check {
      _ = document.append("pictures", .count(check.imageCount))
      _ = document.append("texts", .count(check.textCount))
      _ = document.append(
        "responses",
        .array(
          check.responses.map { response in
            var object = JSONObject()
            _ = object.append("vectors", .string(response.name))
            _ = object.append("right_share", json(response.rightShare))
            if let pointing = response.pointing, let chance = response.pointingByChance {
              _ = object.append("pointing", json(pointing))
              _ = object.append("pointing_by_chance", .double(chance))
            }
            return .object(object)
          }))
    }
    return .object(document)
  }
}

extension ModelCheck.Response {
  fileprivate var name: String { mode?.rawValue ?? "pooled" }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }
}
