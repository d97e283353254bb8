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
      mean over the words (FILIP's text-to-image score). The search is exact: it proves that no \
      image of the index is better than the last hit. Only an index of many gigabytes that was \
      prepared for it is searched through a screen, and the answer says so with its recall.

      Filters choose images before anything is scored: the hits are the best of those that pass.

      With --query-tokens the query is given as tokens that were computed elsewhere, or by filip \
      embed --text; no model is needed then, and none is in an index of imported tokens.

      Exit status: 0 when something was found, 1 when nothing was.
      """)

  @Argument(help: ArgumentHelp("What to look for.", valueName: "query"))
  var words: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file with the query's tokens instead: .safetensors, or .npy (words, d) or "
        + "(queries, words, d).", valueName: "file"))
  var queryTokens: String?

  @Option(
    help: ArgumentHelp("Which of the file's queries, counted from 0. Default: 0.", valueName: "n"))
  var queryNumber: Int?

  @Option(
    name: [.short, .customLong("top")], help: ArgumentHelp("How many images.", valueName: "n"))
  var k = 10

  @Option(
    help: ArgumentHelp(
      "Write a page with the pictures and the matching patches marked.", valueName: "file"))
  var html: String?

  @Flag(help: "Compare the model's pooled vectors instead of tokens (the single-vector baseline).")
  var pooled = false

  @Option(
    help: ArgumentHelp(
      "How images are scored: NAME or NAME:parameter=value,…. Default: filip.",
      discussion: ScorerSpecification.help
        + ". The best 1 000 images of the exact scan are scored so (with --candidates N, N); the "
        + "answer is exact where that proves it, as it always does for filip, colbert and global.",
      valueName: "scorer"))
  var scorer: String?

  @OptionGroup(title: "Filters") var filters: FilterOptions
  @OptionGroup(title: "Index and model") var indexOptions: IndexOptions
  @OptionGroup(title: "Index and model") var modelOptions: ModelOptions
  @OptionGroup(title: "Engine") var computing: ComputeOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var messages: MessageOptions
  @OptionGroup(title: "Engine") var method: MethodOptions
  @OptionGroup(title: "Engine") var threads: ThreadOptions

  func validate() throws {
    try validateScorer()
    if k < 1 { throw ValidationError("-k \(k): give 1 or more") }
    if queryTokens != nil {
      guard words.isEmpty else {
        throw ValidationError("give the query as words or with --query-tokens, not both")
      }
      if pooled { throw ValidationError("--pooled compares texts; leave out --query-tokens") }
      if let queryNumber, queryNumber < 0 {
        throw ValidationError("--query-number \(queryNumber): give 0 or more")
      }
      return
    }
    if queryNumber != nil { throw ValidationError("--query-number needs --query-tokens") }
    if words.allSatisfy(\.isBlank) {
      throw ValidationError(
        "the query is empty; say what to look for: filip search \"small balloon\"")
    }
  }

  private func validateScorer() throws {
    guard let scorer else { return }
    let specification: ScorerSpecification
    do throws(ScorerError) {
      specification = try ScorerSpecification(parsing: scorer)
    } catch {
      throw ValidationError("--scorer: \(error)")
    }
    if specification.fitsWeight {
      throw ValidationError(
        "--scorer \(scorer): a weight is fitted to a labelled set by filip eval; give a number")
    }
    if pooled { throw ValidationError("--pooled is --scorer global; give one of them") }
    if method.cascade {
      throw ValidationError("--scorer begins with an exact scan; drop --cascade")
    }
  }

  func run() async throws {
    let store = try indexOptions.open(.readOnly)
    var parameters = SearchParameters()
    parameters.count = k
    parameters.filter = try filters.filter()
    parameters.usesPooledVectors = pooled
    parameters.includesPatchMaps = html != nil
    parameters.method = scorer == nil ? method.method : .exact
    parameters.threadCount = threads.count
    let answer: Answer
    if let queryTokens {
      answer = try await searchTokens(queryTokens, in: store, parameters)
    } else {
      answer = try await searchText(in: store, parameters)
    }

    if let html { try writeContactSheet(to: html, answer.query, answer.results) }
    let printer = HitPrinter(
      format: output.hitFormat, zeroTerminated: output.zeroTerminated, paths: output.paths,
      style: .automatic, model: answer.model)
    try printer.print(answer.results, query: answer.query)
    if output.hitFormat == .human {
      messages.note(
        "\(answer.results.hits.count) of \(countText(answer.results.imageCount)) images, "
          + durationText(answer.results.duration)
          + (answer.results.reduction.isNone
            ? "" : "; reduced: \(reductionText(answer.results.reduction))"))
    }
    if answer.results.hits.isEmpty, answer.results.scannedCount == 0, !parameters.filter.isEmpty {
      messages.note(
        "none of the \(countText(answer.results.imageCount)) images passes the filters; loosen them, "
          + "or see what there is with filip list")
    }
    if answer.results.hits.isEmpty { throw ExitStatus.nothingFound.exit }
  }

  private struct Answer {
    var results: SearchResults
    /// The query as it is shown.
    var query: String
    /// The model that encoded it, if one did.
    var model: IndexModel?
  }

  private func searchText(
    in store: TokenStore, _ parameters: SearchParameters
  ) async throws -> Answer {
    let query = words.joined(separator: " ")
    let model = try IndexModel(
      for: store, requested: modelOptions.model, fallback: environment("FILIP_MODEL"))
    messages.noteDomain(of: model)
    if let fingerprint = try ImportedOrigin.fingerprint(of: store),
      fingerprint != model.imageFingerprint
    {
      messages.note(
        "the index's tokens were imported as \(fingerprint); that \(model.label) made them is "
          + "taken on trust")
    }
    let encoder = try computing.textEncoder(of: model)
    let searcher = Searcher(store: store, encoder: encoder)
    let results: SearchResults
    if let rescorer = try rescorer(in: store, encoder) {
      results = try await rescorer.search(query, parameters: parameters)
    } else {
      results = try await searcher.search(query, parameters: parameters)
    }
    return Answer(results: results, query: query, model: model)
  }

  private func searchTokens(
    _ file: String, in store: TokenStore, _ parameters: SearchParameters
  ) async throws -> Answer {
    let queries = try QueryTokensFile(argumentPath(file))
    let number = queryNumber ?? 0
    let tokens = try queries.tokens(of: number)
    if queryNumber == nil, queries.count > 1 {
      messages.note("the first of \(queries.count) queries; choose another with --query-number")
    }
    let results: SearchResults
    if let rescorer = try rescorer(in: store, nil) {
      results = try await rescorer.search(tokens: tokens, parameters: parameters)
    } else {
      let searcher = Searcher(store: store, encoder: nil)
      results = try await searcher.search(tokens: tokens, parameters: parameters)
    }
    return Answer(results: results, query: try queries.name(of: number))
  }

  /// What searches by the scorer that is asked for; `nil` without one.
  private func rescorer(in store: TokenStore, _ encoder: TextEncoder?) throws -> Rescorer? {
    guard let scorer else { return nil }
    var rescorer = try Rescorer(
      store: store, encoder: encoder, scorer: try ScorerSpecification(parsing: scorer))
    if let candidates = method.candidates { rescorer.candidateCount = candidates }
    return rescorer
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
