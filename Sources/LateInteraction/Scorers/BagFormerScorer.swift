/// BagFormer's rule (Hou et al., 2022): words that belong together are one bag, whose vector is the
/// sum of theirs, normalised; each bag takes its best patch, or each patch its best bag, added up.
///
/// The authors add hidden states before the projection and the normalisation; here the tokens are
/// added that the index compares. A text without bags scores as if each word were one.
package struct BagFormerScorer: Scorer {
  /// What is summed over.
  package enum Side: String, Sendable, CaseIterable {
    /// Bags, each with its best patch.
    case textToImage = "t2i"
    /// Patches, each with its best bag.
    case imageToText = "i2t"
  }

  /// What is summed over.
  package var side: Side

  package init(side: Side = .textToImage) { self.side = side }

  package var name: String { "bagformer" }

  package func score(_ pair: TextImagePair) -> Double {
    guard !pair.isEmpty else { return -.infinity }
    let all = pair.similarities
    let (bags, norms) =
      pair.text.bags.isEmpty
      ? ((0..<all.wordCount).map { $0..<$0 + 1 }, [Double](repeating: 1, count: all.wordCount))
      : (pair.text.bags, pair.text.bagNorms)
    var bestOfBag = [Double](repeating: -.infinity, count: bags.count)
    var bestOfPatch = [Double](repeating: -.infinity, count: all.patchCount)
    for (bag, rows) in bags.enumerated() {
      for patch in 0..<all.patchCount {
        var sum = 0.0
        for word in rows { sum += all.values[word * all.patchCount + patch] }
        // Words that cancel out match nothing.
        let similarity = norms[bag] > 0 ? sum / norms[bag] : 0
        bestOfBag[bag] = max(bestOfBag[bag], similarity)
        bestOfPatch[patch] = max(bestOfPatch[patch], similarity)
      }
    }
    return (side == .textToImage ? bestOfBag : bestOfPatch).reduce(0, +)
  }
}
