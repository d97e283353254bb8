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

  /// The weights of the tensors `names`, each (output, input), stacked.
  ///
  /// A layer of more inputs than 8 bits have room for stays in floats.
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  func weight(
    _ names: [String], input: Int, output: Int, in checkpoint: Checkpoint
  ) throws(EncoderError) -> LinearWeight {
    // What is asked for must be there, even if the cache has it: the message is the same then.
    for name in names { _ = try checkpoint.entry(name, shape: [output, input]) }
    guard format == .int8, input <= QuantizedWeights.inputCountLimit else {
      return .floats(try matrices(names, input: input, output: output, in: checkpoint))
    }
    let label = names.joined(separator: "+")
    if let kept = cache?.weights(label, outputCount: names.count * output, inputCount: input) {
      return .quantized(kept)
    }
    let weights = QuantizedWeights(
      rounding: try matrices(names, input: input, output: output, in: checkpoint))
    cache?.add(weights, named: label)
    // The 32-bit weights will not be read again.
    for name in names {
      let entry = try checkpoint.entry(name, shape: [output, input])
      entry.file.release(entry.tensor)
    }
    return .quantized(weights)
  }

  /// Writes what was made to the cache; whether that works makes no difference to anyone.
  func keep() { cache?.write() }

  private func matrices(
    _ names: [String], input: Int, output: Int, in checkpoint: Checkpoint
  ) throws(EncoderError) -> [Matrix] {
    try names.map { (name) throws(EncoderError) in try checkpoint.matrix(name, output, input) }
  }
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
