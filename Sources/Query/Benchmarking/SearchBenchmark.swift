package import FilipLateInteraction
import FilipStore

/// Times an engine on a list of queries, and compares what it finds with the exhaustive search.
package struct SearchBenchmark: Sendable {
  /// The engine.
  package var engine: BenchmarkEngine
  /// The queries, asked in this order.
  package var queries: [TokenMatrix]
  /// Hits asked for when time is taken.
  package var count: Int
  /// Queries asked before time is taken; the first ones of the list, over and over.
  package var warmUpCount: Int

  /// A benchmark.
  /// - Precondition: there is a query.
  package init(
    engine: BenchmarkEngine, queries: [TokenMatrix], count: Int = 10, warmUpCount: Int = 3
  ) {
    precondition(!queries.isEmpty, "queries to ask")
    self.engine = engine
    self.queries = queries
    self.count = count
    self.warmUpCount = warmUpCount
  }

  /// What one way of asking gave.
  package struct Run: Sendable {
    /// Threads that worked on each query.
    package var threadCount: Int
    /// Queries that were answered at the same time.
    package var concurrentCount: Int
    /// Time from tokens to ids, in seconds, ascending.
    package var latencies: [Double]
    /// Queries answered per second of the whole run.
    package var queriesPerSecond: Double
    /// Bytes of the index that the engine read per query, on average, if it counts them.
    package var readBytesPerQuery: Double?
    /// Products of small integers per query, if the engine counts them.
    package var productsPerQuery: Double?
    /// Images that the engine refined per query, on average, if it does so.
    package var refinedPerQuery: Double?

    /// Mean latency in seconds.
    package var meanLatency: Double { latencies.reduce(0, +) / Double(latencies.count) }

    /// The smallest latency that `share` of all do not exceed (nearest rank), in seconds.
    package func latency(atShare share: Double) -> Double {
      let rank = Int((share * Double(latencies.count)).rounded(.up))
      return latencies[min(max(rank, 1), latencies.count) - 1]
    }
  }

  /// Asks every query once, one after the other with `threadCount` threads each.
  package func timeOneAtATime(threadCount: Int) async throws -> Run {
    try await time(threadCount: threadCount, concurrentCount: 1)
  }

  /// Asks every query once with `threadCount` threads each, `concurrentCount` at a time.
  package func timeConcurrently(
    _ concurrentCount: Int, threadCount: Int = 1
  ) async throws -> Run {
    try await time(threadCount: threadCount, concurrentCount: concurrentCount)
  }

  private typealias Timed = (seconds: Double, answer: BenchmarkEngine.Answer)

  private func time(threadCount: Int, concurrentCount: Int) async throws -> Run {
    for number in 0..<warmUpCount {
      _ = try await engine.search(queries[number % queries.count], count, threadCount)
    }
    let started = ContinuousClock.now
    let timed = try await withThrowingTaskGroup(of: [Timed].self) { tasks in
      for lane in 0..<concurrentCount {
        tasks.addTask {
          var timed: [Timed] = []
          for number in stride(from: lane, to: queries.count, by: concurrentCount) {
            let began = ContinuousClock.now
            let answer = try await engine.search(queries[number], count, threadCount)
            timed.append(((.now - began) / .seconds(1), answer))
          }
          return timed
        }
      }
      var all: [Timed] = []
      for try await part in tasks { all += part }
      return all
    }
    let duration = (.now - started) / .seconds(1)
    func mean(_ values: [Int?]) -> Double? {
      let known = values.compactMap { $0 }
      guard known.count == values.count else { return nil }
      return Double(known.reduce(0, +)) / Double(values.count)
    }
    return Run(
      threadCount: threadCount, concurrentCount: concurrentCount,
      latencies: timed.map(\.seconds).sorted(), queriesPerSecond: Double(timed.count) / duration,
      readBytesPerQuery: mean(timed.map(\.answer.readByteCount)),
      productsPerQuery: mean(timed.map(\.answer.productCount)),
      refinedPerQuery: mean(timed.map(\.answer.refinedCount)))
  }

  /// How many of the k best images the engine found, on average over the queries.
  package struct Recall: Sendable {
    /// Queries that were compared.
    package var queryCount: Int
    /// Share of the best k that was found, by k: 1, 10 and 100, as far as there are images.
    package var shares: [(k: Int, share: Double)]
  }

  /// Compares the engine's answers to the first queries with the exact ones.
  ///
  /// `exact` are those of the first queries, best first, up to 100 each.
  package func recall(exact: [[ExhaustiveSearch.Hit]], threadCount: Int) async throws -> Recall {
    let depth = exact.map(\.count).min() ?? 0
    let ks = [1, 10, 100].filter { $0 <= depth }
    var found = [Double](repeating: 0, count: ks.count)
    for (query, hits) in zip(queries, exact) {
      for (index, k) in ks.enumerated() {
        let answer = try await engine.search(query, k, threadCount)
        let wanted = Set(hits.prefix(k).map(\.id))
        found[index] += Double(wanted.intersection(answer.ids).count) / Double(k)
      }
    }
    let queryCount = min(queries.count, exact.count)
    return Recall(
      queryCount: queryCount,
      shares: zip(ks, found).map { ($0, $1 / Double(max(1, queryCount))) })
  }
}
