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

      The query. Words are joined by blanks and read as one sentence. Three signs say more:
        balloon^2       a word that counts twice: 0 to 1000, 0 is not scored
        "red balloon"   a phrase, its words are one part of the query
        \\^ \\" \\\\        the sign itself; --literal takes all signs so
      The shell takes quotes away, so write: filip search '"red balloon" dog^2'. The score is the mean \
      over the words' tokens, each counting as its weight says. For models whose parts are phrases \
      (CLIP, SigLIP), a word with a weight is a phrase of its own. Behind a whole --without text, a \
      weight says how hard it pushes: --without snow^2.

      Filters choose images before anything is scored: the hits are the best of those that pass.

      With --query-tokens the query is given as tokens that were computed elsewhere, or by filip \
      embed --text; no model is needed then, and none is in an index of imported tokens.

      Not found. How clearly a hit shows a word is measured against what images of this index \
      score for it. A word that no hit shows clearly is named on standard error, and the hits are \
      shown all the same: words that are there are now and then taken for missing. To leave hits out, \
      give --min-evidence or --min-score; what is right depends on model and index.

      Exit status: 0 when there are hits, 1 when there are none or all were left out.
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

  @Flag(
    help: ArgumentHelp(
      "Say what each word adds to a hit's score, and where it was found.",
      discussion: "For a person a table below each hit, in JSON members of its words (see filip "
        + "explain --help)."))
  var explain = false

  @Flag(
    help: ArgumentHelp(
      "Give for each word the box around what responds to it, x,y,w,h in pixels of the upright picture.",
      discussion: "In tsv a line for each hit and word: score, path, word, its score, box."))
  var boxes = false

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

  @Flag(
    help: ArgumentHelp(
      "Find parts of pictures: every hit is a box, and a picture may have several.",
      discussion:
        "Boxes of 1, 2, 3, 4, 6, 8, … patches' side, square or twice as long one way, and "
        + "the whole. For each word the best patch of a box and the mean of its patches count the "
        + "same. Boxes of one picture share less than half of the smaller one. Each is told as "
        + "x,y,w,h in pixels of the upright picture, as --image FILE --region takes it. The boxes of "
        + "the best 1 000 images are scored (with --candidates N, of N), and the answer says whether "
        + "it is exact all the same."))
  var regions = false

  @OptionGroup(title: "Query") var asking: AskingOptions
  @OptionGroup(title: "Filters") var filters: FilterOptions
  @OptionGroup(title: "Index and model") var indexOptions: IndexOptions
  @OptionGroup(title: "Index and model") var modelOptions: ModelOptions
  @OptionGroup(title: "Engine") var computing: ComputeOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var preview: PreviewOptions
  @OptionGroup(title: "Output") var messages: MessageOptions
  @OptionGroup(title: "Engine") var method: MethodOptions
  @OptionGroup(title: "Engine") var threads: ThreadOptions

  func validate() throws {
    try validateScorer()
    try validateSeeing()
    try validateRegions()
    if k < 1 { throw ValidationError("-k \(k): give 1 or more") }
    if queryTokens != nil {
      guard words.isEmpty else {
        throw ValidationError("give the query as words or with --query-tokens, not both")
      }
      if pooled { throw ValidationError("--pooled compares texts; leave out --query-tokens") }
      guard asking.isEmpty else {
        throw ValidationError("--query-tokens is the whole query; leave out words and pictures")
      }
      if let queryNumber, queryNumber < 0 {
        throw ValidationError("--query-number \(queryNumber): give 0 or more")
      }
      return
    }
    if queryNumber != nil { throw ValidationError("--query-number needs --query-tokens") }
    if words.allSatisfy(\.isBlank), asking.image == nil {
      throw ValidationError(
        "the query is empty; say what to look for: filip search \"small balloon\"")
    }
  }

  /// Whether hits are to be explained in any way.
  private var isExplained: Bool { explain || boxes || preview.isWanted || html != nil }

  /// How hits are written: to be read where somebody wants to see them.
  private var hitFormat: HitFormat {
    output.isFormatGiven || !(explain || preview.isWanted) ? output.hitFormat : .human
  }

  private func validateSeeing() throws {
    if pooled, explain || boxes || preview.isWanted {
      throw ValidationError(
        "--pooled compares whole images, so no word is found anywhere; leave it out")
    }
    if scorer != nil, explain {
      throw ValidationError("--explain explains the mean over words; leave out --scorer")
    }
    let format = hitFormat
    if explain, format == .tsv || format == .paths {
      throw ValidationError("--explain needs --format human, json or jsonl")
    }
    if boxes, format == .paths { throw ValidationError("--boxes has no place among paths only") }
    if preview.isWanted, format != .human {
      throw ValidationError("pictures are for people; leave out -p, or the other format")
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
    if asking.hasOperators(words.joined(separator: " ")) {
      throw ValidationError(
        "--scorer scores plain words: leave out weights, phrases, pictures, exclusions and limits")
    }
    if method.cascade {
      throw ValidationError("--scorer begins with an exact scan; drop --cascade")
    }
  }

  private func validateRegions() throws {
    guard regions else { return }
    let others = [
      ("--pooled", pooled), ("--scorer", scorer != nil), ("--html", html != nil),
      ("--cascade", method.cascade), ("--words", asking.combination != .mean),
      ("--without", !asking.without.isEmpty), ("--sub", !asking.subtract.isEmpty),
      ("--min-evidence", asking.minEvidence != nil), ("--explain", explain), ("--boxes", boxes),
      ("-p", preview.isWanted),
    ]
    if let other = others.first(where: \.1)?.0 {
      throw ValidationError(
        "--regions scores boxes by the mean over the words, and \(other) needs whole images; drop one "
          + "of them")
    }
  }

  func run() async throws {
    let store = try indexOptions.open(.readOnly)
    var parameters = SearchParameters()
    parameters.count = k
    parameters.filter = try filters.filter()
    parameters.usesPooledVectors = pooled
    parameters.explains = isExplained
    parameters.measuresEvidence =
      !pooled && ([.human, .json, .jsonl].contains(hitFormat) || html != nil)
    parameters.minimumScore = asking.minScore
    parameters.minimumEvidence = asking.minEvidence
    parameters.method = scorer == nil ? method.method : .exact
    parameters.threadCount = threads.count
    let answer: Answer
    if let queryTokens {
      answer = try await searchTokens(queryTokens, in: store, parameters)
    } else {
      answer = try await search(
        try asking.query(words.joined(separator: " ")), in: store, parameters)
    }

    if let html { try writeContactSheet(to: html, answer.query, answer.results) }
    let printer = HitPrinter(
      format: hitFormat, zeroTerminated: output.zeroTerminated, paths: output.paths,
      style: .automatic, detail: explain ? .explanation : boxes ? .boxes : .none,
      preview: preview.preview(messages), model: answer.model)
    try printer.print(answer.results, query: answer.query)
    if hitFormat == .human {
      messages.note(
        "\(answer.results.hits.count) of \(countText(answer.results.imageCount)) images, "
          + durationText(answer.results.duration)
          + (answer.results.reduction.isNone
            ? "" : "; reduced: \(reductionText(answer.results.reduction))"))
    }
    noteMissing(answer.results)
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

  /// Says which words no hit shows, and what was left out.
  private func noteMissing(_ results: SearchResults) {
    if results.omittedCount > 0 {
      messages.note(
        (results.hits.isEmpty ? "not found: " : "")
          + "\(results.omittedCount) of \(results.omittedCount + results.hits.count) images left out "
          + "by --min-score or --min-evidence")
    }
    if results.unplacedCount > 0 {
      messages.note(
        "\(countText(results.unplacedCount)) of the candidates have no boxes: texts, and tokens that "
          + "were imported without a grid")
    }
    for term in results.unclearTerms {
      messages.note(
        "not found: no hit shows \"\(results.terms[term].text)\" more clearly than images of this "
          + "index show it by chance")
    }
  }

  private func search(
    _ query: Query, in store: TokenStore, _ parameters: SearchParameters
  ) async throws -> Answer {
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
    let (needsText, needsImages) = query.needs
    let encoder = needsText ? try computing.textEncoder(of: model) : nil
    let images =
      needsImages && model.directory.hasVisionTower
      ? try computing.pipeline(of: model, limits: .scaledToMemory(threadCount: 1)) : nil
    let results: SearchResults
    if let rescorer = try rescorer(in: store, encoder) {
      results = try await rescorer.search(query.plainText, parameters: parameters)
    } else if regions {
      results = try await regionSearcher(in: store, encoder, images)
        .search(query, parameters: parameters)
    } else {
      let searcher = Searcher(store: store, encoder: encoder, images: images)
      results = try await searcher.search(query, parameters: parameters)
    }
    return Answer(results: results, query: query.description, model: model)
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
    } else if regions {
      results = try await regionSearcher(in: store, nil, nil)
        .search(tokens: tokens, parameters: parameters)
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

  private func regionSearcher(
    in store: TokenStore, _ encoder: TextEncoder?, _ images: ImagePipeline?
  ) -> RegionSearcher {
    var searcher = RegionSearcher(store: store, encoder: encoder, images: images)
    if let candidates = method.candidates { searcher.candidateCount = candidates }
    return searcher
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
