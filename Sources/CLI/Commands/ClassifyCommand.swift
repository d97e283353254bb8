public import ArgumentParser
import FilipEncoders
import FilipLateInteraction
public import FilipQuery
import SystemPackage

struct ClassifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classify",
    abstract: "Say which of some labels pictures show.",
    discussion: """
      Each label becomes a sentence, each sentence is scored against a picture by late interaction, \
      and a softmax over the labels makes probabilities of the scores. They say how the labels \
      compare, not whether any of them is right: a picture of none of them gets one all the same.

      Several sentences for a label (--prompts, --templates, --template more than once) are an \
      ensemble. --ensemble similarity takes the mean of their scores, as FILIP's paper does, softmax \
      the mean of their probabilities.

        filip classify --labels labels.txt *.jpg
        filip classify --labels pets.txt --prompts pets --direction i2t dog.jpg

      No index is needed. Piped, a line has path, probability and label, separated by tabs.

      Exit status: 0, or 2 when pictures could not be read and were left out.
      """)

  @Argument(help: ArgumentHelp("Image files.", valueName: "file"))
  var files: [String]

  @Option(help: ArgumentHelp("A file with the labels, one a line.", valueName: "file"))
  var labels: String

  @Option(
    name: [.short, .customLong("top")],
    help: ArgumentHelp("How many labels a picture. Default: 5.", valueName: "n"))
  var k = 5

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "A sentence with {} for the label; may be repeated. Default: \"a photo of a {}\".",
      valueName: "text"))
  var template: [String] = []

  @Option(help: ArgumentHelp("A file with such sentences, one a line.", valueName: "file"))
  var templates: String?

  @Option(
    help: ArgumentHelp(
      "The sentences that FILIP's paper uses for a data set: "
        + PromptTable.allCases.map(\.rawValue).joined(separator: ", ") + ".",
      discussion: "Best with --direction i2t: their other words count in the other direction.",
      valueName: "set"))
  var prompts: PromptTable?

  @Option(
    help: ArgumentHelp(
      "What is averaged over several sentences: similarity or softmax. Default: similarity.",
      valueName: "rule"))
  var ensemble: PromptEnsemble = .similarity

  @Option(
    help: ArgumentHelp(
      "Which side is averaged: t2i (words), i2t (patches, as in FILIP's paper) or mean. Default: "
        + "mean, which was best on the gallery.", valueName: "direction"))
  var direction: Direction = .mean

  @Flag(help: "Compare the model's pooled vectors instead of tokens.")
  var pooled = false

  @Option(
    help: ArgumentHelp(
      "What scores are multiplied with before the softmax.",
      discussion: "Default: what the checkpoint says (logit_scale), else 100. It changes "
        + "probabilities, and with --ensemble similarity never the order.", valueName: "x"))
  var scale: Double?

  @Flag(help: "Write one JSON document.")
  var json = false

  @OptionGroup(title: "Model") var modelOptions: ModelOptions
  @OptionGroup(title: "Engine") var computing: ComputeOptions
  @OptionGroup(title: "Engine") var decoding: DecodingOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  enum Direction: String, ExpressibleByArgument, CaseIterable {
    case t2i, i2t, mean

    var direction: ScoreDirection {
      switch self {
      case .t2i: .textToImage
      case .i2t: .imageToText
      case .mean: .mean
      }
    }
  }

  func validate() throws {
    if k < 1 { throw ValidationError("-k \(k): give 1 or more") }
    if let scale, !(scale > 0 && scale <= 1e6) {
      throw ValidationError("--scale: give a number above 0, up to 1000000")
    }
    let sources = [!template.isEmpty, templates != nil, prompts != nil]
    if sources.count(where: \.self) > 1 {
      throw ValidationError("give one of --template, --templates and --prompts")
    }
  }

  func run() throws {
    let labels = try Classifier.labels(in: argumentPath(labels))
    var settings = Classifier.Settings()
    settings.ensemble = ensemble
    settings.direction = direction.direction
    settings.usesPooledVectors = pooled
    if let templates {
      settings.templates = try PromptTemplate.templates(in: argumentPath(templates))
    } else if let prompts {
      settings.templates = prompts.templates
    } else if !template.isEmpty {
      settings.templates = try template.map { (text) throws(QueryError) in
        try PromptTemplate(text)
      }
    }
    let model = try IndexModel(
      for: nil, requested: modelOptions.model, fallback: environment("FILIP_MODEL"))
    messages.noteDomain(of: model)
    if let scale = try scale ?? model.directory.logitScale { settings.scale = scale }
    let pipeline = try computing.pipeline(of: model, limits: decoding.limits(threadCount: 1))
    let classifier = try Classifier(
      labels: labels, encoder: try computing.textEncoder(of: model), settings: settings)
    var pictures: [Picture] = []
    for file in files {
      do {
        let (_, encoded) = try pipeline.encode(contentsOf: argumentPath(file))
        let best = try classifier.classify(encoded).prefix(k)
        pictures.append(Picture(path: argumentPath(file), best: Array(best)))
      } catch {
        if error is EncoderError { throw error }
        Messages.note("left out: \(file): \(error)")
      }
    }
    try write(pictures, labels, settings, model)
    if pictures.count < files.count { throw ExitStatus.softProblems.exit }
  }

  private struct Picture {
    var path: FilePath
    var best: [Classifier.LabelScore]
  }

  // MARK: - Writing

  private func write(
    _ pictures: [Picture], _ labels: [String], _ settings: Classifier.Settings, _ model: IndexModel
  ) throws(OutputError) {
    var output = StandardOutput()
    // Paths stay as they were given.
    let paths = PathText(absolute: true)
    if json {
      output.write(document(pictures, labels, settings, model, paths).text + "\n")
    } else if StandardOutput.isTerminal {
      for picture in pictures {
        output.write(paths.line(picture.path.bytes) + "\n")
        for score in picture.best {
          output.write(
            "  \(decimal(score.probability, digits: 3))  \(labels[score.label])\n")
        }
      }
    } else {
      for picture in pictures {
        for score in picture.best {
          output.write(bytes: paths.field(picture.path.bytes))
          output.write("\t\(decimal(score.probability, digits: 4))\t")
          output.write(bytes: escapedField(Array(labels[score.label].utf8)) + [10])
        }
      }
    }
    try output.flush()
  }

  private func document(
    _ pictures: [Picture], _ labels: [String], _ settings: Classifier.Settings,
    _ model: IndexModel, _ paths: PathText
  ) -> JSONValue {
    let results = pictures.map { picture in
      var object = JSONObject()
      let path = paths.json(picture.path.bytes)
      _ = object.append(path.key, path.value)
      let best = picture.best.map { score in
        JSONValue.members([
          "label": .string(labels[score.label]), "probability": .double(score.probability),
          "score": .score(Float(score.score)),
        ])
      }
      _ = object.append("labels", .array(best))
      return JSONValue.object(object)
    }
    return .members([
      "schema": .string("filip.classify/1"),
      "model": .members([
        "id": .string(model.location.name), "fingerprint": .string(model.imageFingerprint),
      ]),
      "labels": .count(labels.count),
      "templates": .array(settings.templates.map { .string($0.text) }),
      "ensemble": .string(settings.ensemble.rawValue),
      "direction": .string(pooled ? "pooled" : direction.rawValue),
      "scale": .double(settings.scale),
      "results": .array(results),
    ])
  }
}

extension PromptTable: ExpressibleByArgument {}
extension PromptEnsemble: ExpressibleByArgument {}
