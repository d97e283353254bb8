/// How well a box of patches shows a query.
///
/// A box is represented as X-VLM does (Zeng et al., ICML 2022, section 3.1): by the mean of its
/// patches, followed by the patches. Each word is compared with both, and both count the same:
///
///     score(T, B) = 1/n Σ_t ½ (max_{p ∈ B} ⟨T[t], I[p]⟩ + ⟨T[t], m⟩),   m = Σ_{p ∈ B} I[p], normalised
///
/// The best patch alone never falls when a box grows, and the mean alone prefers boxes that are too
/// small. On the gallery's 428 objects this rule points inside in 99.5 % of cases at an IoU of 0.36;
/// the larger of both (94.4 %, 0.34), the mean (99.5 %, 0.35) and the best patch (90.0 %, 0.26) are
/// worse. A box of one patch scores as its patch does.
package struct BoxScorer: Sendable {
  private let query: TokenMatrix
  /// `1/n Σ_t T[t]`.
  private let meanWord: [Double]
  /// What the mean's half says at most: `‖1/n Σ_t T[t]‖`.
  private let largestMean: Double

  /// A scorer for a query of at least one row; rows may be longer or shorter than 1.
  package init(query: TokenMatrix) {
    precondition(query.tokenCount > 0, "a query with at least one token")
    self.query = query
    var sum = [Double](repeating: 0, count: query.dimension)
    for row in 0..<query.tokenCount {
      for (column, value) in query[row].enumerated() { sum[column] += Double(value) }
    }
    meanWord = sum.map { $0 / Double(query.tokenCount) }
    largestMean = meanWord.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  /// A number that no box of an image exceeds whose text-to-image score is `imageScore`: a box's best
  /// patch is a patch of the image, and no unit vector is nearer to the words' mean than itself.
  package func upperBound(imageScore: Double) -> Double { (imageScore + largestMean) / 2 }

  /// The scores of boxes, in their order.
  /// - Parameter similarities: those of the query with `tile.tokens`.
  /// - Complexity: O(dimension + words × patches) for each box.
  package func scores(
    of boxes: [PatchBox], in tile: TileTokens, _ similarities: ExactSimilarities
  ) -> [Double] {
    let table = SummedAreaTable(tile)
    var sum: [Double] = []
    return boxes.map { box in
      table.writeSum(of: box, into: &sum)
      var best = 0.0
      for word in 0..<query.tokenCount {
        best += bestPatch(of: word, in: box, tile, similarities).similarity
      }
      return (best / Double(query.tokenCount) + cosine(meanWord, sum)) / 2
    }
  }

  /// How well each row of the query is shown by a box, and the best of the box's patches, counted in
  /// the grid; of equals the first. The mean of the scores is the box's.
  /// - Complexity: O(patches × dimension).
  package func matches(
    in box: PatchBox, of tile: TileTokens, _ similarities: ExactSimilarities
  ) -> [(score: Double, patch: Int)] {
    var sum: [Double] = []
    SummedAreaTable(tile).writeSum(of: box, into: &sum)
    return (0..<query.tokenCount).map { word in
      let best = bestPatch(of: word, in: box, tile, similarities)
      let mean = cosine(query[word].map(Double.init), sum)
      return ((best.similarity + mean) / 2, best.patch)
    }
  }

  private func bestPatch(
    of word: Int, in box: PatchBox, _ tile: TileTokens, _ similarities: ExactSimilarities
  ) -> (similarity: Double, patch: Int) {
    let first = word * similarities.patchCount
    var best = (similarity: -Double.infinity, patch: 0)
    for row in box.rows {
      for column in box.columns {
        let patch = row * tile.grid.columnCount + column
        let similarity = similarities.values[first + tile.tokenOfPatch[patch]]
        if similarity > best.similarity { best = (similarity, patch) }
      }
    }
    return best
  }

  /// The product of a vector with another that is normalised; 0 for one of zeros.
  private func cosine(_ vector: [Double], _ other: [Double]) -> Double {
    var (product, squares) = (0.0, 0.0)
    for index in other.indices {
      product += vector[index] * other[index]
      squares += other[index] * other[index]
    }
    return squares > 1e-24 ? product / squares.squareRoot() : 0
  }
}
