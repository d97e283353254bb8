/// For each word or phrase the mean of its best `r` patches, averaged over the words: the expectation
/// of MVPTR's rule (Li et al., ACM MM 2022), which draws one of the best three.
///
/// An image with fewer patches gives all it has. Never above FILIP's text-to-image score, and equal
/// to it with `r` = 1.
package struct TopRScorer: Scorer {
  /// How many patches count.
  package var r: Int

  package init(r: Int = 3) {
    precondition(r > 0, "number of patches")
    self.r = r
  }

  package var name: String { "top-r" }

  package func score(_ pair: TextImagePair) -> Double {
    guard !pair.isEmpty else { return -.infinity }
    let all = pair.similarities
    let count = min(r, all.patchCount)
    var sum = 0.0
    for word in 0..<all.wordCount {
      var best = TopK<Int>(capacity: count)
      for patch in 0..<all.patchCount {
        best.insert(ScoredItem(id: patch, score: all.values[word * all.patchCount + patch]))
      }
      sum += best.sorted.reduce(0) { $0 + $1.score } / Double(count)
    }
    return sum / Double(all.wordCount)
  }

  package func upperBound(textToImage: Double) -> Double? { textToImage }
}
