internal import FilipLateInteraction
internal import FilipLinearAlgebra
internal import Glibc

/// The vision tower: pixels to tokens of the joint space.
struct VisionTransformer: Sendable {
  let configuration: VisionConfiguration
  /// Width of the joint space; of the tower's own, where the text tower goes on from there.
  let dimension: Int
  /// (width, channels · side²): the convolution's weight, one row per output.
  private let patchWeight: Matrix
  /// What the tokens before the patches are, (leading tokens, width).
  private let leading: Matrix
  /// What the patches are before any pixel is added: their positions, with the patch embedding's
  /// bias.
  private let positions: PositionGrid
  private let normBeforeBlocks: LayerNorm?
  private let blocks: [TransformerBlock]
  private let normAfterBlocks: LayerNorm
  /// To the joint space, where it is another than that of the tokens.
  private let projections: (tokens: Linear, pooled: Linear)?
  private let head: PoolingHead?
  /// In which every patch asks, where the family has one.
  private let denseHead: PoolingHead?
  /// What the projected patches become, where the checkpoint has it.
  private let learnedTokens: LearnedTokens?

  /// Number of tokens of an image of so many patches.
  func tokenCount(patchCount: Int) -> Int { learnedTokens?.count ?? patchCount }

  /// The vectors of a batch, not normalised. Both live in the workspace until its next use.
  struct Output {
    /// All images' tokens, one image after the other, (tokens, dimension): their patches, or the
    /// learned tokens in their place.
    let tokens: Matrix
    /// Each image's rows of `tokens`.
    let ranges: [Range<Int>]
    /// For each image and each of its patches, the token that stands for it; `nil` where patches
    /// are tokens.
    let patchTokens: [[UInt32]]?
    /// (images, dimension).
    let pooled: Matrix
  }

  /// The tokens of a batch.
  private struct Layout {
    let grids: [PatchGrid]
    /// Each image's tokens, all of them.
    let sequences: [Range<Int>]
    let leadingCount: Int

    init(_ grids: [PatchGrid], leadingCount: Int) {
      self.grids = grids
      self.leadingCount = leadingCount
      var (sequences, start) = ([Range<Int>](), 0)
      for grid in grids {
        sequences.append(start..<start + leadingCount + grid.patchCount)
        start += leadingCount + grid.patchCount
      }
      self.sequences = sequences
    }

    var tokenCount: Int { sequences.last?.upperBound ?? 0 }

    func patches(of sequence: Range<Int>) -> Range<Int> { sequence.dropFirst(leadingCount) }
  }

  /// Runs the tower on prepared images, whose sizes it takes.
  ///
  /// `mode` says how patches are taken; the pooled vectors always come from the tower as trained.
  func run(
    on images: [PreparedImage], mode: TokenMode, workspace: EncoderWorkspace
  ) -> Output {
    let layout = Layout(images.map(grid(of:)), leadingCount: configuration.leadingCount)
    let tokens = embed(images, layout, workspace: workspace)
    normBeforeBlocks?.apply(to: tokens, into: tokens)
    let summaries = workspace.matrix(
      .summaries, rowCount: images.count, columnCount: configuration.transformer.width)
    let patches = runBlocks(
      on: tokens, layout, variant: mode.variant, summaries: summaries, workspace: workspace)
    return project(patches, summaries, layout, mode: mode, workspace: workspace)
  }

  /// The grid of an image's patches.
  func grid(of image: PreparedImage) -> PatchGrid {
    PatchGrid(
      rowCount: image.height / configuration.patchSize,
      columnCount: image.width / configuration.patchSize)
  }

  private func embed(
    _ images: [PreparedImage], _ layout: Layout, workspace: EncoderWorkspace
  ) -> Matrix {
    let tokens = workspace.matrix(
      .tokens, rowCount: layout.tokenCount, columnCount: configuration.transformer.width)
    for (index, image) in images.enumerated() {
      let (sequence, grid) = (layout.sequences[index], layout.grids[index])
      tokens.rows(sequence.prefix(layout.leadingCount)).assign(leading)
      let patches = tokens.rows(layout.patches(of: sequence))
      positions.write(grid, into: patches, workspace: workspace)
      let pixels = workspace.matrix(
        .pixels, rowCount: grid.patchCount, columnCount: patchWeight.columnCount)
      unfoldPatches(
        of: image.values, channelCount: configuration.channelCount, height: image.height,
        width: image.width, side: configuration.patchSize, into: pixels)
      multiply(pixels, transposed: patchWeight, into: patches, keep: 1)
    }
    return tokens
  }

