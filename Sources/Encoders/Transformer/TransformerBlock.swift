internal import FilipLinearAlgebra

/// One block: x ← x + attention(norm(x)), then x ← x + feedForward(norm(x)); with norms that stand
/// after, x ← norm(x + attention(x)), then x ← norm(x + feedForward(x)).
struct TransformerBlock: Sendable {
  /// `nil` where what attention sees is normed already.
  let attentionNorm: LayerNorm?
  let attention: Attention
  let feedForwardNorm: LayerNorm
  let feedForward: FeedForward
  let normPlacement: TransformerConfiguration.NormPlacement

  /// Which parts of a block run, and with which attention matrix.
  ///
  /// Training-free ways to patch vectors change the last blocks only, and differ in these five.
  struct Variant: Sendable, Hashable {
    var pattern: Attention.Pattern
    /// Whether the block's input is added to what attention gives.
    var keepsInput: Bool
    /// Whether the feed-forward network (with its own residual) runs.
    var runsFeedForward: Bool
    /// How many of the last blocks run so; queries, keys and values are always those of the
    /// ordinary tower.
    var depth = 1
    /// The deviation σ, in patches, of the Gaussian exp(−distance² / 2σ²) that is added to the
    /// similarities of patches; `nil` adds none.
    var neighbourReach: Float?

    /// As trained.
    static let ordinary = Variant(pattern: .ordinary, keepsInput: true, runsFeedForward: true)

    /// The last block's attention and nothing else.
    static func attentionOnly(_ pattern: Attention.Pattern) -> Variant {
      Variant(pattern: pattern, keepsInput: false, runsFeedForward: false)
    }

    /// A path beside the last six blocks that adds up what attention gives.
    static func besideLastBlocks(_ pattern: Attention.Pattern) -> Variant {
      Variant(pattern: pattern, keepsInput: true, runsFeedForward: false, depth: 6)
    }
  }

  /// Runs the block in place on sequences that lie one after the other in `tokens`.
  ///
  /// `visible` are the tokens of each sequence that attention sees; `nil` for all. `rotation` turns
  /// queries and keys where the block does that.
  func run(
    on tokens: Matrix, sequences: [Range<Int>], visible: [Range<Int>]? = nil,
    rotation: RotaryTable? = nil, variant: Variant = .ordinary, workspace: EncoderWorkspace
  ) {
    let fused = fuse(tokens, workspace: workspace)
    if let rotation { attention.rotate(fused, sequences: sequences, by: rotation) }
    finish(
      tokens, fused: fused, sequences: sequences, visible: visible, variant: variant,
      workspace: workspace)
  }

  /// Queries, keys and values of all tokens, (tokens, 3 · width); the workspace keeps the normed
  /// tokens as `.normed` until the feed-forward network.
  func fuse(_ tokens: Matrix, workspace: EncoderWorkspace) -> Matrix {
    let fused = workspace.matrix(
      .fused, rowCount: tokens.rowCount, columnCount: 3 * tokens.columnCount)
    guard normPlacement == .before, let attentionNorm else {
      attention.fused.apply(to: tokens, into: fused)
      return fused
    }
    let normed = workspace.matrix(
      .normed, rowCount: tokens.rowCount, columnCount: tokens.columnCount)
    for rows in attention.fused.weight.runs(of: tokens.rowCount) {
      attentionNorm.apply(to: tokens.rows(rows), into: normed.rows(rows))
      attention.fused.apply(to: normed.rows(rows), into: fused.rows(rows))
    }
    return fused
  }

