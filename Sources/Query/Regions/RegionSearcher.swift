public import FilipEncoders
public import FilipLateInteraction
public import FilipStore

/// Searches parts of images: a hit is a box, not an image, and an image may have several.
///
/// An exact scan over whole images chooses candidates, whose boxes are scored from the originals
/// (`BoxScorer`). The results are exact where the scan yielded every image in scope, or where the
/// last candidate's score says that no box of another image can be among the hits; else they name
/// the number of candidates. Works with the tokens of any model; those of models that are trained
/// on regions (FG-CLIP 2, the bundled one) suit it best.
public struct RegionSearcher: Sendable {
  /// How many images' boxes are scored, at least as many as there are to be hits. Default 1,000.
  public var candidateCount = 1_000

  private let store: TokenStore
  private let encoder: QueryEncoder

  /// A searcher over `store` whose texts `encoder` encodes, and whose pictures `images`; all belong
  /// to one model.
  public init(store: TokenStore, encoder: TextEncoder?, images: ImagePipeline? = nil) {
    self.store = store
    self.encoder = QueryEncoder(text: encoder, images: images)
  }

  /// The boxes that fit a query best; `count`, filter, `minimumScore` and threads are as
  /// `parameters` say, and nothing else of them is looked at.
  /// - Complexity: that of a search for images, and for each candidate some seven boxes a patch, each
  ///   O(dimension + words × patches).
  /// - Throws: as `Searcher.search(_:parameters:)`; `QueryError` for a query that boxes have no
  ///   score for, or when no item of the index says where its tokens lie.
  public func search(
    _ query: Query, parameters: SearchParameters = SearchParameters()
  ) async throws -> SearchResults {
    let started = ContinuousClock.now
    return try await search(try encoder.encode(query), parameters, started)
  }

  /// The boxes that fit the rows of `tokens` best, each row taken for a word.
  /// - Throws: as `search(_:parameters:)`.
  public func search(
    tokens: TokenMatrix, parameters: SearchParameters = SearchParameters()
  ) async throws -> SearchResults {
    try await search(EncodedQuery(tokens: tokens), parameters: parameters)
  }

  /// The boxes that fit a query best that was encoded already.
  public func search(
    _ query: EncodedQuery, parameters: SearchParameters = SearchParameters()
  ) async throws -> SearchResults {
    try await search(query, parameters, .now)
  }

  private func search(
    _ query: EncodedQuery, _ parameters: SearchParameters, _ started: ContinuousClock.Instant
  ) async throws -> SearchResults {
    guard query.combination == .mean, query.exclusions.isEmpty else {
      throw QueryError(
        .contradictoryQuery,
        "a box is scored by the mean over the words: --words, --without and --sub need whole "
          + "images; drop them or --regions")
    }
    var stage = SearchParameters()
    stage.count = max(parameters.count, candidateCount)
    stage.filter = parameters.filter
    stage.threadCount = parameters.threadCount
    stage.method = .exact
    let searcher = Searcher(store: store, encoder: nil)
    // The index may change between the scan and the look at the originals; then both are repeated.
    while true {
      var results = try await searcher.search(query, parameters: stage)
      let group = try store.snapshots(count: Searcher.snapshotCount(parameters.threadCount))
      guard group.generation == results.generation else { continue }
      var projected = query
      projected.tokens = results.reduction.project(query: query.tokens)
      let pass = BoxPass(projected.scanRows, results.hits, keeping: parameters.count)
      _ = try await group.onEverySnapshot { try pass.run($0) }
      guard results.hits.isEmpty || pass.unplacedCount < results.hits.count else {
        throw QueryError(
          .contradictoryQuery,
          "nothing in this index says where its tokens lie: it holds texts, or tokens that were "
            + "imported without a grid; search without --regions")
      }
      if results.hits.count == stage.count, !pass.isProven {
        results.proof.candidateCount = results.hits.count
      }
      let images = results.hits
      let boxes = try group.withSnapshot(0) { snapshot in
        try pass.found.enumerated().compactMap { index, found in
          try hit(found, rank: index + 1, images, projected, pass, snapshot)
        }
      }
      results.hits = boxes.filter { $0.score >= Float(parameters.minimumScore ?? -.infinity) }
      results.omittedCount = boxes.count - results.hits.count
      results.unplacedCount = pass.unplacedCount
      results.duration = .now - started
      return results
    }
  }

  private func hit(
    _ found: ScoredItem<FoundBox>, rank: Int, _ images: [SearchHit], _ query: EncodedQuery,
    _ pass: BoxPass, _ snapshot: borrowing Snapshot
  ) throws -> SearchHit? {
    guard let tokens = try snapshot.tokens(of: found.id.id) else { return nil }
    var hit = images[found.id.candidate]
    hit.rank = rank
    hit.score = Float(found.score)
    hit.box = found.id.region
    let rows = zip(pass.matches(of: found.id, tokens), query.rowScales).map { match, scale in
      (score: match.score / scale, patch: match.patch)
    }
    hit.matches = query.parts.enumerated().map { number, part in
      let best = part.rows.reduce(part.rows.lowerBound) {
        rows[$1].score > rows[$0].score ? $1 : $0
      }
      let score = part.rows.reduce(0) { $0 + rows[$1].score } / Double(part.rows.count)
      return TermMatch(
        term: number, score: Float(score), patch: rows[best].patch,
        region: hit.item.region(ofPatch: rows[best].patch))
    }
    return hit
  }
}
