import ArgumentParser
import FilipEncoders
import FilipQuery
import FilipStore
import SystemPackage

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show why an image has its score: what each word found, and where.",
    usage: "filip explain <query> ... <image> [<options>]",
    discussion: """
      The query is written as for filip search. IMAGE is a file, or the id of an image in the index. A \
      file that the index does not have, or not as it is now, is encoded then and there, as the index \
      would.

      For each word: its score (the mean over its tokens of the best patch), what it adds to the \
      image's score and its share of it, its evidence (deviations above what images of this index \
      score), and the region that responds: the box around the best patch and those joined to it, \
      corners included, that are nearer to the best similarity than to the least. Tokens that are no \
      word's, such as the sentence as a whole, are one line; what all lines add is the score. Boxes are \
      x,y,w,h in pixels of the upright picture, as --region takes them.

      --picture draws the image with its marks, a heat map for each word (one scale for all, so a word \
      that is nowhere stays dark), and FILIP's picture of the alignment: every patch with the number \
      of the word that is most similar to it.

      --json writes one document, schema filip.explain/1: query, model, image (id, path, width, \
      height), score, words (i, text, span, weight, score, contribution, share, region, evidence, \
      patch, box of the best patch, map), rest (tokens, contribution, share), without (as words), \
      tiles (grid: columns and rows; region), winners (for each patch the word), range (the scale of maps). \
      Contributions of words, rest and without add up to the score. map and winners have a value \
      for each patch, row by row, tile after tile.
      """)

  @Argument(
    help: ArgumentHelp(
      "What is looked for, and behind it the image.", valueName: "query> ... <image"))
  var arguments: [String] = []

  @Option(
    help: ArgumentHelp(
      "Draw heat maps and alignment into a file, PNG or JPEG by its name.", valueName: "file"))
  var picture: String?

  @Flag(help: "Write one JSON document.")
  var json = false

  @Flag(
    help: "Show absolute paths. Default: relative to the current folder where they are below it.")
  var absolute = false

  @OptionGroup(title: "Query") var asking: AskingOptions
  @OptionGroup(title: "Index and model") var indexOptions: IndexOptions
  @OptionGroup(title: "Index and model") var modelOptions: ModelOptions
  @OptionGroup(title: "Engine") var computing: ComputeOptions
  @OptionGroup(title: "Output") var preview: PreviewOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  /// The longest side of a picture in a file, in pixels.
  private static let fileSide = 320

  private var words: String { arguments.dropLast().joined(separator: " ") }

  func validate() throws {
    guard let image = arguments.last, !image.isBlank else {
      throw ValidationError(
        "say what is looked for, and in which image: filip explain \"small balloon\" photo.jpg")
    }
    if words.isBlank, asking.image == nil {
      throw ValidationError(
        "the query is empty; say what is looked for, and behind it the image: filip explain \"small "
          + "balloon\" \(image)")
    }
    if asking.minScore != nil || asking.minEvidence != nil {
      throw ValidationError(
        "--min-score and --min-evidence choose among hits, and this is one image; leave them out")
    }
    if json, preview.isWanted {
      throw ValidationError("--json writes no pictures; leave out -p, or use --picture FILE")
    }
    if let picture { _ = try PictureFile(picture) }
  }

  func run() throws {
    let file = try picture.map { try PictureFile($0) }
    let query = try asking.query(words)
    let store = try openIndex()
    let named = arguments[arguments.count - 1]
    let subject = try Explainer.Subject(named, path: namedPath(named), in: store)
    let model = try IndexModel(
      for: store, requested: modelOptions.model, fallback: environment("FILIP_MODEL"))
    messages.noteDomain(of: model)
    let explanation = try explain(query, subject, store, model)

    var output = StandardOutput()
    let paths = PathText(absolute: absolute)
    if json {
      let document = ExplanationJSON(
        explanation: explanation, query: query.description, model: model, paths: paths)
      output.write(document.document.text + "\n")
    } else {
      let item = explanation.item
      let size = item.width > 0 ? "  \(item.width) × \(item.height)" : ""
      let place = item.id == .unassigned ? "not in the index" : "id \(item.id.rawValue)"
      output.write("\(paths.line(item.path ?? []))\(size)  \(place)\n")
      let text = ExplanationText(explanation: explanation, style: .automatic)
      for line in text.lines { output.write(line + "\n") }
    }
    let preview = preview.preview(messages)
    if file != nil || preview != nil {
      let image = try originalPicture(of: explanation.item)
      if let preview {
        try show(explanation, image, query.description, preview, on: &output)
      }
      let sheet = ExplanationSheet(
        explanation, image, query: query.description, side: Self.fileSide)
      try file?.write(sheet.draw().image)
    }
    try output.flush()
  }

  /// The index, or `nil` where there is none and none was named.
  private func openIndex() throws -> TokenStore? {
    do throws(StoreError) {
      return try indexOptions.open(.readOnly)
    } catch {
      guard error.code == .notFound, indexOptions.directory == nil else { throw error }
      return nil
    }
  }

  private func explain(
    _ query: Query, _ subject: Explainer.Subject, _ store: TokenStore?, _ model: IndexModel
  ) throws -> Explanation {
    let needsText = query.needs.text
    var needsImages = query.needs.images
    if case .file = subject { needsImages = true }
    let explainer = Explainer(
      store: store, encoder: needsText ? try computing.textEncoder(of: model) : nil,
      images: needsImages && model.directory.hasVisionTower
        ? try computing.pipeline(of: model, limits: .scaledToMemory(threadCount: 1)) : nil)
    return try explainer.explain(query, subject)
  }

  /// The whole sheet where a terminal shows pixels; of blocks, which are too coarse for captions, a
  /// picture for each word.
  private func show(
    _ explanation: Explanation, _ image: DecodedImage, _ query: String,
    _ preview: TerminalPreview, on output: inout StandardOutput
  ) throws {
    guard preview.pictureProtocol == .blocks else {
      let sheet = ExplanationSheet(explanation, image, query: query, side: preview.pictureSide)
      output.write(try preview.text(of: sheet.draw().image))
      return
    }
    guard let range = explanation.range else { return }
    let picture = ExplanationPicture(explanation, image, side: preview.pictureSide)
    for part in explanation.parts {
      output.write("\n\(part.term.text) \(decimal(Double(part.match.score), digits: 2))\n")
      let map = picture.heatMap(of: part, scale: ColourScale(range))
      output.write(try preview.text(of: map.image))
    }
  }
}

/// A file for a picture; its name says which kind.
struct PictureFile {
  private enum Kind {
    case png, jpeg
  }

  private let name: String
  private let kind: Kind

  init(_ name: String) throws(ValidationError) {
    self.name = name
    switch FilePath(name).extension?.lowercased() {
    case "png": kind = .png
    case "jpg", "jpeg": kind = .jpeg
    default:
      throw ValidationError(
        "--picture \(name): give a name that ends in .png, .jpg or .jpeg; it says which kind")
    }
  }

  /// Makes or replaces the file.
  func write(_ image: DecodedImage) throws {
    let bytes = kind == .png ? try image.pngData() : try image.jpegData(quality: 92)
    do {
      try argumentPath(name).write(bytes)
    } catch {
      throw OutputError(description: "cannot write \(name): \(error)", status: .outputError)
    }
  }
}
