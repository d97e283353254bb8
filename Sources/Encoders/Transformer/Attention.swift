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
  /// side by side. With a mask, `asking` is `sequence`.
  /// - Complexity: 2 · asking.count · sequence.count · width multiply-adds a pair.
  func mix(
    _ fused: Matrix, sequence: Range<Int>, asking: Range<Int>, pattern: Pattern,
    into context: Matrix, workspace: EncoderWorkspace
  ) {
    guard case .similarities(let pairs) = pattern else {
      context.assign(fused.rows(asking).columns(Operand.values.columns(width: width)))
      return
    }
    precondition(mask == .none || asking == sequence, "a causal mask counts from the start")
    let headWidth = width / headCount
    let scores = workspace.matrix(
      .scores, rowCount: asking.count, columnCount: sequence.count)
    for head in 0..<headCount {
      let columns = head * headWidth..<(head + 1) * headWidth
      func part(_ operand: Operand, _ rows: Range<Int>) -> Matrix {
        fused.rows(rows).columns(operand.columns(width: width)).columns(columns)
      }
      for (index, pair) in pairs.enumerated() {
        multiply(part(pair.left, asking), transposed: part(pair.right, sequence), into: scores)
        scores.softmaxRows(scale: 1 / Float(headWidth).squareRoot(), mask: mask)
        multiply(
          scores, part(.values, sequence), into: context.columns(columns),
          keep: index == 0 ? 0 : 1)
      }
    }
  }
}
