internal import FilipLinearAlgebra

extension TransformerBlock {
  /// Reads block number `layer`.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  init(
    _ layer: Int, _ names: BlockNames, of configuration: TransformerConfiguration,
    in checkpoint: Checkpoint
  ) throws(EncoderError) {
    let width = configuration.width
    let inner = configuration.innerWidth
    func norm(_ names: LayerNames) throws(EncoderError) -> LayerNorm {
      try checkpoint.layerNorm(
        names, width: width, epsilon: configuration.normEpsilon,
        hasBias: configuration.hasNormBias)
    }
    let isNormed = layer > 0 || configuration.normsFirstBlock
    attentionNorm = isNormed ? try norm(names.attentionNorm) : nil
    let (mask, rotationBase) = configuration.attention(ofBlock: layer)
    attention = try Attention(
      fused: checkpoint.fused(
        names.attentionInputs, width: width, hasBias: configuration.hasAttentionBias),
      output: checkpoint.linear(
        names.attentionOutput, input: width, output: width,
        hasBias: configuration.hasAttentionBias
      ).scaled(by: checkpoint.factors(names.attentionScale, width: width)),
      headCount: configuration.headCount, mask: mask, rotationBase: rotationBase)
    feedForwardNorm = try norm(names.feedForwardNorm)
    feedForward = try FeedForward(
      inner: checkpoint.linear(
        names.feedForwardInner, input: width, output: configuration.isGated ? 2 * inner : inner,
        hasBias: configuration.hasFeedForwardBias),
      outer: checkpoint.linear(
        names.feedForwardOuter, input: inner, output: width,
        hasBias: configuration.hasFeedForwardBias
      ).scaled(by: checkpoint.factors(names.feedForwardScale, width: width)),
      activation: configuration.activation, isGated: configuration.isGated)
    normPlacement = configuration.normPlacement
  }
}

extension TransformerConfiguration {
  /// Which tokens a block's tokens see, and the base of its angles.
  fileprivate func attention(
    ofBlock layer: Int
  ) -> (mask: AttentionMask, rotationBase: Float?) {
    guard let rotation else { return (mask, nil) }
    return rotation.isLocal[layer]
      ? (.near(rotation.localReach), rotation.localBase) : (mask, rotation.globalBase)
  }
}

extension Checkpoint {
  /// Queries, keys and values as one layer, so that one product serves all: three layers of the
  /// file stacked, or the one that the file has.
  fileprivate func fused(
    _ names: [LayerNames], width: Int, hasBias: Bool
  ) throws(EncoderError) -> Linear {
    // Reading comes first: it checks the sizes before memory is taken for them.
    let height = 3 * width / names.count
    let parts = try names.map { (names) throws(EncoderError) in
      try linear(names, input: width, output: height, hasBias: hasBias)
    }
    guard parts.count > 1 else { return parts[0] }
    let weight = Matrix(rowCount: 3 * width, columnCount: width)
    let bias = hasBias ? Matrix(rowCount: 1, columnCount: 3 * width) : nil
    for (index, part) in parts.enumerated() {
      let range = index * height..<(index + 1) * height
      weight.rows(range).assign(part.weight)
      if let bias, let partBias = part.bias { bias.columns(range).assign(partBias) }
    }
    return Linear(weight: weight, bias: bias)
  }

  /// The learned factors called `name`, (1, width); `nil` for a family that has none.
  fileprivate func factors(_ name: String?, width: Int) throws(EncoderError) -> Matrix? {
    guard let name else { return nil }
    return try matrix(name, width)
  }

  /// All blocks of a tower.
  func blocks(
    of configuration: TransformerConfiguration, named names: (Int) -> BlockNames
  ) throws(EncoderError) -> [TransformerBlock] {
    var blocks: [TransformerBlock] = []
    for layer in 0..<configuration.layerCount {
      blocks.append(try TransformerBlock(layer, names(layer), of: configuration, in: self))
    }
    return blocks
  }

  /// The projections of a tower to the joint space: of its tokens, and of a whole sequence, which
  /// is the same one unless the checkpoint has a second.
  func projections(
    _ name: String, pooled: String, width: Int, dimension: Int
  ) throws(EncoderError) -> (tokens: Linear, pooled: Linear) {
    let tokens = Linear(weight: try matrix(name, dimension, width), bias: nil)
    guard contains(pooled) else { return (tokens, tokens) }
    return (tokens, Linear(weight: try matrix(pooled, dimension, width), bias: nil))
  }
}

extension Linear {
  /// The layer whose outputs are multiplied by `factors`, (1, output), after the bias: layer scale
  /// costs nothing once it is part of the weights.
  fileprivate func scaled(by factors: Matrix?) -> Linear {
    guard let factors else { return self }
    let scaledWeight = Matrix(rowCount: weight.rowCount, columnCount: weight.columnCount)
    scaledWeight.assign(weight)
    scaledWeight.scaleRows(by: factors)
    guard let bias else { return Linear(weight: scaledWeight, bias: nil) }
    let scaledBias = Matrix(rowCount: 1, columnCount: bias.columnCount)
    scaledBias.assign(bias)
    scaledBias.reshaped(rowCount: bias.columnCount, columnCount: 1).scaleRows(by: factors)
    return Linear(weight: scaledWeight, bias: scaledBias)
  }
}
