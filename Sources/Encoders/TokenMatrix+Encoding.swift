internal import FilipLateInteraction
internal import FilipLinearAlgebra

extension TokenMatrix {
  /// The normalised rows of what a tower gave.
  ///
  /// - Throws: `.nonFiniteOutput`.
  static func normalizing(_ rows: Matrix) throws(EncoderError) -> TokenMatrix {
    do throws(TokenMatrixError) {
      return try TokenMatrix(
        normalizing: rows.elements, tokenCount: rows.rowCount, dimension: rows.columnCount)
    } catch {
      throw EncoderError(
        .nonFiniteOutput,
        "the model gave infinite or undefined values; its weights are damaged or not meant for "
          + "this family")
    }
  }
}

extension [Float] {
  /// One normalised row of what a tower gave.
  ///
  /// - Throws: `.nonFiniteOutput`.
  static func normalizing(_ row: Matrix) throws(EncoderError) -> [Float] {
    try TokenMatrix.normalizing(row).elements
  }
}
