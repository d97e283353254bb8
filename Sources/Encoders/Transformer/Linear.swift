internal import FilipLinearAlgebra

/// A linear layer: `x · weightᵀ + bias`.
struct Linear: Sendable {
  let weight: LinearWeight
  /// (1, output).
  let bias: Matrix?

  /// A layer of these weights, computed as they are kept.
  init(_ weight: LinearWeight, bias: Matrix?) {
    self.weight = weight
    self.bias = bias
  }

  /// A layer of 32-bit weights, (output, input).
  init(weight: Matrix, bias: Matrix?) {
    self.init(.floats([weight]), bias: bias)
  }

  /// Writes the layer's output, through `activation` where there is one, for every row of `input` to
  /// `output`.
  func apply(to input: Matrix, into output: Matrix, activation: Activation? = nil) {
    switch weight {
    case .quantized(let weights):
      multiply(input, quantized: weights, bias: bias, into: output, activation: activation)
    case .floats(let parts):
      if let activation {
        multiply(input, stacked: parts, into: output, keep: 0)
        output.apply(activation, adding: bias)
      } else if let bias {
        // The product adds to what is there: the bias costs no pass of its own.
        output.assign(everyRow: bias)
        multiply(input, stacked: parts, into: output, keep: 1)
      } else {
        multiply(input, stacked: parts, into: output, keep: 0)
      }
    }
  }

  /// Adds the layer's output for every row of `input` to `output`.
  func accumulate(_ input: Matrix, into output: Matrix) {
    switch weight {
    case .quantized(let weights):
      multiply(input, quantized: weights, bias: bias, into: output, keep: true)
    case .floats(let parts):
      if let bias { output.add(toEveryRow: bias) }
      multiply(input, stacked: parts, into: output, keep: 1)
    }
  }
}

/// Writes `keep · output + input · weightᵀ` to `output`, for the weights that `parts` are, stacked.
private func multiply(
  _ input: Matrix, stacked parts: [Matrix], into output: Matrix, keep: Float
) {
  precondition(
    output.columnCount == parts.reduce(0) { $0 + $1.rowCount }, "columns of a layer's output")
  var first = 0
  for part in parts {
    let columns = output.columns(first..<first + part.rowCount)
    multiply(input, transposed: part, into: columns, keep: keep)
    first += part.rowCount
  }
}

/// The weights of a linear layer, in the form in which it computes.
enum LinearWeight: Sendable {
  /// Matrices (output, input) of as many columns, stacked. They may lie in different places, so a
  /// mapped file is used as it is.
  case floats([Matrix])
  /// 8-bit weights; the rows they are applied to are rounded to 8 bits too.
  case quantized(QuantizedWeights)

  /// `count` rows in runs that are best taken through several layers one after the other.
  ///
  /// What lies between two layers in 8 bits should stay in the second cache: 96 rows of 3,072 floats
  /// nearly do, and are enough to read weights for. OpenBLAS cuts rows itself and wants all of them.
  func runs(of count: Int) -> [Range<Int>] {
    guard case .quantized = self else { return [0..<count] }
    return stride(from: 0, to: count, by: 96).map { $0..<min($0 + 96, count) }
  }

  /// Floats that come out.
  var rowCount: Int {
    switch self {
    case .floats(let parts): parts.reduce(0) { $0 + $1.rowCount }
    case .quantized(let weights): weights.outputCount
    }
  }

  /// Floats that go in.
  var columnCount: Int {
    switch self {
    case .floats(let parts): parts.first?.columnCount ?? 0
    case .quantized(let weights): weights.inputCount
    }
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
    _ names: LayerNames, input: Int, output: Int, hasBias: Bool = true, factors: String? = nil
  ) throws(EncoderError) -> Linear {
    try linear(
      stacking: [names], input: input, output: output, hasBias: hasBias, factors: factors)
  }

  /// Layers of the same input as one, so that one product serves all: each from `input` to `output`
  /// floats.
  ///
  /// `factors` names a vector that what comes out is multiplied by, if the family has one.
  func linear(
    stacking names: [LayerNames], input: Int, output: Int, hasBias: Bool = true,
    factors: String? = nil
  ) throws(EncoderError) -> Linear {
    let weight = try preparation.weight(
      names.map(\.weight), input: input, output: output, factors: factors, in: self)
    guard hasBias else { return Linear(weight, bias: nil) }
    let biases = try names.map { (names) throws(EncoderError) in try matrix(names.bias, output) }
    guard biases.count > 1 || factors != nil else { return Linear(weight, bias: biases[0]) }
    let bias = Matrix(rowCount: 1, columnCount: biases.count * output)
    for (index, part) in biases.enumerated() {
      let columns = bias.columns(index * output..<(index + 1) * output)
      columns.assign(part)
      if let factors { columns.multiplyElements(by: try matrix(factors, output)) }
    }
    return Linear(weight, bias: bias)
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
