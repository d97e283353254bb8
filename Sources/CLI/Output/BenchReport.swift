import FilipEncoders
import FilipLateInteraction
import FilipLinearAlgebra
import FilipQuery
import FilipStore

/// What `filip bench search` found out, as a table or as one document.
struct BenchReport {
  /// How long an index took that was made for the occasion.
  struct Build {
    var imageCount: Int
    var seconds: Double
  }

  /// The index that was asked.
  struct Index {
    var path: String
    var imageCount = 0
    var tokenCount = 0
    var dimension = 0
    var statistics: StoreStatistics

    init(_ store: TokenStore) throws {
      path = store.path
      (statistics, imageCount, tokenCount, dimension) = try store.read { snapshot in
        var tokenCount = 0
        try snapshot.forEachItem { tokenCount += $0.tokenCount }
        let first = try snapshot.idRanges(count: 1).first?.lowerBound
        return (
          try snapshot.statistics, try snapshot.readableCount, tokenCount,
          try first.flatMap { try snapshot.tokens(of: $0)?.dimension } ?? 0
        )
      }
    }

    /// Bytes of the pages that hold the tokens.
    var tokensByteCount: Int {
      statistics.tables.first { $0.name == "tokens" }?.byteCount ?? 0
    }
  }

  var engine: String
  var index: Index
  var source: String
  var benchmark: SearchBenchmark
  var built: Build?
  var runs: [SearchBenchmark.Run] = []
  var recall: SearchBenchmark.Recall?
  var exhaustiveSeconds: Double?
  var memoryBefore: Int?
  var memoryAfter: Int?
  /// What the machine can do at most with some threads.
  struct Ceiling {
    var threadCount: Int
    /// Bytes read from memory.
    var bytesPerSecond: Double
    /// Products of small integers in registers.
    var productsPerSecond: Double
  }

  var ceilings: [Ceiling] = []

  init(
    engine: String, index: Index, source: String, benchmark: SearchBenchmark, built: Build?
  ) {
    self.engine = engine
    self.index = index
    self.source = source
    self.benchmark = benchmark
    self.built = built
  }

  /// Words per query: the smallest and the largest number.
  private var wordCounts: (least: Int, most: Int) {
    let counts = benchmark.queries.map(\.tokenCount)
    return (counts.min() ?? 0, counts.max() ?? 0)
  }

  /// The share of what as many threads can read that a run's scans use.
  private func bandwidthShare(_ run: SearchBenchmark.Run) -> Double? {
    guard let bytes = run.readBytesPerQuery, let ceiling = ceiling(of: run) else { return nil }
    return bytes * run.queriesPerSecond / ceiling.bytesPerSecond
  }

  /// The share of what as many threads can multiply.
  private func multiplyShare(_ run: SearchBenchmark.Run) -> Double? {
    guard let products = run.productsPerQuery, let ceiling = ceiling(of: run) else { return nil }
    return products * run.queriesPerSecond / ceiling.productsPerSecond
  }

  /// More threads than cores share what the cores can do.
  private func ceiling(of run: SearchBenchmark.Run) -> Ceiling? {
    let threadCount = min(run.threadCount * run.concurrentCount, defaultThreadCount)
    return ceilings.first { $0.threadCount == threadCount }
  }

  // MARK: - For a person

  var lines: [String] {
    let words = wordCounts
    var lines = [
      "index      \(index.path): \(countText(index.imageCount)) images, "
        + "\(countText(index.tokenCount)) tokens of \(index.dimension), "
        + byteText(Int64(index.statistics.fileByteCount)),
      "queries    \(countText(benchmark.queries.count)) of \(words.least)"
        + "\(words.least == words.most ? "" : " to \(words.most)") words, \(source); "
        + "\(benchmark.count) hits, \(benchmark.warmUpCount) to warm up",
      "engine     \(engine)", "",
      row(
        ["threads", "at once", "p50 ms", "p95 ms", "p99 ms", "mean ms", "queries/s"]
          + ["MB/query", "of memory", "of peak", "refined"]),
    ]
    for run in runs {
      lines.append(
        row(
          ["\(run.threadCount)", "\(run.concurrentCount)"]
            + [0.5, 0.95, 0.99].map { decimal(run.latency(atShare: $0) * 1_000, digits: 2) } + [
              decimal(run.meanLatency * 1_000, digits: 2), decimal(run.queriesPerSecond, digits: 1),
              run.readBytesPerQuery.map { decimal($0 / 1e6, digits: 2) } ?? "-",
              bandwidthShare(run).map { decimal($0 * 100, digits: 0) + " %" } ?? "-",
              multiplyShare(run).map { decimal($0 * 100, digits: 0) + " %" } ?? "-",
              run.refinedPerQuery.map { decimal($0, digits: 1) } ?? "-",
            ]))
    }
    lines.append("")
    if let recall {
      lines.append(
        "recall     "
          + recall.shares.map { "@\($0.k) \(decimal($0.share, digits: 4))" }.joined(separator: ", ")
          + " on \(recall.queryCount) queries, against exhaustive search in double precision")
    }
    if let memoryAfter {
      lines.append(
        "memory     \(byteText(Int64(memoryAfter))) anonymous after the queries, "
          + "\(byteText(Int64(memoryBefore ?? 0))) at the start")
    }
    for ceiling in ceilings {
      lines.append(
        "ceilings   \(decimal(ceiling.bytesPerSecond / 1e9, digits: 1)) GB/s read and "
          + "\(decimal(ceiling.productsPerSecond / 1e9, digits: 0)) G products/s of integers by "
          + "\(ceiling.threadCount) threads")
    }
    if let built {
      lines.append(
        "built      \(countText(built.imageCount)) images in \(decimal(built.seconds, digits: 1)) s"
      )
    }
    lines.append(
      "machine    \(MachineProbe.processorName ?? "unknown processor"), \(defaultThreadCount) cores, "
        + "\(InstructionSet.current.rawValue); filip \(filipVersion)"
        + (MachineProbe.checkoutCommit.map { ", checkout \($0.prefix(8))" } ?? ""))
    return lines
  }

