internal import CKernels

extension Matrix {
  /// Divides every row by its Euclidean length; a row of zeros stays zero.
  package func normalizeRows() {
    ck_normalize_f32(base, stride, rowCount, columnCount)
  }

  /// Writes the layer norm of every row to `output`, which may be this matrix:
  /// `(x − mean) / √(variance + epsilon) · gain + bias`, with the biased variance.
  ///
  /// `output` has this matrix's shape; `gain` and `bias` are (1, columnCount).
  package func layerNorm(gain: Matrix, bias: Matrix, epsilon: Float, into output: Matrix) {
    precondition(
      output.rowCount == rowCount && output.columnCount == columnCount, "shape of the output")
    precondition(gain.rowCount == 1 && gain.columnCount == columnCount, "shape of the gain")
    precondition(bias.rowCount == 1 && bias.columnCount == columnCount, "shape of the bias")
    ck_layer_norm_f32(
      base, stride, output.base, output.stride, rowCount, columnCount, gain.base, bias.base,
      epsilon)
  }

  /// Replaces every row by the softmax of `scale` times itself.
  ///
  /// With `.causal`, row r sees its first r + 1 columns, with `.near` those up to its reach away;
  /// the others become 0.
  /// - Precondition: the elements are finite.
  package func softmaxRows(scale: Float, mask: AttentionMask = .none) {
    switch mask {
    case .none: ck_softmax_f32(base, stride, rowCount, columnCount, scale, columnCount, 0)
    case .causal: ck_softmax_f32(base, stride, rowCount, columnCount, scale, 1, 1)
    case .near(let reach):
      for row in 0..<rowCount {
        let elements = base + row * stride
        let first = min(max(0, row - reach), columnCount)
        let end = min(row + reach + 1, columnCount)
        elements.update(repeating: 0, count: first)
        ck_softmax_f32(elements + first, stride, 1, end - first, scale, end - first, 0)
        (elements + end).update(repeating: 0, count: columnCount - end)
      }
    }
  }
}

/// Which tokens a token may attend to.
package enum AttentionMask: Sendable, Hashable {
  /// All of them.
  case none
  /// Itself and those before it.
  case causal
  /// Those at most so many places away, on either side.
  case near(Int)

  /// Whether tokens see only those near them.
  package var hasReach: Bool {
    if case .near = self { true } else { false }
  }
}
