public import FilipLateInteraction
public import FilipStore

/// Asks an index with tokens instead of a text.
public struct TokenSearcher: Sendable {
  private let store: TokenStore

  /// A searcher over `store`.
  public init(store: TokenStore) { self.store = store }

  /// The images that fit the rows of `tokens` best, each row taken for a word.
  /// - Complexity: words × tokens of all images, dot products.
  public func search(
    tokens: TokenMatrix, parameters: SearchParameters = SearchParameters()
  ) async throws -> SearchResults {
    let started = ContinuousClock.now
    let group = try store.snapshots(count: parameters.threadCount)
    let ranges = try group.withSnapshot(0) { try $0.idRanges(count: parameters.threadCount) }
    let (best, count) = try await withThrowingTaskGroup(of: (TopK<ItemID>, Int).self) { tasks in
      for (index, range) in ranges.enumerated() {
        tasks.addTask {
          try group.withSnapshot(index) { snapshot in
            let scan = BatchedScan(
              query: tokens, direction: parameters.direction, keeping: parameters.count)
            var decoder = TokenDecoder()
            var rows: [Float] = []
            try snapshot.forEachEncodedTokens(in: range) { id, bytes in
              let shape = try decoder.decode(bytes, of: id, into: &rows)
              guard shape.dimension == tokens.dimension else {
                throw QueryError(
                  .modelMismatch,
                  "the index has tokens of \(shape.dimension) dimensions and the query of "
                    + "\(tokens.dimension)")
              }
              scan.add(id, rows: rows[..<shape.elementCount], tokenCount: shape.tokenCount)
            }
            let (best, count) = scan.finish()
            return (best, count)
          }
        }
      }
      var total = (TopK<ItemID>(capacity: parameters.count), 0)
      for try await part in tasks {
        total.0.merge(part.0)
        total.1 += part.1
      }
      return total
    }
    let terms = (0..<tokens.tokenCount).map {
      ScoredTerm(text: "token \($0 + 1)", sourceRange: nil)
    }
    return try group.withSnapshot(0) { snapshot in
      var hits: [SearchHit] = []
      for (index, scored) in best.sorted.enumerated() {
        guard let item = try snapshot.item(scored.id) else { continue }
        var hit = SearchHit(rank: index + 1, score: scored.score, item: item, matches: [])
        if let image = try snapshot.tokens(of: scored.id) {
          let alignment = Alignment(text: tokens, image: image)
          hit.matches = alignment.patches.enumerated().map { row, patch in
            TermMatch(
              term: row, score: alignment.similarities[row], patch: patch,
              region: item.region(ofPatch: patch))
          }
        }
        hits.append(hit)
      }
      return SearchResults(
        hits: hits, terms: terms, scannedCount: count, imageCount: try snapshot.readableCount,
        generation: group.generation, duration: .now - started)
    }
  }
}
