package import FilipLinearAlgebra

extension PlaneSegment {
  /// Writes tokens as the codes say they are, rotated as they are stored, to the rows of a matrix,
  /// `(tokens.count, dimension)`.
  ///
  /// They are read as finely as the segment has them; the values are exact.
  /// - Complexity: one step per dimension.
  package func decode(_ tokens: Range<Int>, into rows: Matrix) {
    precondition(rows.columnCount == dimension, "dimension of the rows")
    PlaneTokens(
      high: high, low: low, scales: scales.assumingMemoryBound(to: UInt16.self),
      groupCount: groupCount, tokenCount: tokenCount
    ).decode(tokens, into: rows)
  }
}
