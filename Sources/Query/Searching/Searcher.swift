public import FilipEncoders
public import FilipLateInteraction
public import FilipStore

/// Asks an index: a text or tokens in, the best images out, with the evidence per word.
///
/// Exact: every image in scope is looked at, and those that are left out are proven to be worse than
/// the last hit; a very large index is searched through a screen, which the results say. Each search sees one commit of the index from beginning to end, whatever a writer
/// does meanwhile.
public struct Searcher: Sendable {
  private let store: TokenStore
  private let encoder: TextEncoder?
  private let codebooks = ScreenCodebookCache()

  /// A searcher over `store` whose texts `encoder` encodes; both belong to one model.
  ///
  /// Without an encoder, only tokens can be searched for.
  public init(store: TokenStore, encoder: TextEncoder?) {
    self.store = store
    self.encoder = encoder
  }

  /// The images that fit `query` best.
  /// - Complexity: words × tokens of all images in scope, dot products.
  /// - Throws: `EncoderError` for an empty query, `StoreError` for a damaged index, `QueryError`
  ///   when there is no encoder or the index holds tokens of another dimension.
  public func search(
    _ query: String, parameters: SearchParameters = SearchParameters()
  ) async throws -> SearchResults {
    let started = ContinuousClock.now
    guard let encoder else {
      throw QueryError(
        .modelMismatch, "this index has no text encoder; give the query as tokens (--query-tokens)")
    }
    let text = try encoder.encode(query)
    guard parameters.usesPooledVectors else {
      return try await search(
        text.tokens, parts: Array(text), parameters: parameters, started: started)
    }
    let pooled = try TokenMatrix(
      normalizing: text.pooled, tokenCount: 1, dimension: text.pooled.count)
    return try await search(
      pooled, parts: Array(text), parameters: parameters, started: started)
  }

  /// The images that fit the rows of `tokens` best, each row taken for a word.
  /// - Complexity: words × tokens of all images in scope, dot products.
  /// - Throws: `QueryError` when there is no token or the index holds tokens of another dimension,
  ///   `StoreError` for a damaged index.
  public func search(
    tokens: TokenMatrix, parameters: SearchParameters = SearchParameters()
  ) async throws -> SearchResults {
    try await search(
      tokens, parts: Array(tokensOf: tokens), parameters: parameters, started: .now)
  }

