internal import FilipLinearAlgebra

/// Finds for rows the most similar of some others; its memory serves one batch after the other.
struct NearestRow {
  /// Where the most similar rows are, and how similar they are.
  struct Answer {
    /// The first of the most similar rows, for each row of the batch.
    var places: [Int32]
    /// The dot products with them.
    var similarities: [Float]
  }

  private let batchCount: Int
  private var products = FloatStorage(count: 0)
  private let maxima: Matrix

  /// Memory for batches of up to `batchCount` rows.
  init(dimension: Int, batchCount: Int) {
    self.batchCount = batchCount
    maxima = Matrix(rowCount: 1, columnCount: batchCount)
  }

  /// For each row of `batch`, the row of `others` that has the largest dot product with it.
  /// - Complexity: batch × others dot products.
  mutating func find(_ batch: Matrix, in others: Matrix) -> Answer {
    let products = multiply(others, with: batch)
    return answer(products)
  }

  /// For each row of `batch`, the `count` rows of `others` that have the largest dot products with
  /// it, first the best of every row, then the second best, and so on.
  mutating func findSeveral(_ count: Int, for batch: Matrix, in others: Matrix) -> [[Int32]] {
    precondition(count <= others.rowCount, "rows to find")
    let products = multiply(others, with: batch)
    return (0..<count).map { _ in
      let places = answer(products).places
      for (column, place) in places.enumerated() { products[Int(place), column] = -.infinity }
      return places
    }
  }

  /// `others · batchᵀ`: columns belong to rows of the batch, for maxima are fastest down columns.
  private mutating func multiply(_ others: Matrix, with batch: Matrix) -> Matrix {
    precondition(batch.rowCount <= batchCount, "rows of a batch")
    let count = others.rowCount * batch.rowCount
    if products.count < count { products = FloatStorage(count: count) }
    let result = Matrix(
      storage: products, rowCount: others.rowCount, columnCount: batch.rowCount)
    FilipLinearAlgebra.multiply(others, transposed: batch, into: result)
    return result
  }

  private func answer(_ products: Matrix) -> Answer {
    let maxima = maxima.columns(0..<products.columnCount)
    let places = maximumPerSegmentWithPlaces(
      products, offsets: [0, products.rowCount], into: maxima)
    return Answer(places: places, similarities: maxima.elements)
  }
}
