/// TokenFlow's rule (Zou et al., 2022): a flow from every token of one side to those of the other,
/// where a token weighs as much as the other side's pooled vector thinks of it.
///
///     d_p = max(0, ⟨I[p], g_T⟩), scaled to a mean of 1        e_w = max(0, ⟨T[w], g_V⟩), likewise
///     image part: Σ_p d_p/n₁ · Σ_w softmax_w(λ s_pw e_w) s_pw
///     text part:  Σ_w e_w/n₂ · Σ_p softmax_p(λ s_pw d_p) s_pw
///     score:      the mean of both parts
///
/// A reconstruction from two implementations by others; the paper's text was not at hand. With equal
/// weights and λ → ∞ it is FILIP's mean of both directions. Weights that are all zero, or not known,
/// count as equal.
package struct TokenFlowScorer: Scorer {
  /// λ: how much of a token's flow goes to its best partner.
  package var sharpness: Double

  package init(sharpness: Double = 20) {
    precondition(sharpness >= 0, "sharpness of a softmax")
    self.sharpness = sharpness
  }

  package var name: String { "tokenflow" }
  package var needs: ScorerNeeds { .pooledProducts }

  package func score(_ pair: TextImagePair) -> Double {
    guard !pair.isEmpty else { return -.infinity }
    let all = pair.similarities
    let patches = weights(pair.patchesWithText, count: all.patchCount)
    let words = weights(pair.wordsWithImage, count: all.wordCount)
    var imagePart = 0.0
    for patch in 0..<all.patchCount where patches[patch] > 0 {
      imagePart +=
        patches[patch]
        * softMean(count: all.wordCount) { word in
          let similarity = all.values[word * all.patchCount + patch]
          return (similarity, sharpness * similarity * words[word])
        }
    }
    var textPart = 0.0
    for word in 0..<all.wordCount where words[word] > 0 {
      textPart +=
        words[word]
        * softMean(count: all.patchCount) { patch in
          let similarity = all.values[word * all.patchCount + patch]
          return (similarity, sharpness * similarity * patches[patch])
        }
    }
    return (imagePart / Double(all.patchCount) + textPart / Double(all.wordCount)) / 2
  }

  /// Positive parts, scaled to a mean of 1.
  private func weights(_ products: [Double], count: Int) -> [Double] {
    let positive = products.map { max(0, $0) }
    let mean = positive.reduce(0, +) / Double(count)
    guard positive.count == count, mean > 0 else { return [Double](repeating: 1, count: count) }
    return positive.map { $0 / mean }
  }
}
