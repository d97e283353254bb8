import FilipLateInteraction

/// The share of the tokens in a hybrid that ranks some queries best.
///
/// Of 21 shares from 0 to 1 the one with the largest mean reciprocal rank, where a document that is
/// not relevant goes before a relevant one of the same score; of equals the one nearest to 0.5, then
/// the lower.
/// - Parameters:
///   - tokens: for each query the documents' scores by tokens.
///   - pooled: likewise by pooled vectors.
///   - relevant: for each query the places of its relevant documents.
/// - Complexity: 21 × queries × documents.
func fittedHybridWeight(
  tokens: [ArraySlice<Float>], pooled: [ArraySlice<Float>], relevant: [[Int]]
) -> Double {
  let weights = (0...20).map { Double($0) / 20 }
  let values = weights.map { weight in
    let scorer = HybridScorer(weight: weight)
    return tokens.indices.reduce(0.0) { sum, query in
      let scores = zip(tokens[query], pooled[query]).map {
        scorer.combined(tokens: Double($0), pooled: Double($1))
      }
      guard let best = relevant[query].map({ scores[$0] }).max() else { return sum }
      let others = scores.indices.count { scores[$0] >= best && !relevant[query].contains($0) }
      return sum + 1 / Double(1 + others)
    }
  }
  let best = weights.indices.min { left, right in
    values[left] != values[right]
      ? values[left] > values[right] : abs(weights[left] - 0.5) < abs(weights[right] - 0.5)
  }
  return best.map { weights[$0] } ?? 0.5
}

extension Evaluation {
  /// Scores by a hybrid whose share was fitted, each half of the queries with the share of the other
  /// half: no query takes part in choosing its own.
  /// - Returns: `(queries, documents)`, row-major, and the shares of even and odd queries.
  static func fittedHybrid(
    tokens: [Float], pooled: [Float], relevant: [[Int]], documentCount: Int
  ) -> (scores: [Float], weights: [Double]) {
    func rows(_ all: [Float], _ queries: [Int]) -> [ArraySlice<Float>] {
      // Slices keep their places in the table; those of `relevant` count from a row's start.
      queries.map { all[$0 * documentCount..<($0 + 1) * documentCount] }
    }
    var scores = tokens
    let weights = [0, 1].map { half in
      let others = relevant.indices.filter { $0 % 2 != half }
      return fittedHybridWeight(
        tokens: rows(tokens, others), pooled: rows(pooled, others),
        relevant: others.map { relevant[$0] })
    }
    for query in relevant.indices {
      let scorer = HybridScorer(weight: weights[query % 2])
      for place in query * documentCount..<(query + 1) * documentCount {
        scores[place] = Float(
          scorer.combined(tokens: Double(tokens[place]), pooled: Double(pooled[place])))
      }
    }
    return (scores, weights)
  }
}
