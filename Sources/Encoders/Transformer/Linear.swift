internal import FilipLinearAlgebra

/// A linear layer: `x · weightᵀ + bias`.
struct Linear: Sendable {
  /// (output, input).
  let weight: Matrix
  /// (1, output).
  let bias: Matrix?

  /// Writes the layer's output for every row of `input` to `output`.
  func apply(to input: Matrix, into output: Matrix) {
    guard let bias else { return multiply(input, transposed: weight, into: output) }
    // The product adds to what is there: the bias costs no pass of its own.
    output.assign(everyRow: bias)
    multiply(input, transposed: weight, into: output, keep: 1)
  }

  /// Adds the layer's output for every row of `input` to `output`.
  func accumulate(_ input: Matrix, into output: Matrix) {
    if let bias { output.add(toEveryRow: bias) }
    multiply(input, transposed: weight, into: output, keep: 1)
  }
}

/// A layer norm with its learned gain and bias.
struct LayerNorm: Sendable {
  /// (1, width).
  let gain: Matrix
  /// (1, width).
  let bias: Matrix
  let epsilon: Float

  /// Writes the norm of every row of `input` to `output`, which may be `input`.
  func apply(to input: Matrix, into output: Matrix) {
    input.layerNorm(gain: gain, bias: bias, epsilon: epsilon, into: output)
  }
}

extension Checkpoint {
  /// The layer whose tensors are called `names`, from `input` to `output` floats.
  func linear(
    _ names: LayerNames, input: Int, output: Int, hasBias: Bool = true
  ) throws(EncoderError) -> Linear {
    try Linear(
      weight: matrix(names.weight, output, input),
      bias: hasBias ? matrix(names.bias, output) : nil)
  }

  /// The layer norm whose tensors are called `names`; one without a bias adds zeros.
  func layerNorm(
    _ names: LayerNames, width: Int, epsilon: Float, hasBias: Bool = true
  ) throws(EncoderError) -> LayerNorm {
    try LayerNorm(
      gain: matrix(names.weight, width),
      bias: hasBias ? matrix(names.bias, width) : Matrix(rowCount: 1, columnCount: width),
      epsilon: epsilon)
  }
}
