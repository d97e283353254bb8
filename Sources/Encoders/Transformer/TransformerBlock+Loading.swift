internal import FilipLinearAlgebra

extension TransformerBlock {
  /// Reads one block.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  init(
    _ names: BlockNames, of configuration: TransformerConfiguration,
    in checkpoint: Checkpoint
  ) throws(EncoderError) {
    let width = configuration.width
    let epsilon = configuration.normEpsilon
    normBeforeAttention = try checkpoint.layerNorm(
      names.normBeforeAttention, width: width, epsilon: epsilon)
    attention = try Attention(
      fused: checkpoint.linear(
        stacking: [names.queries, names.keys, names.values], input: width, output: width),
      output: checkpoint.linear(names.attentionOutput, input: width, output: width),
      headCount: configuration.headCount, mask: configuration.mask)
    normBeforeFeedForward = try checkpoint.layerNorm(
      names.normBeforeFeedForward, width: width, epsilon: epsilon)
    feedForward = try FeedForward(
      inner: checkpoint.linear(
        names.feedForwardInner, input: width, output: configuration.innerWidth),
      outer: checkpoint.linear(
        names.feedForwardOuter, input: configuration.innerWidth, output: width),
      activation: configuration.activation)
  }
}

extension Checkpoint {
  /// All blocks of a tower.
  func blocks(
    of configuration: TransformerConfiguration, named names: (Int) -> BlockNames
  ) throws(EncoderError) -> [TransformerBlock] {
    var blocks: [TransformerBlock] = []
    for layer in 0..<configuration.layerCount {
      blocks.append(try TransformerBlock(names(layer), of: configuration, in: self))
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
