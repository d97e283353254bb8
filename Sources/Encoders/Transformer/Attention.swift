internal import FilipLinearAlgebra

/// Multi-head self-attention.
struct Attention: Sendable {
  /// Queries, keys and values in one product: (3 · width, width).
  let fused: Linear
  /// W_o: (width, width).
  let output: Linear
  let headCount: Int
  let mask: AttentionMask
  /// The base of the angles by which queries and keys are turned; `nil` where they are not.
  var rotationBase: Float?

  /// Floats of a token.
  var width: Int { output.weight.rowCount }

  /// The matrices that the fused product makes of the tokens.
  enum Operand: Int, Sendable {
    case queries, keys, values

    /// This operand's columns in the fused matrix, for all heads.
    func columns(width: Int) -> Range<Int> { rawValue * width..<(rawValue + 1) * width }
  }

  /// The attention matrix of a head: who mixes whose values.
  enum Pattern: Sendable, Hashable {
    /// The sum over pairs (a, b) of softmax(a · bᵀ / √headWidth). The ordinary matrix has one
    /// pair, queries with keys.
    case similarities([Pair])
    /// The identity: every token keeps its own value.
    case identity
    /// The mean of three matrices: of values, keys and queries, each smoothed by its own attention
    /// and compared with itself (GEM); see `Attention.smooth`.
    case smoothed

    /// Two operands that are compared.
    struct Pair: Sendable, Hashable {
      let left, right: Operand
    }

    /// Queries with keys, as trained.
    static let ordinary = similarities([Pair(left: .queries, right: .keys)])
    /// Queries with queries plus keys with keys (SCLIP's correlative self-attention); rows sum
    /// to 2.
    static let correlative = similarities([
      Pair(left: .queries, right: .queries), Pair(left: .keys, right: .keys),
    ])

    /// An operand with itself.
    static func among(_ operand: Operand) -> Pattern {
      .similarities([Pair(left: operand, right: operand)])
    }
  }

  /// Turns the queries and keys of every sequence by their places in it.
  ///
  /// `fused` is (tokens, 3 · width).
  func rotate(_ fused: Matrix, sequences: [Range<Int>], by table: RotaryTable) {
    let turned = Operand.queries.columns(width: width).lowerBound
    let end = Operand.keys.columns(width: width).upperBound
    for sequence in sequences {
      fused.rows(sequence).columns(turned..<end).rotateHeads(by: table)
    }
  }

  /// Mixes the values of one sequence for the tokens `asking`.
  ///
  /// `fused` is (tokens, 3 · width); `context`, (asking.count, width), receives every head's mix
  /// side by side. With a mask, `asking` is `sequence`; else it lies anywhere. `closeness`,
  /// (asking.count, sequence.count), is added to the scaled similarities before the softmax.
  /// - Complexity: 2 · asking.count · sequence.count · width multiply-adds a pair.
  func mix(
    _ fused: Matrix, sequence: Range<Int>, asking: Range<Int>, pattern: Pattern,
    closeness: Matrix? = nil, into context: Matrix, workspace: EncoderWorkspace
  ) {
    let pairs: [Pattern.Pair]
    switch pattern {
    case .similarities(let those): pairs = those
    case .identity:
      context.assign(fused.rows(asking).columns(Operand.values.columns(width: width)))
      return
    case .smoothed:
      precondition(asking == sequence && mask == .none, "smoothing of a whole sequence")
      smooth(fused.rows(sequence), sequence: sequence, into: context, workspace: workspace)
      return
    }
    precondition(mask == .none || asking == sequence, "a causal mask counts from the start")
    let headWidth = width / headCount
    let scale = 1 / Float(headWidth).squareRoot()
    let isWeighed = closeness != nil || mask.hasReach
    let scores = workspace.matrix(
      .scores, rowCount: isWeighed ? asking.count : 0, columnCount: sequence.count)
    let scratch = workspace.matrix(
      .attention, rowCount: 1,
      columnCount: HeadAttention.scratchCount(tokenCount: sequence.count, width: headWidth))
    for head in 0..<headCount {
      let columns = head * headWidth..<(head + 1) * headWidth
      func part(_ operand: Operand, _ rows: Range<Int>) -> Matrix {
        fused.rows(rows).columns(operand.columns(width: width)).columns(columns)
      }
      for (index, pair) in pairs.enumerated() {
        let (left, right) = (part(pair.left, asking), part(pair.right, sequence))
        let mixed = context.columns(columns)
        guard isWeighed else {
          HeadAttention(
            queries: left, keys: right, values: part(.values, sequence), scale: scale,
            isCausal: mask == .causal
          ).write(to: mixed, keep: index > 0, scratch: scratch)
          continue
        }
        if let closeness { scores.assign(closeness) }
        multiply(
          left, transposed: right, into: scores, scale: scale, keep: closeness == nil ? 0 : 1)
        scores.softmaxRows(scale: 1, mask: mask)
        multiply(
          scores, part(.values, sequence), into: mixed, keep: index == 0 ? 0 : 1)
      }
    }
  }
}
