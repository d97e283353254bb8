extension Matrix {
  /// The same floats in rows of another width; both see every change.
  ///
  /// - Precondition: there are no gaps between the rows, and the count of floats is the same.
  package func reshaped(rowCount: Int, columnCount: Int) -> Matrix {
    precondition(
      stride == self.columnCount && rowCount * columnCount == self.rowCount * self.columnCount,
      "shape of the same floats")
    return Matrix(
      storage: storage, offset: offset, rowCount: rowCount, columnCount: columnCount,
      stride: columnCount)
  }

  /// Multiplies row `i` by `factors[0, i]`; `factors` is (1, rowCount).
  package func scaleRows(by factors: Matrix) {
    precondition(factors.rowCount == 1 && factors.columnCount == rowCount, "shape of the factors")
    for row in 0..<rowCount {
      let (start, factor) = (base + row * stride, factors.base[row])
      for column in 0..<columnCount { start[column] *= factor }
    }
  }

  /// The mean Euclidean length of the rows.
  ///
  /// - Precondition: there are rows.
  package var meanRowLength: Float {
    precondition(rowCount > 0, "rows to take the mean of")
    var sum: Float = 0
    for row in 0..<rowCount {
      let start = base + row * stride
      var square: Float = 0
      for column in 0..<columnCount { square += start[column] * start[column] }
      sum += square.squareRoot()
    }
    return sum / Float(rowCount)
  }
}
