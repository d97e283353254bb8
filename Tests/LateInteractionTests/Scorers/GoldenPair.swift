import FilipLateInteraction
import Foundation
import TestSupport

/// The matrices of sines that golden values were computed from in NumPy, and random ones like them.
enum GoldenPair {
  /// Rows of `sin(a·i + b)` over the flat index, normalised.
  static func waves(_ rows: Int, _ a: Double, _ b: Double) throws -> TokenMatrix {
    try TokenMatrix(
      normalizing: (0..<rows * 4).map { Float(sin(a * Double($0) + b)) }, tokenCount: rows,
      dimension: 4)
  }

  static func image() throws -> TokenMatrix { try waves(5, 0.7, 0.3) }
  static func text() throws -> TokenMatrix { try waves(3, 1.1, 0.2) }

  /// A pair with pooled vectors that are the mean of the tokens, normalised.
  static func pair(
    _ text: TokenMatrix, _ image: TokenMatrix, bags: [Range<Int>] = []
  ) -> TextImagePair {
    let (pooledText, pooledImage) = (mean(rows(text)), mean(rows(image)))
    var pair = TextImagePair(
      ExactSimilarities(text: text, image: image), text: TextTraits(tokens: text, bags: bags))
    pair.pooledSimilarity = dot(pooledText, pooledImage)
    pair.wordsWithImage = rows(text).map { dot($0, pooledImage) }
    pair.patchesWithText = rows(image).map { dot($0, pooledText) }
    return pair
  }

  /// Random tokens of 7 dimensions.
  static func random(
    words: Int, patches: Int, seed: UInt64
  ) throws -> (text: TokenMatrix, image: TokenMatrix) {
    var generator = SeededGenerator(seed: seed)
    func tokens(_ count: Int) throws -> TokenMatrix {
      try TokenMatrix(normalizing: generator.floats(count * 7), tokenCount: count, dimension: 7)
    }
    return (try tokens(words), try tokens(patches))
  }
}

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

/// The mean of the rows, normalised.
func mean(_ rows: [[Double]]) -> [Double] { normalized(sum(rows)) }

func sum(_ rows: [[Double]]) -> [Double] {
  rows[0].indices.map { column in rows.reduce(0) { $0 + $1[column] } }
}

func normalized(_ row: [Double]) -> [Double] {
  let length = dot(row, row).squareRoot()
  return row.map { $0 / length }
}
