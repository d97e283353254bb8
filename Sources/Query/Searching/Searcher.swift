public import FilipEncoders
public import FilipLateInteraction
public import FilipStore

/// Asks an index: a query in, the best images out, with the evidence per word.
///
/// Exact: every image in scope is looked at, and those that are left out are proven to be worse than
/// the last hit; a very large index is searched through a screen, which the results say. Each search
/// sees one commit of the index from beginning to end, whatever a writer does meanwhile.
public struct Searcher: Sendable {
  private let store: TokenStore
  private let encoder: QueryEncoder
  private let codebooks = ScreenCodebookCache()

  /// A searcher over `store` whose texts `encoder` encodes, and whose pictures `images`; all belong
  /// to one model.
  ///
  /// Without an encoder, only tokens can be searched for.
  public init(store: TokenStore, encoder: TextEncoder?, images: ImagePipeline? = nil) {
    self.store = store
    self.encoder = QueryEncoder(text: encoder, images: images)
  }

  /// The images that fit a text best; every sign of it stands for itself.
  /// - Complexity: words × tokens of all images in scope, dot products.
  /// - Throws: `EncoderError` for an empty query, `StoreError` for a damaged index, `QueryError`
  ///   when there is no encoder or the index holds tokens of another dimension.
  public func search(
    _ text: String, parameters: SearchParameters = SearchParameters()
  ) async throws -> SearchResults {
    try await search(Query(QueryText(literal: text)), parameters: parameters)
  }

  /// The images that fit a query best.
  /// - Complexity: rows × tokens of all images in scope, dot products; several times as many where
  ///   what must not be there is common among the best.
  /// - Throws: as `search(_:parameters:)` of a text; `QueryError` for a picture that cannot be read
  ///   or parts of a query that contradict each other.
  public func search(
    _ query: Query, parameters: SearchParameters = SearchParameters()
  ) async throws -> SearchResults {
    let started = ContinuousClock.now
    let encoded = try encoder.encode(query)
    return try await search(encoded, parameters: parameters, started: started)
  }

  /// The images that fit a query best that was encoded already.
  public func search(
    _ query: EncodedQuery, parameters: SearchParameters = SearchParameters()
  ) async throws -> SearchResults {
    try await search(query, parameters: parameters, started: .now)
  }

  /// The images that fit the rows of `tokens` best, each row taken for a word.
  /// - Complexity: words × tokens of all images in scope, dot products.
  /// - Throws: `QueryError` when there is no token or the index holds tokens of another dimension,
  ///   `StoreError` for a damaged index.
  public func search(
    tokens: TokenMatrix, parameters: SearchParameters = SearchParameters()
  ) async throws -> SearchResults {
    try await search(EncodedQuery(tokens: tokens), parameters: parameters, started: .now)
  }

  /// The images that fit each of several queries best, all searched exactly in one pass through
  /// the index.
  ///
  /// Each segment of the scan plane is read from memory once for all queries. `parameters.method`
  /// is not looked at, nor is evidence measured.
  /// - Complexity: as for one query after the other, less the reading.
  /// - Returns: results in the order of the queries; `duration` is that of the whole batch.
  /// - Throws: as `search(tokens:parameters:)`.
  public func search(
    batch queries: [TokenMatrix], parameters: SearchParameters = SearchParameters()
  ) async throws -> [SearchResults] {
    let started = ContinuousClock.now
    guard queries.allSatisfy({ $0.tokenCount > 0 }) else {
      throw QueryError(.emptyQuery, "a query has no tokens; give at least one")
    }
    let (group, reduction, scope) = try open(parameters)
    let encoded = queries.map { EncodedQuery(tokens: reduction.project(query: $0)) }
    let scans = encoded.map { ScanRequest($0, parameters) }
    let segmentIDs = try group.withSnapshot(0) { try scope.segmentIDs($0) }
    let rankings = try await group.rankings(
      of: scans, in: segmentIDs.map { SegmentCandidates(segment: $0, runs: nil) }, scope,
      reference: reference)
    let duration = ContinuousClock.now - started
    return try group.withSnapshot(0) { snapshot in
      let imageCount = try snapshot.readableCount
      return try zip(encoded, rankings).map { query, ranking in
        SearchResults(
          hits: try hits(ranking, of: query, parameters, snapshot),
          terms: query.parts.map(\.term), scannedCount: ranking.scannedCount,
          imageCount: imageCount, generation: group.generation, reduction: reduction,
          proof: ranking.proof, duration: duration)
      }
    }
  }

  // MARK: - One query

  /// Every thread takes one of LMDB's reader slots, which all programs share.
  private static let maximumThreadCount = 64

  /// How many snapshots are opened for so many threads.
  static func snapshotCount(_ threadCount: Int) -> Int {
    min(max(1, threadCount), maximumThreadCount)
  }

  /// What the scores are exact for.
  private var reference: ScoreReference { store.layout.originals == .none ? .codes : .originals }

