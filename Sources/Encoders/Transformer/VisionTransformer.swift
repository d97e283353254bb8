internal import FilipLinearAlgebra

/// The vision tower: pixels to tokens of the joint space.
struct VisionTransformer: Sendable {
  let configuration: VisionConfiguration
  /// (width, channels · side²): the convolution's weight, one row per output.
  private let patchWeight: Matrix
  /// What the tokens are before any pixel is added: positions, with the class token and the patch
  /// embedding's bias, (tokens, width).
  private let template: Matrix
  private let normBeforeBlocks: LayerNorm?
  private let blocks: [TransformerBlock]
  private let normAfterBlocks: LayerNorm
  private let projections: (tokens: Linear, pooled: Linear)

  /// Width of the joint space.
  var dimension: Int { projections.tokens.weight.rowCount }
  /// Floats of one input image.
  var valueCount: Int {
    configuration.channelCount * configuration.imageSize * configuration.imageSize
  }

  /// The vectors of a batch, not normalised. Both live in the workspace until its next use.
  struct Output {
    /// (images · patches, dimension).
    let patches: Matrix
    /// (images, dimension).
    let pooled: Matrix
  }

  /// Runs the tower on images of `valueCount` floats each, planar, (channels, height, width).
  ///
  /// `variant` is what the last block does for the patches; the pooled vectors always come from
  /// the tower as trained.
  func run(
    on images: [[Float]], variant: TransformerBlock.Variant, workspace: EncoderWorkspace
  ) -> Output {
    let tokens = embed(images, workspace: workspace)
    let count = configuration.tokenCount
    let sequences = images.indices.map { $0 * count..<($0 + 1) * count }
    normBeforeBlocks?.apply(to: tokens, into: tokens)
    for block in blocks.dropLast() {
      block.run(on: tokens, sequences: sequences, workspace: workspace)
    }
    guard let last = blocks.last else { preconditionFailure("a tower has blocks") }

    let summaries = workspace.matrix(
      .summaries, rowCount: images.count, columnCount: configuration.transformer.width)
    let fused = last.fuse(tokens, workspace: workspace)
    if configuration.pooling == .classToken, variant != .ordinary {
      for (index, sequence) in sequences.enumerated() {
        summaries.rows(index..<index + 1).assign(tokens.rows(sequence.prefix(1)))
      }
      last.finishFirstTokens(
        summaries, fused: fused, sequences: sequences, workspace: workspace)
      normAfterBlocks.apply(to: summaries, into: summaries)
    }
    last.finish(
      tokens, fused: fused, sequences: sequences, variant: variant, workspace: workspace)
    normAfterBlocks.apply(to: tokens, into: tokens)
    for (index, sequence) in sequences.enumerated() {
      let summary = summaries.rows(index..<index + 1)
      switch configuration.pooling {
      case .mean: tokens.rows(patches(of: sequence)).writeRowMean(into: summary)
      case .classToken where variant == .ordinary:
        summary.assign(tokens.rows(sequence.prefix(1)))
      case .classToken: break
      }
    }
    return project(tokens, summaries, sequences: sequences, workspace: workspace)
  }

  private func patches(of sequence: Range<Int>) -> Range<Int> {
    sequence.suffix(configuration.patchCount)
  }

  private func embed(_ images: [[Float]], workspace: EncoderWorkspace) -> Matrix {
    let count = configuration.tokenCount
    let tokens = workspace.matrix(
      .tokens, rowCount: images.count * count, columnCount: configuration.transformer.width)
    let pixels = workspace.matrix(
      .pixels, rowCount: configuration.patchCount, columnCount: patchWeight.columnCount)
    for (index, image) in images.enumerated() {
      let sequence = index * count..<(index + 1) * count
      tokens.rows(sequence).assign(template)
      unfoldPatches(
        of: image, channelCount: configuration.channelCount, height: configuration.imageSize,
        width: configuration.imageSize, side: configuration.patchSize, into: pixels)
      multiply(
        pixels, transposed: patchWeight, into: tokens.rows(patches(of: sequence)), keep: 1)
    }
    return tokens
  }

  private func project(
    _ tokens: Matrix, _ summaries: Matrix, sequences: [Range<Int>], workspace: EncoderWorkspace
  ) -> Output {
    let count = configuration.patchCount
    let projected = workspace.matrix(
      .projected, rowCount: sequences.count * count, columnCount: dimension)
    for (index, sequence) in sequences.enumerated() {
      projections.tokens.apply(
        to: tokens.rows(patches(of: sequence)),
        into: projected.rows(index * count..<(index + 1) * count))
    }
    let pooled = workspace.matrix(
      .pooled, rowCount: sequences.count, columnCount: dimension)
    projections.pooled.apply(to: summaries, into: pooled)
    return Output(patches: projected, pooled: pooled)
  }

  // MARK: - Loading

  /// Reads the tower.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  init(
    _ configuration: VisionConfiguration, of model: ModelConfiguration, in checkpoint: Checkpoint
  ) throws(EncoderError) {
    let transformer = configuration.transformer
    let width = transformer.width
    let names = model.family.visionNames
    self.configuration = configuration
    let side = configuration.patchSize
    patchWeight = try checkpoint.matrix(
      names.patchEmbedding.weight, width, configuration.channelCount, side, side)

    let positions = try checkpoint.matrix(names.positions, configuration.tokenCount, width)
    template = Matrix(rowCount: configuration.tokenCount, columnCount: width)
    template.assign(positions)
    if configuration.hasClassToken {
      template.rows(0..<1).add(toEveryRow: try checkpoint.matrix(names.classToken, width))
    }
    if configuration.hasPatchBias {
      template.rows(configuration.tokenCount - configuration.patchCount..<template.rowCount)
        .add(toEveryRow: try checkpoint.matrix(names.patchEmbedding.bias, width))
    }
    normBeforeBlocks =
      configuration.hasNormBeforeBlocks
      ? try checkpoint.layerNorm(
        names.normBeforeBlocks, width: width, epsilon: transformer.normEpsilon) : nil
    blocks = try checkpoint.blocks(of: transformer, named: names.block)
    normAfterBlocks = try checkpoint.layerNorm(
      names.normAfterBlocks, width: width, epsilon: transformer.normEpsilon)
    projections = try checkpoint.projections(
      names.projection, pooled: names.pooledProjection, width: width,
      dimension: model.projectionDimension)
  }
}
