package import FilipLateInteraction
package import FilipStore

/// Queries for an index of which nothing else is known: words near tokens of its own images.
package enum IndexQueries {
  /// Draws queries; the same for the same index and seed.
  ///
  /// Each takes `wordCount` tokens of one image, drawn evenly, and adds Gaussian noise of 0.5/√d per
  /// coordinate to each, as the synthetic corpus does to its words; rows are normalised.
  /// - Throws: `QueryError.notFound` when the index has no image with tokens; `StoreError`.
  package static func draw(
    _ count: Int, wordCount: Int, from store: TokenStore, seed: UInt64 = 1
  ) throws -> [TokenMatrix] {
    let gaussians = GaussianSource()
    return try store.read { snapshot in
      var ids: [ItemID] = []
      try snapshot.forEachItem { if $0.tokenCount > 0 { ids.append($0.id) } }
      guard !ids.isEmpty else {
        throw QueryError(.notFound, "the index at \(store.path) has no images to draw queries from")
      }
      return try (0..<count).map { number in
        var generator = SplitMix64(seed: seed, kind: 6, number: number)
        let id = ids[generator.index(below: ids.count)]
        guard let tokens = try snapshot.tokens(of: id) else {
          throw QueryError(.notFound, "image \(id) has lost its tokens")
        }
        let scale = 0.5 / Double(tokens.dimension).squareRoot()
        var rows: [Float] = []
        for _ in 0..<wordCount {
          for value in tokens[generator.index(below: tokens.tokenCount)] {
            rows.append(Float(Double(value) + scale * gaussians.next(&generator)))
          }
        }
        return try TokenMatrix(
          normalizing: rows, tokenCount: wordCount, dimension: tokens.dimension)
      }
    }
  }
}
