import ArgumentParser
import FilipEncoders
import FilipLateInteraction
import FilipQuery
import FilipStore
import SystemPackage

struct SearchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Find images by what their parts show.",
    discussion: """
      For each word of the query the best patch of every image is found; an image's score is the \
      mean over the words (FILIP's text-to-image score). The search is exact: every image of the \
      index is scored.

      Exit status: 0 when something was found, 1 when nothing was.
      """)

  @Argument(help: ArgumentHelp("What to look for.", valueName: "query"))
  var words: [String]

  @Option(
    name: [.short, .customLong("top")], help: ArgumentHelp("How many images.", valueName: "n"))
  var k = 10

  @Option(
    name: .customLong("in"), parsing: .singleValue,
    help: ArgumentHelp("Only images at or below this path; may be repeated.", valueName: "path"))
  var scope: [String] = []

  @Option(
    help: ArgumentHelp(
      "Write a page with the pictures and the matching patches marked.", valueName: "file"))
  var html: String?

  @Flag(help: "Compare the model's pooled vectors instead of tokens (the single-vector baseline).")
  var pooled = false

  @OptionGroup(title: "Index and model") var indexOptions: IndexOptions
  @OptionGroup(title: "Index and model") var modelOptions: ModelOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var messages: MessageOptions
  @OptionGroup(title: "Engine") var threads: ThreadOptions

  func validate() throws {
    if k < 1 { throw ValidationError("-k \(k): give 1 or more") }
    if words.allSatisfy(\.isBlank) {
      throw ValidationError(
        "the query is empty; say what to look for: filip search \"small balloon\"")
    }
  }

  func run() async throws {
    let query = words.joined(separator: " ")
    let store = try TokenStore.open(at: indexOptions.path, mode: .readOnly)
    let model = try IndexModel(
      for: store, requested: modelOptions.model, fallback: environment("FILIP_MODEL"))
    messages.noteDomain(of: model)

    var parameters = SearchParameters()
    parameters.count = k
    parameters.scope = try scope.map(namedPath)
    parameters.usesPooledVectors = pooled
    parameters.includesPatchMaps = html != nil
    parameters.threadCount = threads.count
    let encoder = try TextEncoder(model: model.directory)
    let searcher = Searcher(store: store, encoder: encoder)
    let results = try await searcher.search(query, parameters: parameters)

    if let html { try writeContactSheet(to: html, query, results) }
    let printer = HitPrinter(
      format: output.hitFormat, zeroTerminated: output.zeroTerminated, paths: output.paths,
      style: .automatic, model: model)
    try printer.print(results, query: query)
    if output.hitFormat == .human {
      messages.note(
        "\(results.hits.count) of \(countText(results.imageCount)) images, "
          + durationText(results.duration)
          + (results.reduction.isNone ? "" : "; reduced: \(reductionText(results.reduction))"))
    }
    if results.hits.isEmpty { throw ExitStatus.nothingFound.exit }
  }

  private func writeContactSheet(
    to file: String, _ query: String, _ results: SearchResults
  ) throws {
    let sheet = ContactSheet(
      query: query, results: results, paths: output.paths,
      decoder: ImageDecoder(limits: .scaledToMemory(threadCount: 1)))
    do {
      try argumentPath(file).write(Array(sheet.html().utf8))
    } catch {
      throw OutputError(description: "cannot write \(file): \(error)", status: .outputError)
    }
  }
}

extension String {
  /// Whether there is nothing but white space.
  var isBlank: Bool { allSatisfy(\.isWhitespace) }
}
