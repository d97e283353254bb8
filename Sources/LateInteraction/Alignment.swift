/// Which token of an image each word matched best, and how well.
///
/// FILIP's `m_k^T` (equation 5 and section 3.1): the arg max behind the text-to-image score, whose
/// mean over the words is that score. Ties go to the earlier patch.
public struct Alignment: Sendable, Equatable {
  /// For each word, the index of its best patch.
  public let patches: [Int]
  /// For each word, the similarity with that patch, −1…1.
  public let similarities: [Float]

  /// Aligns the words of `text` with the patches of `image`.
  /// - Precondition: the image has tokens, of the text's dimension.
  /// - Complexity: words × patches dot products.
  public init(text: TokenMatrix, image: TokenMatrix) {
    precondition(image.tokenCount > 0, "an image with at least one token")
    self.init(ExactSimilarities(text: text, image: image))
  }

  /// Reads the alignment off similarities that were computed already.
  package init(_ all: ExactSimilarities) {
    let patches = (0..<all.wordCount).map(all.bestPatch)
    self.patches = patches
    similarities = patches.enumerated().map { word, patch in
      Float(all.values[word * all.patchCount + patch])
    }
  }
}

/// All similarities of words and patches: the map behind a heat map.
public struct SimilarityMap: Sendable {
  /// Number of words.
  public let wordCount: Int
  /// Number of patches.
  public let patchCount: Int
  /// `(wordCount, patchCount)`, row-major, each −1…1.
  public let values: [Float]

  /// Compares every word of `text` with every patch of `image`.
  /// - Precondition: the image has tokens, of the text's dimension.
  /// - Complexity: words × patches dot products.
  public init(text: TokenMatrix, image: TokenMatrix) {
    precondition(image.tokenCount > 0, "an image with at least one token")
    self.init(ExactSimilarities(text: text, image: image))
  }

  /// Rounds similarities that were computed already.
  package init(_ all: ExactSimilarities) {
    wordCount = all.wordCount
    patchCount = all.patchCount
    values = all.values.map { Float($0) }
  }

  /// The similarities of one word with all patches.
  public subscript(word word: Int) -> ArraySlice<Float> {
    precondition(word >= 0 && word < wordCount, "word index")
    return values[word * patchCount..<(word + 1) * patchCount]
  }
}
