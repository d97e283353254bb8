internal import FilipLinearAlgebra

/// A table of vectors that stays in its file, such as the embeddings of a vocabulary.
///
/// Rows are converted as they are asked for: a vocabulary has tens of thousands, a query a few.
struct RowTable: Sendable {
  /// Number of rows.
  let rowCount: Int
  /// Floats in a row.
  let columnCount: Int

  private let file: SafetensorsFile
  private let tensor: TensorDescription
  private let format: FloatFormat

  /// The table in a tensor of two extents.
  init(_ entry: Checkpoint.Entry) throws(EncoderError) {
    precondition(entry.tensor.shape.count == 2, "a table has rows and columns")
    file = entry.file
    tensor = entry.tensor
    rowCount = tensor.shape[0]
    columnCount = tensor.shape[1]
    format = try file.floatFormat(of: tensor)
  }

  /// Copies row `index` to `target`, a matrix (1, columnCount).
  func copyRow(_ index: Int, to target: Matrix) {
    precondition(index >= 0 && index < rowCount, "row index")
    let byteCount = columnCount * format.byteCount
    file.withBytes(of: tensor) { bytes in
      let row = bytes.extracting(index * byteCount..<(index + 1) * byteCount)
      target.decode(row, as: format)
    }
  }
}
