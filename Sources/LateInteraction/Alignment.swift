internal import FilipLinearAlgebra

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
    let products = similarityMatrix(text: text, image: image)
    var patches = [Int]()
    var similarities = [Float]()
    for word in 0..<text.tokenCount {
      var best = 0
      for patch in 1..<max(image.tokenCount, 1) where products[word, patch] > products[word, best] {
        best = patch
      }
      patches.append(best)
      similarities.append(products[word, best])
    }
    self.patches = patches
    self.similarities = similarities
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
    wordCount = text.tokenCount
    patchCount = image.tokenCount
    values = similarityMatrix(text: text, image: image).elements
  }

  /// The similarities of one word with all patches.
  public subscript(word word: Int) -> ArraySlice<Float> {
    precondition(word >= 0 && word < wordCount, "word index")
    return values[word * patchCount..<(word + 1) * patchCount]
  }
}

/// Dot products, (words, patches).
private func similarityMatrix(text: TokenMatrix, image: TokenMatrix) -> Matrix {
  precondition(image.tokenCount > 0, "an image with at least one token")
  precondition(text.dimension == image.dimension, "one dimension for text and image")
  let products = Matrix(rowCount: text.tokenCount, columnCount: image.tokenCount)
  multiply(
    Matrix(text.elements, rowCount: text.tokenCount, columnCount: text.dimension),
    transposed: Matrix(image.elements, rowCount: image.tokenCount, columnCount: image.dimension),
    into: products)
  return products
}
