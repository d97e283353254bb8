/// Tokens that are found in the text before words are, such as `<|endoftext|>`.
struct AddedTokens: Sendable {
  /// One added token.
  struct Token: Sendable {
    /// What is looked for.
    var content: [Unicode.Scalar]
    /// Its id.
    var id: Int32
    /// Only where neither side continues a word.
    var isSingleWord = false
    /// Takes the white space before it.
    var stripsLeft = false
    /// Takes the white space after it.
    var stripsRight = false

    /// The same token as it looks in normalised text.
    func normalized(by normalizer: TextNormalizer) -> Token {
      var token = self
      let scalars = content.map { SourceScalar(scalar: $0, start: 0, end: 0) }
      token.content = normalizer.normalize(scalars).map(\.scalar)
      return token
    }
  }

  /// A piece of the text: a token that was found, or what lies between.
  enum Piece {
    /// Text to look at further.
    case text([SourceScalar])
    /// A token.
    case token(Int32)
  }

  private let tokens: [Token]
  /// Positions in `tokens` by first scalar, the longest first.
  private let candidates: [Unicode.Scalar: [Int]]

  /// The given tokens; none is empty.
  init(_ tokens: [Token]) {
    self.tokens = tokens
    candidates = Dictionary(grouping: tokens.indices) { tokens[$0].content[0] }
      .mapValues { positions in
        positions.sorted { tokens[$0].content.count > tokens[$1].content.count }
      }
  }

  /// Cuts `scalars` at the tokens in it: leftmost first, of those the longest.
  func pieces(of scalars: [SourceScalar]) -> [Piece] {
    guard !tokens.isEmpty else { return [.text(scalars)] }
    var pieces: [Piece] = []
    var pieceStart = 0
    var position = 0
    while position < scalars.count {
      guard let token = token(in: scalars, at: position) else {
        position += 1
        continue
      }
      var start = position
      var end = position + token.content.count
      position = end
      if token.isSingleWord {
        if start > 0, scalars[start - 1].scalar.isReferenceWordScalar { continue }
        if end < scalars.count, scalars[end].scalar.isReferenceWordScalar { continue }
      }
      if token.stripsLeft {
        while start > pieceStart, scalars[start - 1].scalar.isReferenceSpace { start -= 1 }
      }
      if token.stripsRight {
        while end < scalars.count, scalars[end].scalar.isReferenceSpace { end += 1 }
      }
      if pieceStart < start { pieces.append(.text(Array(scalars[pieceStart..<start]))) }
      pieces.append(.token(token.id))
      pieceStart = end
      position = max(position, end)
    }
    if pieceStart < scalars.count { pieces.append(.text(Array(scalars[pieceStart...]))) }
    return pieces
  }

  private func token(in scalars: [SourceScalar], at position: Int) -> Token? {
    guard let positions = candidates[scalars[position].scalar] else { return nil }
    for index in positions {
      let content = tokens[index].content
      if scalars[position...].lazy.map(\.scalar).starts(with: content) { return tokens[index] }
    }
    return nil
  }
}
