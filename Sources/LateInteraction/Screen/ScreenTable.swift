internal import FilipLinearAlgebra

/// How similar every centroid is to every word of a query, in a byte each: what the screen adds up
/// instead of multiplying vectors.
///
/// A similarity `v` becomes `(v + 1) · 127.5`, rounded; an image's score is the sum over the words
/// of the largest byte among its tokens' centroids. It ranks images; it bounds nothing.
package struct ScreenTable: Sendable {
  /// The codebook whose codes the table understands.
  package let codebook: UInt64
  /// Bytes of a centroid's row: the number of words rounded up to 8 or a multiple of 16.
  let rowByteCount: Int
  /// `(centroids, rowByteCount)`; zero where there is no word.
  let bytes: [UInt8]
  /// No image scores more.
  package let largestScore: Int

  /// The table of a query with at least one word.
  /// - Precondition: query and codebook have the same dimension.
  /// - Complexity: words × centroids dot products.
  package init(query: TokenMatrix, codebook: ScreenCodebook) {
    precondition(query.tokenCount > 0, "a query with at least one token")
    precondition(query.dimension == codebook.dimension, "dimension of the query")
    let wordCount = query.tokenCount
    let rotation = TokenRotation(dimension: query.dimension)
    var words: [Float] = []
    var rotated: [Double] = []
    for word in 0..<wordCount {
      rotation.rotate(query[word], into: &rotated)
      words += rotated.map { Float($0) }
    }
    let products = Matrix(rowCount: codebook.centroidCount, columnCount: wordCount)
    multiply(
      codebook.centroids,
      transposed: Matrix(words, rowCount: wordCount, columnCount: query.dimension), into: products)
    let rowByteCount = wordCount <= 8 ? 8 : (wordCount + 15) / 16 * 16
    self.rowByteCount = rowByteCount
    bytes = screenTable(of: products, rowByteCount: rowByteCount)
    self.codebook = codebook.id
    largestScore = 255 * wordCount
  }

  /// Writes the score of every image: image `i` has the codes `bounds[i]..<bounds[i + 1]`.
  /// - Returns: whether codes and bounds fit the table and each other; the scores mean nothing
  ///   otherwise.
  /// - Complexity: one row of bytes per token.
  package func writeScores(
    codes: Span<UInt16>, bounds: Span<UInt32>, into scores: inout [Int32]
  ) -> Bool {
    screenScores(
      codes: codes, bounds: bounds, table: bytes.span, rowByteCount: rowByteCount, into: &scores)
  }
}
