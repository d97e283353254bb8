internal import FilipLinearAlgebra

/// One pre-norm block: x ← x + attention(norm(x)), then x ← x + feedForward(norm(x)).
struct TransformerBlock: Sendable {
  let normBeforeAttention: LayerNorm
  let attention: Attention
  let normBeforeFeedForward: LayerNorm
  let feedForward: FeedForward

  /// Which parts of a block run, and with which attention matrix.
  ///
  /// Training-free ways to patch vectors change the last block only, and differ in these three.
  struct Variant: Sendable, Hashable {
    var pattern: Attention.Pattern
    /// Whether the block's input is added to what attention gives.
    var keepsInput: Bool
    /// Whether the feed-forward network (with its own residual) runs.
    var runsFeedForward: Bool

    /// As trained.
    static let ordinary = Variant(pattern: .ordinary, keepsInput: true, runsFeedForward: true)
  }

  /// Runs the block in place on sequences that lie one after the other in `tokens`.
  func run(
    on tokens: Matrix, sequences: [Range<Int>], variant: Variant = .ordinary,
    workspace: EncoderWorkspace
  ) {
    let fused = fuse(tokens, workspace: workspace)
    finish(
      tokens, fused: fused, sequences: sequences, variant: variant, workspace: workspace)
  }

  /// Queries, keys and values of all tokens, (tokens, 3 · width).
  func fuse(_ tokens: Matrix, workspace: EncoderWorkspace) -> Matrix {
    let normed = workspace.matrix(
      .normed, rowCount: tokens.rowCount, columnCount: tokens.columnCount)
    normBeforeAttention.apply(to: tokens, into: normed)
    let fused = workspace.matrix(
      .fused, rowCount: tokens.rowCount, columnCount: 3 * tokens.columnCount)
    attention.fused.apply(to: normed, into: fused)
    return fused
  }

  /// The rest of the block, for all tokens, in place.
  func finish(
    _ tokens: Matrix, fused: Matrix, sequences: [Range<Int>], variant: Variant,
    workspace: EncoderWorkspace
  ) {
    let context: Matrix
    if variant.pattern == .identity {
      // The values are the mix.
      context = fused.columns(Attention.Operand.values.columns(width: attention.width))
    } else {
      context = workspace.matrix(
        .context, rowCount: tokens.rowCount, columnCount: tokens.columnCount)
      for sequence in sequences {
        attention.mix(
          fused, sequence: sequence, asking: sequence, pattern: variant.pattern,
          into: context.rows(sequence), workspace: workspace)
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
    if variant.keepsInput {
      attention.output.accumulate(context, into: tokens)
    } else {
      attention.output.apply(to: context, into: tokens)
    }
    guard variant.runsFeedForward else { return }
    let normed = workspace.matrix(
      .normed, rowCount: tokens.rowCount, columnCount: tokens.columnCount)
    normBeforeFeedForward.apply(to: tokens, into: normed)
    feedForward.accumulate(normed, into: tokens, workspace: workspace)
  }
}

/// Two linear layers with a non-linearity between them.
struct FeedForward: Sendable {
  /// (inner width, width).
  let inner: Linear
  /// (width, inner width).
  let outer: Linear
  let activation: Activation

  /// Adds the network's output for every row of `input` to `output`.
  func accumulate(_ input: Matrix, into output: Matrix, workspace: EncoderWorkspace) {
    let hidden = workspace.matrix(
      .inner, rowCount: input.rowCount, columnCount: inner.weight.rowCount)
    inner.apply(to: input, into: hidden, activation: activation)
    outer.accumulate(hidden, into: output)
  }
}
