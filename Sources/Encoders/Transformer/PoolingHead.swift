internal import FilipLinearAlgebra

/// A learned query that attends to an image's tokens: SigLIP's multi-head attention pooling. In
/// FG-CLIP 2 there is a second such head, in which every token asks instead of the learned query.
///
///     z = W_o · attention(q, K, V) + b_o,   pooled = z + feedForward(norm(z))
struct PoolingHead: Sendable {
  /// The learned query after its projection, (1, width).
  private let query: Matrix
  /// Keys and values side by side: (2 · width, width).
  private let keysAndValues: Linear
  /// Values alone: (width, width).
  private let values: Linear
  /// All three in one, and the layer after them.
  private let attention: Attention
  private let norm: LayerNorm
  private let feedForward: FeedForward

  private var width: Int { query.columnCount }

  /// Writes one vector for each sequence to `summaries`, (sequences, width).
  ///
  /// `tokens`, (tokens, width), are the tower's, normed.
  func pool(
    _ tokens: Matrix, sequences: [Range<Int>], into summaries: Matrix,
    workspace: EncoderWorkspace
  ) {
    let fused = workspace.matrix(.fused, rowCount: tokens.rowCount, columnCount: 2 * width)
    keysAndValues.apply(to: tokens, into: fused)
    let context = workspace.matrix(.context, rowCount: sequences.count, columnCount: width)
    let headWidth = width / attention.headCount
    for (index, sequence) in sequences.enumerated() {
      let scores = workspace.matrix(.scores, rowCount: 1, columnCount: sequence.count)
      let (keys, values) = (
        fused.rows(sequence).columns(0..<width), fused.rows(sequence).columns(width..<2 * width)
      )
      for head in 0..<attention.headCount {
        let columns = head * headWidth..<(head + 1) * headWidth
        multiply(query.columns(columns), transposed: keys.columns(columns), into: scores)
        scores.softmaxRows(scale: 1 / Float(headWidth).squareRoot())
        multiply(
          scores, values.columns(columns),
          into: context.rows(index..<index + 1).columns(columns))
      }
    }
    finish(context, into: summaries, workspace: workspace)
  }

  /// Writes for each token what the head would give if it attended to that token alone, whatever
  /// the query: attention to one key is that key's value.
  ///
  /// Both are (tokens, width).
  func poolEach(_ tokens: Matrix, into pooled: Matrix, workspace: EncoderWorkspace) {
    let context = workspace.matrix(.context, rowCount: tokens.rowCount, columnCount: width)
    values.apply(to: tokens, into: context)
    finish(context, into: pooled, workspace: workspace)
  }

  /// Writes for each token of one sequence what the head gives when that token asks.
  ///
  /// Both are (tokens, width).
  func askEach(_ tokens: Matrix, into answers: Matrix, workspace: EncoderWorkspace) {
    let fused = workspace.matrix(.fused, rowCount: tokens.rowCount, columnCount: 3 * width)
    attention.fused.apply(to: tokens, into: fused)
    let context = workspace.matrix(.context, rowCount: tokens.rowCount, columnCount: width)
    let sequence = 0..<tokens.rowCount
    attention.mix(
      fused, sequence: sequence, asking: sequence, pattern: .ordinary, into: context,
      workspace: workspace)
    finish(context, into: answers, workspace: workspace)
  }

  private func finish(_ context: Matrix, into output: Matrix, workspace: EncoderWorkspace) {
    for rows in feedForward.inner.weight.runs(of: output.rowCount) {
      let run = output.rows(rows)
      attention.output.apply(to: context.rows(rows), into: run)
      let normed = workspace.matrix(.normed, rowCount: run.rowCount, columnCount: width)
      norm.apply(to: run, into: normed)
      feedForward.accumulate(normed, into: run, workspace: workspace)
    }
  }
}

extension PoolingHead {
  /// Reads the head of a tower.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  init(
    _ names: PoolingHeadNames, of configuration: TransformerConfiguration,
    in checkpoint: Checkpoint
  ) throws(EncoderError) {
    let width = configuration.width
    let weight = try checkpoint.matrix(names.input.weight, 3 * width, width)
    let bias = try checkpoint.matrix(names.input.bias, 3 * width)
    func layer(_ rows: Range<Int>) -> Linear {
      Linear(weight: weight.rows(rows), bias: bias.columns(rows))
    }
    let probe = try checkpoint.rows(names.probe, rowCount: 1, columnCount: width)
    query = Matrix(rowCount: 1, columnCount: width)
    layer(0..<width).apply(to: probe, into: query)
    keysAndValues = layer(width..<3 * width)
    values = layer(2 * width..<3 * width)
    attention = Attention(
      fused: layer(0..<3 * width),
      output: try checkpoint.linear(names.output, input: width, output: width),
      headCount: configuration.headCount, mask: .none)
    norm = try checkpoint.layerNorm(names.norm, width: width, epsilon: configuration.normEpsilon)
    feedForward = try FeedForward(
      inner: checkpoint.linear(
        names.feedForwardInner, input: width, output: configuration.innerWidth),
      outer: checkpoint.linear(
        names.feedForwardOuter, input: configuration.innerWidth, output: width),
      activation: configuration.activation, isGated: false)
  }
}