  /// Snapshots of one commit, how it reduces tokens, and which of its images are looked at.
  private func open(
    _ parameters: SearchParameters
  ) throws -> (SnapshotGroup, TokenReduction, Scope) {
    let group = try store.snapshots(count: Self.snapshotCount(parameters.threadCount))
    return try group.withSnapshot(0) { snapshot in
      // Pooled vectors are not reduced.
      let reduction =
        try parameters.usesPooledVectors ? TokenReduction.none : TokenReduction(snapshot)
      return (group, reduction, try Scope(parameters.filter, snapshot: snapshot))
    }
  }

  private func search(
    _ query: EncodedQuery, parameters: SearchParameters, started: ContinuousClock.Instant
  ) async throws -> SearchResults {
    guard query.tokens.tokenCount > 0 else {
      throw QueryError(.emptyQuery, "the query has no tokens; give at least one")
    }
    try check(query, parameters)
    let (group, reduction, scope) = try open(parameters)
    var query = query
    query.project(by: reduction)
    let ranking: Ranking
    if parameters.usesPooledVectors {
      let pooled = query.pooled ?? []
      ranking = try PooledScan(
        TokenMatrix(normalizing: pooled, tokenCount: 1, dimension: pooled.count), scope: scope,
        parameters: parameters
      ).ranking(of: group)
    } else {
      try group.withSnapshot(0) { snapshot in
        try query.measureBackgrounds(snapshot, store.layout, ofParts: parameters.needsEvidence)
      }
      ranking = try await tokenRanking(of: query, group, scope, parameters)
    }
    let asked = query
    return try group.withSnapshot(0) { snapshot in
      let all = try hits(ranking, of: asked, parameters, snapshot)
      var kept = all.filter(parameters.keeps)
      for index in kept.indices { kept[index].rank = index + 1 }
      return SearchResults(
        hits: kept, terms: asked.parts.map(\.term), exclusions: asked.exclusions.map(\.term),
        combination: asked.combination, omittedCount: all.count - kept.count,
        scannedCount: ranking.scannedCount, imageCount: try snapshot.readableCount,
        generation: group.generation, reduction: reduction, proof: ranking.proof,
        duration: .now - started)
    }
  }

  /// Refuses what cannot be had together.
  private func check(_ query: EncodedQuery, _ parameters: SearchParameters) throws {
    if parameters.usesPooledVectors {
      guard query.pooled != nil, query.isPlain, !parameters.needsEvidence else {
        throw QueryError(
          .contradictoryQuery,
          "a pooled vector has no parts: weights, --words, --add, --sub, --without, --region and "
            + "evidence need tokens; drop them or --pooled")
      }
    }
    if query.combination == .any, case .cascade = parameters.method {
      throw QueryError(
        .contradictoryQuery,
        "--words any looks at every image for each word; drop --cascade and --candidates")
    }
  }

  /// The best of all images, or of those that a screen lets through.
  private func tokenRanking(
    of query: EncodedQuery, _ group: SnapshotGroup, _ scope: Scope, _ parameters: SearchParameters
  ) async throws -> Ranking {
    let segmentIDs = try group.withSnapshot(0) { try scope.segmentIDs($0) }
    let rows = query.scanRows
    let plan = try group.withSnapshot(0) { snapshot in
      // A screen ranks by the mean over all words.
      try query.combination == .any
        ? SearchPlan.everyImage : SearchPlan(rows, parameters, scope, snapshot, codebooks)
    }
    var segments = segmentIDs.map { SegmentCandidates(segment: $0, runs: nil) }
    if let cascade = plan.cascade {
      let screen = ScreenScan(
        rows, codebook: cascade.codebook, scope: scope, segmentIDs: segmentIDs)
      let parts = try await group.onEverySnapshot { try screen.run($0) }
      segments = screen.candidates(of: parts, keeping: cascade.candidateCount)
    }
    var ranking = try await group.provenRanking(
      of: ScanRequest(query, parameters), in: segments, scope, reference: reference)
    if let cascade = plan.cascade {
      ranking.proof.candidateCount = ranking.scannedCount
      // What was measured is the recall of plain queries.
      ranking.proof.recall = query.isPlain ? cascade.recall : nil
    }
    return ranking
  }

  private func hits(
    _ ranking: Ranking, of query: EncodedQuery, _ parameters: SearchParameters,
    _ snapshot: borrowing Snapshot
  ) throws -> [SearchHit] {
    var hits: [SearchHit] = []
    for (index, scored) in ranking.best.enumerated() {
      guard let item = try snapshot.item(scored.id) else { continue }
      var hit = SearchHit(rank: index + 1, score: Float(scored.score), item: item, matches: [])
      if let similarities = ranking.similarities(scored.id) {
        hit.show(query, query.unscaled(similarities), isExplained: parameters.explains)
      }
      hits.append(hit)
    }
    return hits
  }
}

extension SnapshotGroup {
  /// Calls `body` with every snapshot, each in a task of its own.
  func onEverySnapshot<Result: Sendable>(
    _ body: @escaping @Sendable (borrowing Snapshot) throws -> Result
  ) async throws -> [Result] {
    guard count > 1 else { return [try withSnapshot(0, body)] }
    return try await withThrowingTaskGroup(of: Result.self) { tasks in
      for index in 0..<count {
        tasks.addTask { try self.withSnapshot(index, body) }
      }
      var results: [Result] = []
      for try await result in tasks { results.append(result) }
      return results
    }
  }
}