  /// Runs all blocks, pools, and returns the tokens whose patches are wanted, normed.
  ///
  /// What `variant` changes runs beside the ordinary tower, which goes on for the sake of
  /// `summaries`, (images, width).
  private func runBlocks(
    on tokens: Matrix, _ layout: Layout, variant: TransformerBlock.Variant, summaries: Matrix,
    workspace: EncoderWorkspace
  ) -> Matrix {
    let sequences = layout.sequences
    let changedCount = variant == .ordinary ? 0 : min(variant.depth, blocks.count)
    for block in blocks.dropLast(changedCount) {
      block.run(on: tokens, sequences: sequences, workspace: workspace)
    }
    guard changedCount > 0 else {
      normAfterBlocks.apply(to: tokens, into: tokens)
      pool(tokens, layout, into: summaries, workspace: workspace)
      return tokens
    }
    let beside = workspace.matrix(
      .beside, rowCount: tokens.rowCount, columnCount: tokens.columnCount)
    beside.assign(tokens)
    let closeness = closeness(layout, reach: variant.neighbourReach)
    for (index, block) in blocks.suffix(changedCount).enumerated() {
      let fused = block.fuse(tokens, workspace: workspace)
      block.finish(
        beside, fused: fused, sequences: sequences, variant: variant, closeness: closeness,
        workspace: workspace)
      if configuration.pooling == .classToken, index == changedCount - 1 {
        for (index, sequence) in sequences.enumerated() {
          summaries.rows(index..<index + 1).assign(tokens.rows(sequence.prefix(1)))
        }
        block.finishFirstTokens(
          summaries, fused: fused, sequences: sequences, workspace: workspace)
        normAfterBlocks.apply(to: summaries, into: summaries)
      } else {
        block.finish(
          tokens, fused: fused, sequences: sequences, variant: .ordinary, workspace: workspace)
      }
    }
    if configuration.pooling != .classToken {
      normAfterBlocks.apply(to: tokens, into: tokens)
      pool(tokens, layout, into: summaries, workspace: workspace)
    }
    normAfterBlocks.apply(to: beside, into: beside)
    return beside
  }

  /// Makes one vector of each image's normed tokens.
  private func pool(
    _ tokens: Matrix, _ layout: Layout, into summaries: Matrix, workspace: EncoderWorkspace
  ) {
    if let head {
      return head.pool(
        tokens, sequences: layout.sequences, into: summaries, workspace: workspace)
    }
    for (index, sequence) in layout.sequences.enumerated() {
      let summary = summaries.rows(index..<index + 1)
      if configuration.pooling == .classToken {
        summary.assign(tokens.rows(sequence.prefix(1)))
      } else {
        tokens.rows(layout.patches(of: sequence)).writeRowMean(into: summary)
      }
    }
  }

  private func project(
    _ tokens: Matrix, _ summaries: Matrix, _ layout: Layout, mode: TokenMode,
    workspace: EncoderWorkspace
  ) -> Output {
    var (ranges, start) = ([Range<Int>](), 0)
    for grid in layout.grids {
      ranges.append(start..<start + grid.patchCount)
      start += grid.patchCount
    }
    let projected = workspace.matrix(.projected, rowCount: start, columnCount: dimension)
    for (range, sequence) in zip(ranges, layout.sequences) {
      let (source, target) = (
        tokens.rows(layout.patches(of: sequence)), projected.rows(range)
      )
      if let projections {
        projections.tokens.apply(to: source, into: target)
      } else if let denseHead {
        denseHead.askEach(source, into: target, workspace: workspace)
      } else if let head, mode != .patch {
        head.poolEach(source, into: target, workspace: workspace)
      } else {
        target.assign(source)
      }
    }
    var pooled = summaries
    if let projections {
      pooled = workspace.matrix(.pooled, rowCount: summaries.rowCount, columnCount: dimension)
      projections.pooled.apply(to: summaries, into: pooled)
    }
    guard let learnedTokens else {
      return Output(tokens: projected, ranges: ranges, patchTokens: nil, pooled: pooled)
    }
    let count = learnedTokens.count
    let reduced = workspace.matrix(
      .learned, rowCount: ranges.count * count, columnCount: dimension)
    let learnedRanges = ranges.indices.map { $0 * count..<($0 + 1) * count }
    let patchTokens = zip(ranges, learnedRanges).map { range, learned in
      learnedTokens.reduce(
        projected.rows(range), into: reduced.rows(learned), workspace: workspace)
    }
    return Output(
      tokens: reduced, ranges: learnedRanges, patchTokens: patchTokens, pooled: pooled)
  }

  // MARK: - Closeness

  /// For each image exp(−distance² / 2 reach²) for every pair of its patches, and 0 for pairs with
  /// a token that has no place; empty without a reach. Images with equal grids share a matrix.
  ///
  /// - Complexity: the square of an image's tokens, for each grid.
  private func closeness(_ layout: Layout, reach: Float?) -> [Matrix] {
    guard let reach else { return [] }
    var known: [PatchGrid: Matrix] = [:]
    return layout.grids.map { grid in
      if let matrix = known[grid] { return matrix }
      let matrix = Self.closeness(grid, leadingCount: layout.leadingCount, reach: reach)
      known[grid] = matrix
      return matrix
    }
  }

