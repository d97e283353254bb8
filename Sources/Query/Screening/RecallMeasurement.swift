package import FilipEncoders
import FilipLateInteraction
package import FilipStore
import SystemPackage

/// Measures how many of the ten best images the screen of an index lets through.
package struct RecallMeasurement: Sendable {
  /// Texts to ask, where the index has a text encoder.
  package var phrases: [String] = []
  /// Queries to ask; default 200.
  package var queryCount = 200
  /// What the choice of the index's own tokens depends on.
  package var seed: UInt64 = 1
  package var threadCount = defaultThreadCount

  private let store: TokenStore
  private let encoder: TextEncoder?
  private static let hitCount = 10
  /// Queries that share one pass through the index.
  private static let queriesPerBatch = 25

  package init(store: TokenStore, encoder: TextEncoder?) {
    self.store = store
    self.encoder = encoder
  }

  /// Asks every query exactly and looks where the screen ranks the hits; writes the curve into the
  /// index.
  /// - Returns: the curve; `nil` when the index has no screen or too few images to need one.
  /// - Complexity: one exact search and one look through the screen for each query.
  package func run() async throws -> RecallCurve? {
    let queries = try store.read { try self.queries($0) }
    let group = try store.snapshots(count: threadCount)
    let (codebook, imageCount, nextItem) = try group.withSnapshot(0) {
      (try $0.intactScreenCodebook(), try $0.readableCount, try $0.nextItem)
    }
    guard let codebook, imageCount > 2 * Self.hitCount, !queries.isEmpty else { return nil }
    let counts = Self.candidateCounts(imageCount: imageCount)
    var shares = [[Double]](repeating: [], count: counts.count)
    var parameters = SearchParameters()
    parameters.count = Self.hitCount
    parameters.threadCount = threadCount
    // The queries are projected already.
    let searcher = Searcher(store: store, encoder: nil)
    let asked = queries.filter { $0.dimension == codebook.dimension }
    for start in stride(from: 0, to: asked.count, by: Self.queriesPerBatch) {
      try Task.checkCancellation()
      let batch = Array(asked[start..<min(start + Self.queriesPerBatch, asked.count)])
      let results = try await searcher.search(batch: batch, parameters: parameters)
      for (query, result) in zip(batch, results) where !result.hits.isEmpty {
        let found = try await ranks(
          of: result.hits.map(\.item.id), query, codebook, group, counts)
        for (index, count) in found.enumerated() {
          shares[index].append(Double(count) / Double(result.hits.count))
        }
      }
    }
    guard let count = shares.first?.count, count > 1 else { return nil }
    let curve = RecallCurve(
      points: zip(counts, shares).map { Self.point($0, $1) }, queryCount: count,
      querySource: encoder == nil || phrases.isEmpty ? "own tokens" : "phrases",
      generation: group.generation, codebook: codebook.id, imageCount: imageCount,
      nextItem: nextItem)
    try store.write { try $0.setNote(RecallCurve.noteName, to: curve.note) }
    return curve
  }

  /// A hundred, doubled up to all images.
  private static func candidateCounts(imageCount: Int) -> [Int] {
    Array(sequence(first: 100) { $0 * 2 < imageCount ? $0 * 2 : nil })
  }

  /// For each number of candidates, how many of the hits are among them.
  private func ranks(
    of hits: [ItemID], _ query: TokenMatrix, _ codebook: ScreenCodebook, _ group: SnapshotGroup,
    _ counts: [Int]
  ) async throws -> [Int] {
    let (scope, segmentIDs) = try group.withSnapshot(0) { snapshot in
      (try Scope(SearchFilter(), snapshot: snapshot), try snapshot.segmentIDs())
    }
    let places = try group.withSnapshot(0) { snapshot in
      try hits.compactMap { try snapshot.place(of: $0) }
    }
    let screen = ScreenScan(query, codebook: codebook, scope: scope, segmentIDs: segmentIDs)
    let parts = try await group.onEverySnapshot { try screen.run($0) }
    return counts.map { count in
      let chosen = Dictionary(
        screen.candidates(of: parts, keeping: count).map { ($0.segment, $0.runs) },
        uniquingKeysWith: { first, _ in first })
      return places.count { place in
        guard let runs = chosen[place.segment] else { return false }
        return runs.map { $0.contains { $0.contains(place.ordinal) } } ?? true
      }
    }
  }

  /// Mean and normal 95 % interval over the queries.
  private static func point(_ count: Int, _ shares: [Double]) -> RecallCurve.Point {
    let n = Double(shares.count)
    let mean = shares.reduce(0, +) / n
    let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    // Where every query found everything, the rule of three bounds what was not seen.
    let reach = max(1.96 * (variance / n).squareRoot(), mean == 1 ? 3 / n : 0)
    return RecallCurve.Point(
      candidateCount: count, recall: mean, interval: max(0, mean - reach)...min(1, mean + reach))
  }

  // MARK: - Queries

  private func queries(_ snapshot: borrowing Snapshot) throws -> [TokenMatrix] {
    if let encoder, !phrases.isEmpty {
      // Not the first ones: a list may be in some order.
      let step = max(1, phrases.count / queryCount)
      let chosen = stride(from: 0, to: phrases.count, by: step).prefix(queryCount)
      let reduction = try TokenReduction(snapshot)
      var queries: [TokenMatrix] = []
      for index in chosen {
        queries.append(reduction.project(query: try encoder.encode(phrases[index]).tokens))
      }
      return queries
    }
    return try IndexQueries.draw(queryCount, wordCounts: 3...6, from: snapshot, seed: seed)
  }
}
