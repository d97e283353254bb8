package import FilipEncoders
package import FilipLateInteraction
package import FilipStore

/// Searches by a scorer: an exact scan chooses candidates, which are scored from their originals.
///
/// Where the scan ranks as the scorer does, or its scores bound the scorer's and the bound says that
/// no other image can be among the hits, the hits are proven to be the best; else the results name
/// the number of candidates and are not exact.
package struct Rescorer: Sendable {
  /// How many images of the scan are rescored, at least as many as there are to be hits. Default
  /// 1,000.
  package var candidateCount = 1000

  private let store: TokenStore
  private let encoder: TextEncoder?
  private let scorer: PreparedScorer

  /// A rescorer whose texts `encoder` encodes; without it, only tokens can be searched for.
  /// - Throws: `QueryError` when a file that the scorer names cannot be read.
  package init(
    store: TokenStore, encoder: TextEncoder?, scorer: ScorerSpecification
  ) throws(QueryError) {
    self.store = store
    self.encoder = encoder
    self.scorer = try PreparedScorer(scorer)
  }

  /// The images that fit `query` best.
  /// - Throws: as `Searcher.search(_:parameters:)`.
  package func search(
    _ query: String, parameters: SearchParameters
  ) async throws -> SearchResults {
    let searcher = Searcher(store: store, encoder: encoder)
    return try await search(parameters) { reduction in
      guard let encoder else { return nil }
      return ScoredText(
        try encoder.encode(query), query: query, scorers: [scorer], reduction: reduction)
    } scan: {
      try await searcher.search(query, parameters: $0)
    }
  }

  /// The images that fit the rows of `tokens` best, each row taken for a word.
  /// - Throws: as `Searcher.search(tokens:parameters:)`; `QueryError` for a scorer of pooled vectors.
  package func search(
    tokens: TokenMatrix, parameters: SearchParameters
  ) async throws -> SearchResults {
    guard scorer.scorer.needs.isDisjoint(with: [.pooledSimilarity, .pooledProducts]) else {
      throw QueryError(
        .emptyQuery,
        "the scorer \(scorer.scorer.name) compares pooled vectors, which a query of tokens has not; "
          + "give the query as words, or another --scorer")
    }
    let searcher = Searcher(store: store, encoder: nil)
    return try await search(parameters) { reduction in
      ScoredText(tokens: tokens, scorers: [scorer], reduction: reduction)
    } scan: {
      try await searcher.search(tokens: tokens, parameters: $0)
    }
  }

  private func search(
    _ parameters: SearchParameters,
    text: (TokenReduction) throws -> ScoredText?,
    scan: (SearchParameters) async throws -> SearchResults
  ) async throws -> SearchResults {
    let started = ContinuousClock.now
    var stage = parameters
    var isProven = true
    switch scorer.scorer.scan {
    case .pooled: stage.usesPooledVectors = true
    case .tokens(let direction): stage.direction = direction
    case .none:
      stage.direction = .textToImage
      stage.count = max(parameters.count, candidateCount)
      isProven = false
    }
    // The index may change between the scan and the look at the originals; then both are repeated.
    while true {
      var results = try await scan(stage)
      let rescored: [SearchHit]? = try store.read { snapshot in
        guard try snapshot.generation == results.generation else { return nil }
        guard let text = try text(try TokenReduction(snapshot)) else { return results.hits }
        return try rescore(results.hits, text, snapshot)
      }
      guard let rescored else { continue }
      let hits = rescored.prefix(parameters.count)
      if !isProven, !isWhole(results, stage), !isBounded(hits, parameters, by: results.hits.last) {
        results.proof.candidateCount = min(
          results.hits.count, results.proof.candidateCount ?? .max)
        results.proof.recall = nil
      }
      results.hits = hits.enumerated().map { index, hit in
        var hit = hit
        hit.rank = index + 1
        return hit
      }
      results.duration = .now - started
      return results
    }
  }

  /// The hits with the scorer's scores, best first.
  private func rescore(
    _ hits: [SearchHit], _ text: ScoredText, _ snapshot: borrowing Snapshot
  ) throws -> [SearchHit] {
    var decoder = TokenDecoder()
    let needs = scorer.scorer.needs
    var scored: [(item: ScoredItem<ItemID>, hit: SearchHit)] = []
    for hit in hits {
      let id = hit.item.id
      guard let image = try ScoredImage(id, needs: needs, snapshot, using: &decoder) else {
        continue
      }
      var pair = try image.pair(with: text, needs: needs)
      pair.text = text.traits[0]
      let score = scorer.scorer.score(pair)
      var rescored = hit
      rescored.score = Float(score)
      scored.append((ScoredItem(id: id, score: score), rescored))
    }
    return scored.sorted { $0.item < $1.item }.map(\.hit)
  }

  /// Whether the scan yielded every image that it looked at.
  private func isWhole(_ results: SearchResults, _ stage: SearchParameters) -> Bool {
    results.hits.count < stage.count
  }

  /// Whether no image behind the last candidate can reach the last hit.
  private func isBounded(
    _ hits: ArraySlice<SearchHit>, _ parameters: SearchParameters, by candidate: SearchHit?
  ) -> Bool {
    guard let candidate, let worst = hits.last, hits.count == parameters.count,
      let bound = scorer.scorer.upperBound(textToImage: Double(candidate.score))
    else { return false }
    // Scores are rounded to 24 bits on their way here.
    return Double(worst.score) > bound + 1e-6
  }
}
