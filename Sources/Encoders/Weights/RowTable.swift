internal import FilipLinearAlgebra

/// A table of vectors that stays in its file, such as the embeddings of a vocabulary.
///
/// Rows are converted as they are asked for: a vocabulary has tens of thousands, a query a few.
struct RowTable: Sendable {
  /// Number of rows.
  var rowCount: Int { tensor.shape[0] }
  /// Floats in a row.
  var columnCount: Int { tensor.shape[1] }

  private let tensor: TensorView
  private let format: FloatFormat

  /// The table in a tensor of two extents.
  ///
  /// - Throws: `.unsupportedElementType`.
  init(_ tensor: TensorView) throws(EncoderError) {
    precondition(tensor.shape.count == 2, "a table has rows and columns")
    self.tensor = tensor
    format = try tensor.floatFormat
  }

  /// Copies row `index` to `target`, a matrix (1, columnCount).
  func copyRow(_ index: Int, to target: Matrix) {
    tensor.copyRow(index, as: format, to: target)
  }
}
