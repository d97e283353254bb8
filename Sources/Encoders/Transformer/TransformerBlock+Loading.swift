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
      fused: checkpoint.linear(
        stacking: names.attentionInputs, input: width,
        output: 3 * width / names.attentionInputs.count,
        hasBias: configuration.hasAttentionBias),
      output: checkpoint.linear(
        names.attentionOutput, input: width, output: width,
        hasBias: configuration.hasAttentionBias, factors: names.attentionScale),
      headCount: configuration.headCount, mask: mask, rotationBase: rotationBase)
    feedForwardNorm = try norm(names.feedForwardNorm)
    feedForward = try FeedForward(
      inner: checkpoint.linear(
        names.feedForwardInner, input: width, output: configuration.isGated ? 2 * inner : inner,
        hasBias: configuration.hasFeedForwardBias),
      outer: checkpoint.linear(
        names.feedForwardOuter, input: inner, output: width,
        hasBias: configuration.hasFeedForwardBias, factors: names.feedForwardScale),
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
