/// One text and one image, as a scorer sees them.
package struct TextImagePair: Sendable {
  /// Every word with every patch.
  package var similarities: ExactSimilarities
  /// What is known of the text alone.
  package var text: TextTraits
  /// `⟨g_T, g_V⟩`: the similarity of the pooled vectors; NaN when one of them is missing.
  package var pooledSimilarity = Double.nan
  /// `⟨T[w], g_V⟩` for each word; empty when the image's pooled vector is missing.
  package var wordsWithImage: [Double] = []
  /// `⟨I[p], g_T⟩` for each patch; empty when the text's pooled vector is missing.
  package var patchesWithText: [Double] = []
  /// The image's tags, in lower case.
  package var tags: Set<String> = []

  /// A pair of which only the similarities are known so far.
  package init(_ similarities: ExactSimilarities, text: TextTraits = TextTraits()) {
    self.similarities = similarities
    self.text = text
  }

  /// Whether there are no words or no patches.
  var isEmpty: Bool { similarities.wordCount == 0 || similarities.patchCount == 0 }
}

/// What scorers know of a text besides its similarities with an image.
package struct TextTraits: Sendable, Hashable {
  /// Rows that belong together: bags of words. Rows in none (special tokens) are in no bag.
  package var bags: [Range<Int>]
  /// `‖Σ T[w]‖` over the rows of each bag.
  package var bagNorms: [Double]
  /// The words, in lower case; those that the tags of an image may name.
  package var words: [String]

  /// The traits of a text whose tokens are the rows of `tokens`.
  ///
  /// - Precondition: bags are not empty and lie within the rows.
  package init(tokens: TokenMatrix, bags: [Range<Int>], words: [String] = []) {
    self.bags = bags
    self.words = words
    bagNorms = bags.map { bag in
      precondition(!bag.isEmpty && bag.upperBound <= tokens.tokenCount, "rows of a bag")
      var sum = [Double](repeating: 0, count: tokens.dimension)
      for row in bag {
        for (column, value) in tokens[row].enumerated() { sum[column] += Double(value) }
      }
      return sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
  }

  /// Nothing is known.
  package init() {
    bags = []
    bagNorms = []
    words = []
  }
}