  private func row(_ cells: [String]) -> String {
    cells.map { String(repeating: " ", count: max(0, 10 - $0.count)) + $0 }.joined()
  }

  // MARK: - For a program

  var document: JSONValue {
    .members([
      "schema": .string("filip.bench/1"),
      "engine": .string(engine),
      "program": .string(filipVersion),
      "checkout": MachineProbe.checkoutCommit.map(JSONValue.string),
      "machine": .members([
        "processor": MachineProbe.processorName.map(JSONValue.string),
        "cores": .count(defaultThreadCount),
        "instructions": .string(InstructionSet.current.rawValue),
        "read_bandwidth": .array(
          ceilings.map {
            .members([
              "threads": .count($0.threadCount),
              "bytes_per_second": .double($0.bytesPerSecond.rounded()),
            ])
          }),
        "integer_peak": .array(
          ceilings.map {
            .members([
              "threads": .count($0.threadCount),
              "products_per_second": .double($0.productsPerSecond.rounded()),
            ])
          }),
      ]),
      "index": .members([
        "path": .string(index.path), "images": .count(index.imageCount),
        "tokens": .count(index.tokenCount), "dimension": .count(index.dimension),
        "bytes": .count(index.statistics.fileByteCount),
        "tables": .array(
          index.statistics.tables.map {
            .members(["name": .string($0.name), "bytes": .count($0.byteCount)])
          }),
        "build_seconds": built.map { .double($0.seconds) },
        "built_images": built.map { .count($0.imageCount) },
      ]),
      "queries": .members([
        "source": .string(source), "count": .count(benchmark.queries.count),
        "least_words": .count(wordCounts.least), "most_words": .count(wordCounts.most),
        "k": .count(benchmark.count), "warm_up": .count(benchmark.warmUpCount),
      ]),
      "runs": .array(runs.map(runJSON)),
      "recall": recall.map { recall in
        .members([
          "queries": .count(recall.queryCount),
          "exhaustive_seconds": exhaustiveSeconds.map(JSONValue.double),
          "at": .array(
            recall.shares.map {
              .members(["k": .count($0.k), "share": .double($0.share)])
            }),
        ])
      },
      "anonymous_bytes": memoryAfter.map(JSONValue.count),
      "anonymous_bytes_at_start": memoryBefore.map(JSONValue.count),
    ])
  }

  private func runJSON(_ run: SearchBenchmark.Run) -> JSONValue {
    func milliseconds(_ seconds: Double) -> JSONValue {
      .double((seconds * 1e6).rounded() / 1_000)
    }
    return .members([
      "threads": .count(run.threadCount), "concurrent": .count(run.concurrentCount),
      "p50_ms": milliseconds(run.latency(atShare: 0.5)),
      "p95_ms": milliseconds(run.latency(atShare: 0.95)),
      "p99_ms": milliseconds(run.latency(atShare: 0.99)),
      "mean_ms": milliseconds(run.meanLatency), "min_ms": milliseconds(run.latency(atShare: 0)),
      "queries_per_second": .double(run.queriesPerSecond),
      "bytes_per_query": run.readBytesPerQuery.map(JSONValue.double),
      "bandwidth_share": bandwidthShare(run).map(JSONValue.double),
      "products_per_query": run.productsPerQuery.map(JSONValue.double),
      "integer_peak_share": multiplyShare(run).map(JSONValue.double),
      "refined_per_query": run.refinedPerQuery.map(JSONValue.double),
    ])
  }
}
