internal import FilipLinearAlgebra

/// Every similarity of a text's words with an image's patches, in double precision.
///
/// What exact scores and their evidence are read from. The bits are the same on every machine.
package struct ExactSimilarities: Sendable {
  /// Number of words.
  package let wordCount: Int
  /// Number of patches.
  package let patchCount: Int
  /// `(wordCount, patchCount)`, row-major.
  package let values: [Double]

  /// Compares every word with the first `patchCount` rows of `patches`.
  /// - Precondition: `patches` has at least `patchCount` rows of the text's dimension.
  /// - Complexity: words × patches dot products.
  package init(text: TokenMatrix, patches: [Float], patchCount: Int) {
    wordCount = text.tokenCount
    self.patchCount = patchCount
    values = dotProducts(
      words: text.elements, wordCount: text.tokenCount, patches: patches, patchCount: patchCount,
      dimension: text.dimension)
  }

  /// Compares every word of `text` with every patch of `image`.
  /// - Precondition: both have one dimension.
  package init(text: TokenMatrix, image: TokenMatrix) {
    precondition(text.dimension == image.dimension, "one dimension for text and image")
    self.init(text: text, patches: image.elements, patchCount: image.tokenCount)
  }

  /// Similarities that were computed otherwise, `(wordCount, patchCount)`, row-major.
  package init(values: [Double], wordCount: Int, patchCount: Int) {
    precondition(values.count == wordCount * patchCount, "element count of similarities")
    (self.values, self.wordCount, self.patchCount) = (values, wordCount, patchCount)
  }

  /// The late-interaction score (FILIP, equations 4 and 5), `-infinity` without words or patches.
  package func score(_ direction: ScoreDirection) -> Double {
    score(direction, of: 0..<wordCount)
  }

  /// The score of some of the words alone.
  package func score(_ direction: ScoreDirection, of words: Range<Int>) -> Double {
    guard !words.isEmpty, patchCount > 0 else { return -.infinity }
    switch direction {
    case .textToImage: return textToImage(words)
    case .imageToText: return imageToText(words)
    case .mean: return (textToImage(words) + imageToText(words)) / 2
    }
  }

  private func textToImage(_ words: Range<Int>) -> Double {
    var sum = 0.0
    for word in words { sum += values[bestPatch(of: word) + word * patchCount] }
    return sum / Double(words.count)
  }

  private func imageToText(_ words: Range<Int>) -> Double {
    var sum = 0.0
    for patch in 0..<patchCount {
      var best = values[words.lowerBound * patchCount + patch]
      for word in words.dropFirst() { best = max(best, values[word * patchCount + patch]) }
      sum += best
    }
    return sum / Double(patchCount)
  }

  /// The patch that a word matches best; of equals the first.
  package func bestPatch(of word: Int) -> Int {
    let first = word * patchCount
    var best = first
    for place in first..<first + patchCount where values[place] > values[best] { best = place }
    return best - first
  }

  /// The first words, each divided by a number of its own.
  /// - Precondition: there are as many words as divisors, or more.
  package func dividing(by divisors: [Double]) -> ExactSimilarities {
    ExactSimilarities(
      values: divisors.enumerated().flatMap { word, divisor in
        values[word * patchCount..<(word + 1) * patchCount].map { $0 / divisor }
      }, wordCount: divisors.count, patchCount: patchCount)
  }
}
