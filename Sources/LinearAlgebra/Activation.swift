internal import CKernels

/// The non-linearity between the two layers of a feed-forward network.
package enum Activation: String, Sendable, Hashable {
  /// max(x, 0).
  case relu
  /// x/2 · (1 + erf(x / √2)), to 1e-6.
  case gelu
  /// x / (1 + exp(−1.702 x)), the approximation that OpenAI's CLIP was trained with.
  case quickGELU
  /// x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))).
  case tanhGELU

  var kernel: ck_activation {
    switch self {
    case .relu: CK_RELU
    case .gelu: CK_GELU
    case .quickGELU: CK_GELU_QUICK
    case .tanhGELU: CK_GELU_TANH
    }
  }
}

extension Matrix {
  /// Replaces every element x of column i by `activation(x + bias[i])`.
  ///
  /// `bias` is (1, columnCount); without one nothing is added.
  package func apply(_ activation: Activation, adding bias: Matrix?) {
    precondition(
      bias.map { $0.rowCount == 1 && $0.columnCount == columnCount } ?? true, "shape of the bias")
    ck_bias_activation_f32(
      base, stride, rowCount, columnCount, bias?.base, activation.kernel)
  }
}