  private static func closeness(_ grid: PatchGrid, leadingCount: Int, reach: Float) -> Matrix {
    let farthest = max(grid.rowCount, grid.columnCount)
    let gaussian = (0..<farthest).map { distance in
      exp(-Float(distance * distance) / (2 * reach * reach))
    }
    let count = leadingCount + grid.patchCount
    var elements = [Float](repeating: 0, count: leadingCount * count)
    elements.reserveCapacity(count * count)
    for row in 0..<grid.rowCount {
      for column in 0..<grid.columnCount {
        elements.append(contentsOf: repeatElement(0, count: leadingCount))
        for otherRow in 0..<grid.rowCount {
          let factor = gaussian[abs(row - otherRow)]
          for otherColumn in 0..<grid.columnCount {
            elements.append(factor * gaussian[abs(column - otherColumn)])
          }
        }
      }
    }
    return Matrix(elements, rowCount: count, columnCount: count)
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
    dimension = model.page == nil ? model.projectionDimension : width
    let side = configuration.patchSize
    // NaFlex models embed patches by a linear layer, whose columns are in another order.
    patchWeight =
      configuration.input == .anyGrid && configuration.pooling == .attention
      ? try checkpoint.channelFirst(
        names.patchEmbedding.weight, rowCount: width, channelCount: configuration.channelCount,
        side: side)
      : try checkpoint.matrix(
        names.patchEmbedding.weight, width, configuration.channelCount, side, side)

    let learned = try checkpoint.rows(
      names.positions, rowCount: configuration.patchCount + (configuration.hasClassToken ? 1 : 0),
      columnCount: width)
    leading = Matrix(rowCount: configuration.leadingCount, columnCount: width)
    if configuration.hasClassToken {
      leading.rows(0..<1).assign(
        try checkpoint.rows(names.classToken, rowCount: 1, columnCount: width))
      leading.rows(0..<1).add(toEveryRow: learned.rows(0..<1))
    }
    if let registers = names.registers, configuration.registerCount > 0 {
      let count = configuration.registerCount
      leading.rows(leading.rowCount - count..<leading.rowCount).assign(
        try checkpoint.rows(registers, rowCount: count, columnCount: width))
    }
    let places = Matrix(rowCount: configuration.patchCount, columnCount: width)
    places.assign(learned.rows(learned.rowCount - places.rowCount..<learned.rowCount))
    if configuration.hasPatchBias {
      places.add(toEveryRow: try checkpoint.matrix(names.patchEmbedding.bias, width))
    }
    positions = PositionGrid(places, side: configuration.gridSide)
    normBeforeBlocks =
      configuration.hasNormBeforeBlocks
      ? try checkpoint.layerNorm(
        names.normBeforeBlocks, width: width, epsilon: transformer.normEpsilon) : nil
    let isOther = !checkpoint.contains(names.block(0).feedForwardInner.weight)
    blocks = try checkpoint.blocks(
      of: transformer, named: isOther ? names.otherBlock ?? names.block : names.block)
    normAfterBlocks = try checkpoint.layerNorm(
      names.normAfterBlocks, width: width, epsilon: transformer.normEpsilon)
    projections =
      configuration.hasProjection
      ? try checkpoint.projections(
        names.projection, pooled: names.pooledProjection, width: width, dimension: dimension) : nil
    head = try names.head.map { (names) throws(EncoderError) in
      try PoolingHead(names, of: transformer, in: checkpoint)
    }
    denseHead = try names.denseHead.map { (names) throws(EncoderError) in
      try PoolingHead(names, of: transformer, in: checkpoint)
    }
    if let names = names.learnedTokens {
      learnedTokens = try LearnedTokens(names, dimension: dimension, in: checkpoint)
    } else {
      learnedTokens = nil
    }
  }
}

extension Checkpoint {
  /// The weight of a linear layer over a patch's pixels, (rowCount, side² · channels), with its
  /// columns brought from (line, column, channel) into the order of a convolution, (channel, line,
  /// column).
  fileprivate func channelFirst(
    _ name: String, rowCount: Int, channelCount: Int, side: Int
  ) throws(EncoderError) -> Matrix {
    let area = side * side
    let stored = try matrix(name, rowCount, area * channelCount).elements
    var elements: [Float] = []
    elements.reserveCapacity(stored.count)
    for row in 0..<rowCount {
      for channel in 0..<channelCount {
        let start = row * area * channelCount + channel
        for pixel in 0..<area { elements.append(stored[start + pixel * channelCount]) }
      }
    }
    return Matrix(elements, rowCount: rowCount, columnCount: area * channelCount)
  }
}
