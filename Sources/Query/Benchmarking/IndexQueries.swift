package import FilipLateInteraction
package import FilipStore

/// Queries for an index of which nothing else is known: words near tokens of its own images.
package enum IndexQueries {
  /// Draws queries; the same for the same index and seed. None when no image has tokens.
  ///
  /// Each takes some tokens of one image, as many as `wordCounts` allows, drawn evenly, and adds
  /// Gaussian noise of 0.5/√d per coordinate to each, as the synthetic corpus does to its words; rows
  /// are normalised.
  package static func draw(
    _ count: Int, wordCounts: ClosedRange<Int>, from snapshot: borrowing Snapshot, seed: UInt64 = 1
  ) throws -> [TokenMatrix] {
    let gaussians = GaussianSource()
    var ids: [ItemID] = []
    try snapshot.forEachItem { if $0.tokenCount > 0 { ids.append($0.id) } }
    var queries: [TokenMatrix] = []
    for number in 0..<(ids.isEmpty ? 0 : count) {
      var generator = SplitMix64(seed: seed, kind: 6, number: number)
      let id = ids[generator.index(below: ids.count)]
      guard let tokens = try snapshot.tokens(of: id) else { continue }
      let wordCount = wordCounts.lowerBound + generator.index(below: wordCounts.count)
      let scale = 0.5 / Double(tokens.dimension).squareRoot()
      var rows: [Float] = []
      for _ in 0..<wordCount {
        for value in tokens[generator.index(below: tokens.tokenCount)] {
          rows.append(Float(Double(value) + scale * gaussians.next(&generator)))
        }
      }
      queries.append(
        try TokenMatrix(
          normalizing: rows, tokenCount: wordCount, dimension: tokens.dimension))
    }
    return queries
  }
}
