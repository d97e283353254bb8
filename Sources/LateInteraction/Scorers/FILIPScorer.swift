/// FILIP's own rule (Yao et al., ICLR 2022, equations 4 and 5): for each word the best patch, or for
/// each patch the best word, averaged.
package struct FILIPScorer: Scorer {
  /// What becomes of the rows that fill a text up to a fixed length.
  package enum Padding: String, Sendable, CaseIterable {
    /// They are left out, as the paper says.
    case exclude
    /// They take part as rows of zeros, as in the code that Huawei released (Wukong): a patch whose
    /// similarities are all negative gets 0. It changes the image-to-text score alone, since the
    /// other one is averaged over real words.
    case zero
  }

  /// Which side is averaged.
  package var direction: ScoreDirection
  /// What becomes of padding. A text is taken for one that does not fill its length.
  package var padding: Padding

  package init(direction: ScoreDirection = .textToImage, padding: Padding = .exclude) {
    self.direction = direction
    self.padding = padding
  }

  package var name: String { "filip" }

  package var scan: ScorerScan {
    padding == .exclude || direction == .textToImage ? .tokens(direction) : .none
  }

  package func score(_ pair: TextImagePair) -> Double {
    let all = pair.similarities
    guard padding == .zero, direction != .textToImage, !pair.isEmpty else {
      return all.score(direction)
    }
    var sum = 0.0
    for patch in 0..<all.patchCount {
      var best = 0.0
      for word in 0..<all.wordCount { best = max(best, all.values[word * all.patchCount + patch]) }
      sum += best
    }
    let imageToText = sum / Double(all.patchCount)
    return direction == .mean ? (all.score(.textToImage) + imageToText) / 2 : imageToText
  }
}
