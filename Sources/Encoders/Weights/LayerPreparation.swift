internal import FilipLinearAlgebra

/// Makes the weights of linear layers in the form in which they compute.
final class LayerPreparation: Sendable {
  private let format: ComputeFormat
  private let cache: WeightCache?

  /// 32-bit floats, in the mapped file where they are stored so.
  static let floats = LayerPreparation(.float32, cache: nil)

  /// Layers in `format`; what is made of them is taken from `cache`, or put there by `keep`.
  init(_ format: ComputeFormat, cache: WeightCache?) {
    self.format = format
    self.cache = cache
  }

  /// The weights of the tensors `names`, each (output, input), stacked; with `factors`, the name of a
  /// vector, each row is multiplied by its element.
  ///
  /// A layer of more inputs than 8 bits have room for stays in floats.
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  func weight(
    _ names: [String], input: Int, output: Int, factors: String? = nil, in checkpoint: Checkpoint
  ) throws(EncoderError) -> LinearWeight {
    // What is asked for must be there, even if the cache has it: the message is the same then.
    for name in names { _ = try checkpoint.tensor(name, shape: [output, input]) }
    if let factors { _ = try checkpoint.tensor(factors, shape: [output]) }
    func matrices() throws(EncoderError) -> [Matrix] {
      try names.map { (name) throws(EncoderError) in
        let matrix = try checkpoint.matrix(name, output, input)
        guard let factors else { return matrix }
        let scaled = Matrix(rowCount: output, columnCount: input)
        scaled.assign(matrix)
        scaled.scaleRows(by: try checkpoint.matrix(factors, output))
        return scaled
      }
    }
    guard format == .int8, input <= QuantizedWeights.inputCountLimit else {
      return .floats(try matrices())
    }
    let label = (names + (factors.map { [$0] } ?? [])).joined(separator: "+")
    if let kept = cache?.weights(label, outputCount: names.count * output, inputCount: input) {
      return .quantized(kept)
    }
    let weights = QuantizedWeights(rounding: try matrices())
    cache?.add(weights, named: label)
    // The 32-bit weights will not be read again.
    for name in names {
      try checkpoint.tensor(name, shape: [output, input]).release()
    }
    return .quantized(weights)
  }

  /// Writes what was made to the cache; whether that works makes no difference to anyone.
  func keep() { cache?.write() }
}

extension Checkpoint {
  /// The same tensors, of which the linear layers of `part` are made in `format`, with what was made
  /// before from `cacheDirectory`.
  func computing(
    in format: ComputeFormat, part: TowerPart, cacheDirectory: String?
  ) -> Checkpoint {
    guard format != .float32 else { return self }
    let cache = cacheDirectory.map { WeightCache(directory: $0, part: part, of: self) }
    return Checkpoint(self, preparation: LayerPreparation(format, cache: cache))
  }
}
