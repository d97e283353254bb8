internal import CKernels

extension PlaneTokens {
  /// Writes the tokens of a range to the rows of a matrix, `(range.count, dimension)`.
  ///
  /// With 8 bits a dimension is `scale · (code − 128)`, with 4 `scale · (16 code − 120.5)`: exact.
  /// - Complexity: one step per dimension.
  package func decode(_ range: Range<Int>, into rows: Matrix) {
    precondition(range.lowerBound >= 0 && range.upperBound <= tokenCount, "range of tokens")
    precondition(rows.rowCount == range.count, "a row for each token")
    precondition(
      rows.columnCount > 0
        && (rows.columnCount + Self.groupDimensionCount - 1) / Self.groupDimensionCount
          == groupCount,
      "dimension of the tokens")
    var kernel = kernel
    ck_plane_rows_f32(
      &kernel, range.lowerBound, range.count, rows.columnCount, rows.base, rows.stride)
  }
}
