/// Soft alignment: a word's similarity is the mean over all patches, weighted by a softmax of their
/// similarities, instead of the best one's; averaged over the words.
///
/// What DiDE's distilled attention computes (Wang et al., EMNLP 2022), in the form of SCAN (Lee et
/// al., ECCV 2018). Never above FILIP's text-to-image score, and equal to it as τ → 0.
package struct SoftAlignmentScorer: Scorer {
  /// τ: similarities are divided by it before the softmax.
  package var temperature: Double

  package init(temperature: Double = 0.05) {
    precondition(temperature > 0, "temperature above zero")
    self.temperature = temperature
  }

  package var name: String { "soft" }

  package func score(_ pair: TextImagePair) -> Double {
    guard !pair.isEmpty else { return -.infinity }
    let all = pair.similarities
    var sum = 0.0
    for word in 0..<all.wordCount {
      sum += softMean(count: all.patchCount) { patch in
        let similarity = all.values[word * all.patchCount + patch]
        return (similarity, similarity / temperature)
      }
    }
    return sum / Double(all.wordCount)
  }

  package func upperBound(textToImage: Double) -> Double? { textToImage }
}
