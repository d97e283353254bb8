/// Tokens and pooled vectors together: `w · textToImage + (1 − w) · ⟨g_T, g_V⟩`.
///
/// An image without a pooled vector counts as one with similarity −1 there.
package struct HybridScorer: Scorer {
  /// The share of the tokens, 0…1.
  package var weight: Double

  package init(weight: Double = 0.5) {
    precondition((0...1).contains(weight), "a share")
    self.weight = weight
  }

  package var name: String { "hybrid" }
  package var needs: ScorerNeeds { .pooledSimilarity }

  package func score(_ pair: TextImagePair) -> Double {
    let pooled = pair.pooledSimilarity.isNaN ? -1 : pair.pooledSimilarity
    return combined(tokens: pair.similarities.score(.textToImage), pooled: pooled)
  }

  /// The score from its two parts.
  package func combined(tokens: Double, pooled: Double) -> Double {
    // A weight of zero must not meet an infinity.
    weight == 0 ? pooled : weight == 1 ? tokens : weight * tokens + (1 - weight) * pooled
  }

  package func upperBound(textToImage: Double) -> Double? {
    combined(tokens: textToImage, pooled: 1)
  }
}
