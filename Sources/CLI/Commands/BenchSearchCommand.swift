import ArgumentParser
import FilipEncoders
import FilipLateInteraction
import FilipQuery
import FilipStore
import SystemPackage

struct BenchSearchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Measure latency, throughput, recall and memory of searches.",
    discussion: """
      Queries are timed from their tokens to the ids of the hits: encoding the text and printing \
      are left out. Without --queries and --query-tokens, each query is made of tokens of one image \
      of the index with some noise. Recall compares the hits with an exhaustive search in double \
      precision over the tokens that the index keeps.

      --synthetic makes an index of drawn tokens (20 000 concepts, Zipf 0.8) and asks it queries of \
      concepts and function words; see SyntheticCorpus.swift for the definition.
      """)

  @Option(
    help: ArgumentHelp(
      "Draw an index: images=5000,tokens=196,dimension=256,seed=1, each with its default.",
      valueName: "spec"))
  var synthetic: SyntheticOption?

  @Option(
    help: ArgumentHelp(
      "Where the drawn index is kept and looked for; it may grow. Default: a temporary folder.",
      valueName: "dir"))
  var keep: String?

  @Option(help: ArgumentHelp("A file with a text query in each line.", valueName: "file"))
  var queries: String?

  @Option(help: ArgumentHelp("A file with the tokens of queries.", valueName: "file"))
  var queryTokens: String?

  @Option(
    help: ArgumentHelp("Words of every query that is drawn. Default: 8.", valueName: "n"))
  var words = 8

  @Option(help: ArgumentHelp("How many queries. Default: 100.", valueName: "n"))
  var queriesCount = 100

  @Option(
    help: ArgumentHelp(
      "Also ask so many queries at the same time, each with all threads. Default: none.",
      valueName: "n"))
  var atOnce: Int?

  @Option(help: ArgumentHelp("Queries before time is taken. Default: 3.", valueName: "n"))
  var warmUp = 3

  @Option(
    name: [.short, .customLong("top")], help: ArgumentHelp("How many hits.", valueName: "n"))
  var k = 10

  @Option(
    help: ArgumentHelp(
      "Queries whose recall is measured; 0 for none. Default: 20.", valueName: "n"))
  var recallQueries = 20

  @Option(
    help: ArgumentHelp(
      "Write the index's tokens, the queries and their exact hits as NumPy arrays, for other "
        + "engines.", valueName: "dir"))
  var exportPeers: String?

  @Flag(help: "Write one JSON document.")
  var json = false

  @OptionGroup(title: "Index and model") var indexOptions: IndexOptions
  @OptionGroup(title: "Index and model") var modelOptions: ModelOptions
  @OptionGroup(title: "Engine") var computing: ComputeOptions
  @OptionGroup(title: "Index and model") var layout: LayoutOptions
  @OptionGroup(title: "Engine") var method: MethodOptions
  @OptionGroup(title: "Engine") var threads: ThreadOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func validate() throws {
    for (name, value, least) in [
      ("--words", words, 1), ("--queries-count", queriesCount, 1), ("--warm-up", warmUp, 0),
      ("-k", k, 1), ("--recall-queries", recallQueries, 0),
    ] where value < least {
      throw ValidationError("\(name) \(value): give \(least) or more")
    }
    if let atOnce, atOnce < 1 { throw ValidationError("--at-once \(atOnce): give 1 or more") }
    if queries != nil, queryTokens != nil {
      throw ValidationError("give --queries or --query-tokens, not both")
    }
    if keep != nil, synthetic == nil { throw ValidationError("--keep needs --synthetic") }
    if synthetic != nil, indexOptions.directory != nil {
      throw ValidationError("--synthetic makes its own index; leave out --index")
    }
  }

  func run() async throws {
    let memoryBefore = MachineProbe.anonymousByteCount
    let temporary = try synthetic != nil && keep == nil ? TemporaryFolder() : nil
    // The folder lives as long as the index is used.
    defer { withExtendedLifetime(temporary) {} }
    let corpus = synthetic.map { SyntheticCorpus($0.parameters) }
    var built: BenchReport.Build?
    let path = keep ?? temporary?.path.appending("index").string ?? indexOptions.path
    if let corpus { built = try await fill(path, with: corpus) }

    let store = try TokenStore.open(
      at: path, mode: .readOnly, options: indexOptions.storeOptions)
    let (source, queries) = try queries(for: store, corpus)
    let index = try BenchReport.Index(store)
    let engine = engine(for: store)
    let benchmark = SearchBenchmark(
      engine: engine, queries: queries, count: k, warmUpCount: warmUp)
    var report = BenchReport(
      engine: engine.name, index: index, source: source, benchmark: benchmark, built: built)
    report.memoryBefore = memoryBefore
    note("timing \(countText(queries.count)) queries")
    report.runs.append(try await benchmark.timeOneAtATime(threadCount: 1))
    if threads.count > 1 {
      report.runs.append(try await benchmark.timeOneAtATime(threadCount: threads.count))
      report.runs.append(try await benchmark.timeConcurrently(threads.count))
    }
    if let atOnce {
      report.runs.append(
        try await benchmark.timeConcurrently(atOnce, threadCount: threads.count))
    }
    report.memoryAfter = MachineProbe.anonymousByteCount
    try await compare(benchmark, store, &report)
    for count in Set([1, threads.count]).sorted() {
      report.ceilings.append(
        BenchReport.Ceiling(
          threadCount: count,
          bytesPerSecond: await MachineProbe.readBandwidth(threadCount: count),
          productsPerSecond: await MachineProbe.multiplyPeak(threadCount: count)))
    }
    var output = StandardOutput()
    output.write(json ? report.document.text + "\n" : report.lines.joined(separator: "\n") + "\n")
    try output.flush()
  }

  /// The engine that is measured; the one place that knows it.
  private func engine(for store: TokenStore) -> BenchmarkEngine {
    let searcher = Searcher(store: store, encoder: nil)
    let method = method.method
    let name =
      switch method {
      case .automatic: "filip"
      case .exact: "filip, exact"
      case .cascade(let count?): "filip, cascade, \(count) candidates"
      case .cascade(nil): "filip, cascade"
      }
    return BenchmarkEngine(name: name) { query, count, threadCount in
      var parameters = SearchParameters()
      parameters.count = count
      parameters.method = method
      parameters.threadCount = threadCount
      let results = try await searcher.search(tokens: query, parameters: parameters)
      return BenchmarkEngine.Answer(
        ids: results.hits.map(\.item.id), readByteCount: results.proof.readByteCount,
        productCount: results.proof.productCount, refinedCount: results.proof.refinedCount)
    }
  }

  // MARK: - Index and queries

  private func fill(
    _ path: String, with corpus: SyntheticCorpus
  ) async throws -> BenchReport.Build? {
    let store = try TokenStore.open(
      at: path, mode: .create, program: "filip \(filipVersion)", layout: layout.layout,
      options: indexOptions.storeOptions)
    let reporter = ProgressReporter(isQuiet: messages.quiet, unit: "images")
    let started = ContinuousClock.now
    let threadCount = threads.count
    let addedCount = try await SyntheticIndex.fill(
      store, with: corpus, threadCount: threadCount
    ) { reporter.show($0) }
    reporter.finish()
    let filled = ContinuousClock.now
    if case .cascade = method.method {
      var cascade = CascadeOptions()
      cascade.cascade = true
      try await cascade.run(
        on: store, encoder: nil, threadCount: threadCount, messages: messages)
    }
    guard addedCount > 0 else { return nil }
    return BenchReport.Build(imageCount: addedCount, seconds: (filled - started) / .seconds(1))
  }

  private func queries(
    for store: TokenStore, _ corpus: SyntheticCorpus?
  ) throws -> (source: String, [TokenMatrix]) {
    if let file = queries {
      let model = try IndexModel(
        for: store, requested: modelOptions.model, fallback: environment("FILIP_MODEL"))
      let encoder = try computing.textEncoder(of: model)
      let text = String(decoding: try argumentPath(file).read(), as: UTF8.self)
      let lines = text.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.isBlank }
      guard !lines.isEmpty else { throw QueryError(.unreadable, "\(file): no queries in it") }
      return (
        "texts of \(file)", try repeated(lines.map { try encoder.encode($0).tokens })
      )
    }
    if let file = queryTokens {
      let tokens = try QueryTokensFile(argumentPath(file))
      guard tokens.count > 0 else { throw QueryError(.unreadable, "\(file): no queries in it") }
      let count = min(queriesCount, tokens.count)
      return ("tokens of \(file)", try repeated((0..<count).map { try tokens.tokens(of: $0) }))
    }
    if let corpus {
      return (
        "concepts and function words of \(synthetic?.text ?? "")",
        (0..<queriesCount).map { corpus.query($0, wordCount: words).tokens }
      )
    }
    let drawn = try store.read { snapshot in
      try IndexQueries.draw(queriesCount, wordCounts: words...words, from: snapshot)
    }
    guard !drawn.isEmpty else {
      throw QueryError(.notFound, "the index at \(store.path) has no images to draw queries from")
    }
    return ("tokens of the index with noise", drawn)
  }

  /// As many queries as asked for: the first ones, or all and again from the start.
  private func repeated(_ queries: [TokenMatrix]) -> [TokenMatrix] {
    (0..<queriesCount).map { queries[$0 % queries.count] }
  }

  // MARK: - Recall and export

  private func compare(
    _ benchmark: SearchBenchmark, _ store: TokenStore, _ report: inout BenchReport
  ) async throws {
    let count = exportPeers == nil ? min(recallQueries, queriesCount) : queriesCount
    guard count > 0 else { return }
    if store.layout.originals == .none {
      note("the index keeps no originals: recall is relative to its codes")
    }
    note("exhaustive search for \(countText(count)) queries")
    let started = ContinuousClock.now
    let exact = try await ExhaustiveSearch(store: store, threadCount: threads.count)
      .best(100, of: Array(benchmark.queries.prefix(count)))
    report.exhaustiveSeconds = (.now - started) / .seconds(1)
    if recallQueries > 0 {
      report.recall = try await benchmark.recall(
        exact: Array(exact.prefix(recallQueries)), threadCount: threads.count)
    }
    if let exportPeers {
      try PeerExport(folder: argumentPath(exportPeers)).write(
        store, queries: benchmark.queries, exact: exact)
      note("wrote tokens, queries and exact hits to \(exportPeers)")
    }
  }

  private func note(_ text: String) { messages.note(text) }
}

/// `images=5000,tokens=196,dimension=256,seed=1`.
struct SyntheticOption: ExpressibleByArgument {
  let text: String
  let parameters: SyntheticCorpus.Parameters

  init?(argument: String) {
    var parameters = SyntheticCorpus.Parameters()
    for part in argument.split(separator: ",") {
      let sides = part.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, let value = Int(sides[1]) else { return nil }
      switch sides[0] {
      case "images" where value >= 1: parameters.imageCount = value
      case "tokens" where (8...1 << 20).contains(value): parameters.tokensPerImage = value
      case "dimension" where (2...8_192).contains(value): parameters.dimension = value
      case "seed" where value >= 0: parameters.seed = UInt64(value)
      default: return nil
      }
    }
    self.parameters = parameters
    text =
      "images=\(parameters.imageCount),tokens=\(parameters.tokensPerImage),"
      + "dimension=\(parameters.dimension),seed=\(parameters.seed)"
  }
}
