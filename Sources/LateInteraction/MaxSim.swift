internal import FilipLinearAlgebra

/// Late interaction between the tokens of a text and the tokens of images (FILIP, Yao et al.,
/// ICLR 2022, equations 4 and 5).
///
/// With rows L2-normalised, `T` the n₂ tokens of a text and `I` the n₁ tokens of an image:
///
///     textToImage(T, I) = 1/n₂ · Σ_t max_p ⟨T[t], I[p]⟩       (equation 5)
///     imageToText(T, I) = 1/n₁ · Σ_p max_t ⟨T[t], I[p]⟩       (equation 4)
///
/// The two differ in general. Padding never enters, so a maximum over negative similarities stays
/// negative.
public enum ScoreDirection: String, Sendable, CaseIterable {
  /// For each word the best patch, averaged over the words: how well the image shows the text.
  case textToImage
  /// For each patch the best word, averaged over the patches: how well the text covers the image.
  case imageToText
  /// The mean of both.
  case mean
}

/// Scores one query against batches of images.
///
/// Keeps its work space between batches; use one scorer per thread.
public struct MaxSimScorer: ~Copyable {
  private let query: Matrix
  private let direction: ScoreDirection
  private var similarities: Matrix
  private var maxima: Matrix

  /// A scorer for `query`, whose rows are the words.
  /// - Precondition: `query` has at least one token.
  public init(query: TokenMatrix, direction: ScoreDirection = .textToImage) {
    precondition(query.tokenCount > 0, "a query with at least one token")
    self.query = Matrix(
      query.elements, rowCount: query.tokenCount, columnCount: query.dimension)
    self.direction = direction
    similarities = Matrix(rowCount: 0, columnCount: query.tokenCount)
    maxima = Matrix(rowCount: 0, columnCount: query.tokenCount)
  }

  /// The score of every image of `batch`, in its order; `-infinity` for an image without tokens.
  /// - Precondition: the batch has the query's dimension.
  /// - Complexity: one product of (patches, dimension) with (dimension, words).
  public mutating func scores(of batch: borrowing TokenBatch) -> [Float] {
    precondition(batch.dimension == query.columnCount, "one dimension for query and images")
    let products = product(with: batch)
    var result = [Float](repeating: 0, count: batch.count)
    if direction != .imageToText {
      maxima.reserve(rowCount: batch.count)
      let best = maxima.rows(0..<batch.count)
      maximumPerSegment(products, offsets: batch.offsets, into: best)
      for image in 0..<batch.count { result[image] = mean(best.rows(image..<image + 1).elements) }
    }
    if direction != .textToImage {
      let best = maximumPerRow(products)
      for image in 0..<batch.count {
        let patches = best[batch.offsets[image]..<batch.offsets[image + 1]]
        let score = patches.isEmpty ? -.infinity : mean(patches)
        result[image] = direction == .mean ? (result[image] + score) / 2 : score
      }
    }
    return result
  }

  /// All dot products, (patches, words).
  private mutating func product(with batch: borrowing TokenBatch) -> Matrix {
    similarities.reserve(rowCount: batch.tokenCount)
    let products = similarities.rows(0..<batch.tokenCount)
    multiply(batch.matrix, transposed: query, into: products)
    return products
  }
}

/// The mean, summed in double precision.
private func mean(_ values: some Collection<Float>) -> Float {
  var sum = 0.0
  for value in values { sum += Double(value) }
  return Float(sum / Double(values.count))
}

/// The score of one text and one image.
/// - Precondition: both have tokens, of one dimension.
public func maxSim(
  text: TokenMatrix, image: TokenMatrix, direction: ScoreDirection = .textToImage
) -> Float {
  precondition(image.tokenCount > 0, "an image with at least one token")
  var scorer = MaxSimScorer(query: text, direction: direction)
  var batch = TokenBatch(dimension: image.dimension)
  batch.append(image)
  return scorer.scores(of: batch)[0]
}
