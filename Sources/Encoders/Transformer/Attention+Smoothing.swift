internal import FilipLinearAlgebra

extension Attention {
  /// GEM's mix of one whole sequence (Bousselham et al., 2024, with one iteration, as published).
  ///
  /// For the values, keys and queries p of a head, rows normalised:
  ///
  ///     p ← normalise(softmax(β p·pᵀ) p),   W = softmax(β p·pᵀ)
  ///
  /// and the mix is the mean of the three W times the values. β is the mean length of the normed
  /// tokens over √headWidth.
  ///
  /// `fused` holds the sequence's rows alone; the normed tokens are those that
  /// `TransformerBlock.fuse` left in the workspace.
  /// - Complexity: 12 · tokens² · width multiply-adds.
  func smooth(
    _ fused: Matrix, sequence: Range<Int>, into context: Matrix, workspace: EncoderWorkspace
  ) {
    let count = fused.rowCount
    let headWidth = width / headCount
    let normed = workspace.matrix(.normed, rowCount: sequence.upperBound, columnCount: width)
    let sharpness = normed.rows(sequence).meanRowLength / Float(headWidth).squareRoot()
    let scores = workspace.matrix(.scores, rowCount: count, columnCount: count)
    let part = workspace.matrix(.part, rowCount: count, columnCount: headWidth)
    let smoothed = workspace.matrix(.smoothedPart, rowCount: count, columnCount: headWidth)
    for head in 0..<headCount {
      let columns = head * headWidth..<(head + 1) * headWidth
      func operand(_ operand: Operand) -> Matrix {
        fused.columns(operand.columns(width: width)).columns(columns)
      }
      for (index, kind) in [Operand.values, .keys, .queries].enumerated() {
        part.assign(operand(kind))
        part.normalizeRows()
        multiply(part, transposed: part, into: scores)
        scores.softmaxRows(scale: sharpness)
        multiply(scores, part, into: smoothed)
        smoothed.normalizeRows()
        multiply(smoothed, transposed: smoothed, into: scores)
        scores.softmaxRows(scale: sharpness)
        multiply(
          scores, operand(.values), into: context.columns(columns), scale: 1 / 3,
          keep: index == 0 ? 0 : 1)
      }
    }
  }
}