  /// The rest of the block, for all tokens, in place.
  ///
  /// `closeness` holds what is added to the similarities of each sequence; empty adds nothing.
  func finish(
    _ tokens: Matrix, fused: Matrix, sequences: [Range<Int>], visible: [Range<Int>]? = nil,
    variant: Variant, closeness: [Matrix] = [], workspace: EncoderWorkspace
  ) {
    let context: Matrix
    if variant.pattern == .identity {
      // The values are the mix.
      context = fused.columns(Attention.Operand.values.columns(width: attention.width))
    } else {
      context = workspace.matrix(
        .context, rowCount: tokens.rowCount, columnCount: tokens.columnCount)
      for (index, (asking, seen)) in zip(sequences, visible ?? sequences).enumerated() {
        attention.mix(
          fused, sequence: seen, asking: asking, pattern: variant.pattern,
          closeness: closeness.isEmpty ? nil : closeness[index], into: context.rows(asking),
          workspace: workspace)
      }
    }
    finish(tokens, context: context, variant: variant, workspace: workspace)
  }

  /// The rest of the block for the first token of each sequence alone, whose input is in
  /// `summaries`, (sequences, width), in place. Ordinary attention.
  func finishFirstTokens(
    _ summaries: Matrix, fused: Matrix, sequences: [Range<Int>], workspace: EncoderWorkspace
  ) {
    let context = workspace.matrix(
      .summaryContext, rowCount: summaries.rowCount, columnCount: summaries.columnCount)
    for (index, sequence) in sequences.enumerated() {
      attention.mix(
        fused, sequence: sequence, asking: sequence.prefix(1), pattern: .ordinary,
        into: context.rows(index..<index + 1), workspace: workspace)
    }
    finish(summaries, context: context, variant: .ordinary, workspace: workspace)
  }

  private func finish(
    _ tokens: Matrix, context: Matrix, variant: Variant, workspace: EncoderWorkspace
  ) {
    for rows in feedForward.inner.weight.runs(of: tokens.rowCount) {
      finishRun(
        tokens.rows(rows), context: context.rows(rows), variant: variant, workspace: workspace)
    }
  }

  /// What follows attention, for rows that need nothing of each other any more.
  private func finishRun(
    _ tokens: Matrix, context: Matrix, variant: Variant, workspace: EncoderWorkspace
  ) {
    if variant.keepsInput {
      attention.output.accumulate(context, into: tokens)
    } else {
      attention.output.apply(to: context, into: tokens)
    }
    if normPlacement == .after { attentionNorm?.apply(to: tokens, into: tokens) }
    guard variant.runsFeedForward else { return }
    switch normPlacement {
    case .before:
      let normed = workspace.matrix(
        .normed, rowCount: tokens.rowCount, columnCount: tokens.columnCount)
      feedForwardNorm.apply(to: tokens, into: normed)
      feedForward.accumulate(normed, into: tokens, workspace: workspace)
    case .after:
      feedForward.accumulate(tokens, into: tokens, workspace: workspace)
      feedForwardNorm.apply(to: tokens, into: tokens)
    }
  }
}

/// Two linear layers with a non-linearity between them.
struct FeedForward: Sendable {
  /// (inner width, width), or, with a gate, (2 · inner width, width).
  let inner: Linear
  /// (width, inner width).
  let outer: Linear
  let activation: Activation
  /// Whether the second half of the inner layer multiplies the first, once that has passed the
  /// non-linearity (GeGLU; Shazeer, 2020).
  let isGated: Bool

  /// Adds the network's output for every row of `input` to `output`, which may be `input`.
  func accumulate(_ input: Matrix, into output: Matrix, workspace: EncoderWorkspace) {
    let hidden = workspace.matrix(
      .inner, rowCount: input.rowCount, columnCount: inner.weight.rowCount)
    guard isGated else {
      inner.apply(to: input, into: hidden, activation: activation)
      return outer.accumulate(hidden, into: output)
    }
    inner.apply(to: input, into: hidden)
    let half = outer.weight.columnCount
    let passed = hidden.columns(0..<half)
    passed.apply(activation, adding: nil)
    passed.multiplyElements(by: hidden.columns(half..<2 * half))
    outer.accumulate(passed, into: output)
  }
}