  /// The images that fit each of several queries best, all searched exactly in one pass through
  /// the index.
  ///
  /// Each segment of the scan plane is read from memory once for all queries. `parameters.method`
  /// is not looked at.
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
    let threadCount = min(max(1, parameters.threadCount), Self.maximumThreadCount)
    let group = try store.snapshots(count: threadCount)
    let (reduction, scope, segmentIDs) = try group.withSnapshot(0) { snapshot in
      let scope = try Scope(parameters.filter, snapshot: snapshot)
      return (
        try TokenReduction(snapshot), scope, try scope.segmentIDs(snapshot)
      )
    }
    let tokens = queries.map(reduction.project)
    let rankings = try await rankings(
      of: tokens, in: segmentIDs.map { SegmentCandidates(segment: $0, runs: nil) }, group, scope,
      parameters)
    let duration = ContinuousClock.now - started
    return try group.withSnapshot(0) { snapshot in
      let imageCount = try snapshot.readableCount
      return try zip(tokens, rankings).map { tokens, ranking in
        let parts = [ScoredPart](tokensOf: tokens)
        return SearchResults(
          hits: try hits(ranking, parts: parts, parameters, snapshot), terms: parts.map(\.term),
          scannedCount: ranking.scannedCount, imageCount: imageCount,
          generation: group.generation, reduction: reduction, proof: ranking.proof,
          duration: duration)
      }
    }
  }

  /// Every thread takes one of LMDB's reader slots, which all programs share.
  private static let maximumThreadCount = 64

  private func search(
    _ tokens: TokenMatrix, parts: [ScoredPart], parameters: SearchParameters,
    started: ContinuousClock.Instant
  ) async throws -> SearchResults {
    guard tokens.tokenCount > 0 else {
      throw QueryError(.emptyQuery, "the query has no tokens; give at least one")
    }
    let threadCount = min(max(1, parameters.threadCount), Self.maximumThreadCount)
    let group = try store.snapshots(count: threadCount)
    let reduction = try group.withSnapshot(0) { snapshot in
      // Pooled vectors are not reduced.
      try parameters.usesPooledVectors ? TokenReduction.none : TokenReduction(snapshot)
    }
    let tokens = reduction.project(query: tokens)
    let scope = try group.withSnapshot(0) { snapshot in
      try Scope(parameters.filter, snapshot: snapshot)
    }
    let ranking =
      try await parameters.usesPooledVectors
      ? PooledScan(tokens, scope: scope, parameters: parameters).ranking(of: group)
      : tokenRanking(of: tokens, group, scope, parameters)
    return try group.withSnapshot(0) { snapshot in
      SearchResults(
        hits: try hits(ranking, parts: parts, parameters, snapshot), terms: parts.map(\.term),
        scannedCount: ranking.scannedCount, imageCount: try snapshot.readableCount,
        generation: group.generation, reduction: reduction, proof: ranking.proof,
        duration: .now - started)
    }
  }

  /// The best of all images, or of those that a screen lets through.
  private func tokenRanking(
    of tokens: TokenMatrix, _ group: SnapshotGroup, _ scope: Scope, _ parameters: SearchParameters
  ) async throws -> Ranking {
    let segmentIDs = try group.withSnapshot(0) { try scope.segmentIDs($0) }
    let plan = try group.withSnapshot(0) { snapshot in
      try SearchPlan(tokens, parameters, scope, snapshot, codebooks)
    }
    var segments = segmentIDs.map { SegmentCandidates(segment: $0, runs: nil) }
    if let cascade = plan.cascade {
      let screen = ScreenScan(
        tokens, codebook: cascade.codebook, scope: scope, segmentIDs: segmentIDs)
      let parts = try await group.onEverySnapshot { try screen.run($0) }
      segments = screen.candidates(of: parts, keeping: cascade.candidateCount)
    }
    var ranking = try await rankings(of: [tokens], in: segments, group, scope, parameters)[0]
    if let cascade = plan.cascade {
      ranking.proof.candidateCount = ranking.scannedCount
      ranking.proof.recall = cascade.recall
    }
    return ranking
  }

  /// Scans segments once for all queries, then scores from the originals what each scan has left
  /// possible.
  private func rankings(
    of queries: [TokenMatrix], in segments: [SegmentCandidates], _ group: SnapshotGroup,
    _ scope: Scope, _ parameters: SearchParameters
  ) async throws -> [Ranking] {
    let reference: ScoreReference = store.layout.originals == .none ? .codes : .originals
    let scans = queries.map {
      PlaneScan(
        $0, keeping: parameters.count, parameters: parameters, reference: reference, scope: scope)
    }
    let queue = SegmentQueue(segments)
    let found = try await group.onEverySnapshot { try PlaneScan.run(scans, over: queue, $0) }
    var rankings: [Ranking] = []
    for (index, scan) in scans.enumerated() {
      var parts = found.map { $0[index] }
      let postponed = scan.postponed(of: parts)
      if !postponed.isEmpty {
        let queue = SegmentQueue(postponed)
        parts += try await group.onEverySnapshot { try scan.finish(queue, $0) }
      }
      let refinement = Refinement(
        queries[index], scan.candidates(of: parts), keeping: parameters.count,
        direction: parameters.direction)
      _ = try await group.onEverySnapshot { try refinement.run($0) }
      let proof = SearchProof(
        reference: reference, rescoredCount: parts.reduce(0) { $0 + $1.rescoredCount },
        refinedCount: refinement.refinedCount,
        readByteCount: parts.reduce(0) { $0 + $1.readByteCount },
        productCount: parts.reduce(0) { $0 + $1.productCount })
      rankings.append(
        Ranking(
          best: refinement.best, scannedCount: parts.reduce(0) { $0 + $1.scannedCount },
          proof: proof, similarities: { refinement.similarities(of: $0) }))
    }
    return rankings
  }

  private func hits(
    _ ranking: Ranking, parts: [ScoredPart], _ parameters: SearchParameters,
    _ snapshot: borrowing Snapshot
  ) throws -> [SearchHit] {
    var hits: [SearchHit] = []
    for (index, scored) in ranking.best.enumerated() {
      guard let item = try snapshot.item(scored.id) else { continue }
      var hit = SearchHit(rank: index + 1, score: Float(scored.score), item: item, matches: [])
      if let similarities = ranking.similarities(scored.id) {
        let alignment = Alignment(similarities)
        hit.matches = parts.enumerated().map {
          TermMatch($1, number: $0, in: alignment, of: item)
        }
        if parameters.includesPatchMaps {
          let map = SimilarityMap(similarities)
          hit.patchMaps = parts.map { item.expandedToPatches(map.largest(of: $0)) }
        }
      }
      hits.append(hit)
    }
    return hits
  }
}

/// The best images of a scan.
struct Ranking: Sendable {
  /// Best first; ties by id.
  var best: [ScoredItem<ItemID>]
  /// Images looked at.
  var scannedCount: Int
  var proof: SearchProof
  /// The similarities of the best, where tokens were compared.
  var similarities: @Sendable (ItemID) -> ExactSimilarities?
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
