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
      names.attentionNorm, width: width, epsilon: epsilon)
    attention = try Attention(
      fused: checkpoint.fused(names.attentionInputs, width: width),
      output: checkpoint.linear(names.attentionOutput, input: width, output: width)
        .scaled(by: checkpoint.factors(names.attentionScale, width: width)),
      headCount: configuration.headCount, mask: configuration.mask)
    normBeforeFeedForward = try checkpoint.layerNorm(
      names.feedForwardNorm, width: width, epsilon: epsilon)
    feedForward = try FeedForward(
      inner: checkpoint.linear(
        names.feedForwardInner, input: width, output: configuration.innerWidth),
      outer: checkpoint.linear(
        names.feedForwardOuter, input: configuration.innerWidth, output: width
      ).scaled(by: checkpoint.factors(names.feedForwardScale, width: width)),
      activation: configuration.activation)
  }
}

extension Checkpoint {
  /// Queries, keys and values of one product, (3 · width, width): stored so, or three square layers
  /// stacked.
  fileprivate func fused(_ names: [LayerNames], width: Int) throws(EncoderError) -> Linear {
    if names.count == 1 { return try linear(names[0], input: width, output: 3 * width) }
    // Reading comes first: it checks the sizes before memory is taken for them.
    let parts = try names.map { (names) throws(EncoderError) in
      try linear(names, input: width, output: width)
    }
    let weight = Matrix(rowCount: parts.count * width, columnCount: width)
    let bias = Matrix(rowCount: 1, columnCount: parts.count * width)
    for (index, part) in parts.enumerated() {
      let range = index * width..<(index + 1) * width
      weight.rows(range).assign(part.weight)
      if let partBias = part.bias { bias.columns(range).assign(partBias) }
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
