import ArgumentParser
import FilipEncoders
import FilipLateInteraction
import FilipQuery
import FilipStore
import SystemPackage

struct BenchStoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Measure commits, openings, filters and the size of an index.",
    discussion: """
      Makes an index of drawn tokens, as bench search does, opens it, adds single images and \
      removes them, each in a commit that is on the disk when it ends, and adds some hundred in \
      larger commits. The index is afterwards what it was. Before that, the same exact searches are \
      made without a filter and with several.
      """)

  @Option(
    help: ArgumentHelp(
      "The index: images=5000,tokens=196,dimension=256,seed=1, each with its default.",
      valueName: "spec"))
  var synthetic: SyntheticOption

  @Option(
    help: ArgumentHelp(
      "Where the index is kept and looked for; it may grow. Default: a temporary folder.",
      valueName: "dir"))
  var keep: String?

  @Option(
    help: ArgumentHelp(
      "Openings, commits and searches of each kind. Default: 50.", valueName: "n"))
  var repetitions = 50

  @Flag(help: "Write one JSON document.")
  var json = false

  @OptionGroup(title: "Index") var layout: LayoutOptions
  @OptionGroup(title: "Index") var threads: ThreadOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func validate() throws {
    guard repetitions >= 1 else {
      throw ValidationError("--repetitions \(repetitions): give 1 or more")
    }
  }

  func run() async throws {
    let temporary = try keep == nil ? TemporaryFolder() : nil
    defer { withExtendedLifetime(temporary) {} }
    let path = keep ?? temporary?.path.appending("index").string ?? ""
    let corpus = SyntheticCorpus(synthetic.parameters)
    try await fill(path, with: corpus)
    let images = (0..<min(64, synthetic.parameters.imageCount)).map { corpus.tokens(ofImage: $0) }
    let queries = (0..<repetitions).map { corpus.query($0).tokens }
    let filters = try await FilterBenchmark(
      store: TokenStore.open(at: path, mode: .readOnly), queries: queries,
      threadCount: threads.count)
    let result = try StoreBenchmark(
      path: path, options: TokenStore.Options(), repetitions: repetitions, images: images)
    var output = StandardOutput()
    output.write(
      json
        ? document(result, filters).text + "\n"
        : lines(result, filters).joined(separator: "\n") + "\n")
    try output.flush()
  }

  private func fill(_ path: String, with corpus: SyntheticCorpus) async throws {
    let store = try TokenStore.open(
      at: path, mode: .create, program: "filip \(filipVersion)", layout: layout.layout)
    let reporter = ProgressReporter(isQuiet: messages.quiet, unit: "images")
    _ = try await SyntheticIndex.fill(store, with: corpus, threadCount: threads.count) {
      reporter.show($0)
    }
    reporter.finish()
  }

  // MARK: - Output

  /// Names and bytes of the parts of an index.
  private func parts(_ statistics: StoreStatistics) -> [(name: String, byteCount: Int)] {
    [
      ("originals", statistics.originalByteCount), ("plane", statistics.planeByteCount),
      ("records", statistics.recordByteCount),
    ]
  }

  private func rank(_ sorted: [Double], _ share: Double) -> Double {
    sorted[min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.up)) - 1)]
  }

  private func lines(_ result: StoreBenchmark, _ filters: FilterBenchmark) -> [String] {
    func times(_ name: String, _ sorted: [Double]) -> String {
      let (p50, p95) = (rank(sorted, 0.5) * 1_000, rank(sorted, 0.95) * 1_000)
      return "\(name)p50 \(decimal(p50, digits: 2)) ms, p95 \(decimal(p95, digits: 2)) ms"
    }
    let bytes = parts(result.statistics).map { part in
      "\(part.name) \(decimal(Double(part.byteCount) / Double(result.imageCount), digits: 0))"
    }
    return [
      "index      \(countText(result.imageCount)) images, \(synthetic.text), "
        + byteText(Int64(result.statistics.fileByteCount)),
      times("open       ", result.openings),
      times("add one    ", result.insertions),
      times("remove one ", result.removals),
      "add many   \(countText(Int(result.imagesPerSecond))) images/s, \(result.batchSize) a commit",
      "bytes      per image: " + bytes.joined(separator: ", "),
    ]
      + filters.rows.map { row in
        let evaluation =
          row.evaluations.isEmpty
          ? ""
          : ", of which the filter \(decimal(rank(row.evaluations, 0.5) * 1_000, digits: 2)) ms"
        return times("search     ", row.searches) + evaluation
          + "; \(row.name): \(countText(row.imageCount)) images"
      } + [
        "machine    \(MachineProbe.processorName ?? "unknown processor"), "
          + "\(defaultThreadCount) cores; filip \(filipVersion)"
          + (MachineProbe.checkoutCommit.map { ", checkout \($0.prefix(8))" } ?? "")
      ]
  }

  private func document(_ result: StoreBenchmark, _ filters: FilterBenchmark) -> JSONValue {
    func times(_ sorted: [Double]) -> JSONValue {
      .members([
        "p50_ms": .double(rank(sorted, 0.5) * 1_000), "p95_ms": .double(rank(sorted, 0.95) * 1_000),
        "count": .count(sorted.count),
      ])
    }
    return .members([
      "schema": .string("filip.bench-store/1"), "program": .string(filipVersion),
      "checkout": MachineProbe.checkoutCommit.map(JSONValue.string),
      "processor": MachineProbe.processorName.map(JSONValue.string),
      "synthetic": .string(synthetic.text), "images": .count(result.imageCount),
      "bytes": .count(result.statistics.fileByteCount),
      "open": times(result.openings), "add_one": times(result.insertions),
      "remove_one": times(result.removals),
      "add_many": .members([
        "images_per_second": .double(result.imagesPerSecond),
        "images_per_commit": .count(result.batchSize),
      ]),
      "searches": .array(
        filters.rows.map { row in
          .members([
            "filter": .string(row.name), "images": .count(row.imageCount),
            "search": times(row.searches),
            "evaluation": row.evaluations.isEmpty ? nil : times(row.evaluations),
          ])
        }),
      "bytes_per_image": .array(
        parts(result.statistics).map { part in
          .members([
            "kind": .string(part.name),
            "bytes": .double(Double(part.byteCount) / Double(result.imageCount)),
          ])
        }),
    ])
  }
}
