/// A tokenizer in the steps of the `tokenizers` library: special tokens are found in the text, the
/// rest is normalised, cut into stretches, and each stretch is cut into tokens of a vocabulary.
///
/// Equal to the library, id by id, for any text.
package struct SubwordTokenizer: TextTokenizer {
  /// Found in the text as typed.
  let rawTokens: AddedTokens
  let normalizer: TextNormalizer
  /// Found in the normalised text.
  let normalizedTokens: AddedTokens
  let preTokenizer: PreTokenizer
  let model: SubwordModel
  /// What counts as a word.
  let wordRule: WordRule
  /// Special tokens around the words.
  let frame: ComponentReading.Frame
  /// Tokens at the start of each stretch that are not the text's: SigLIP has a mark put there to
  /// shield the text's start from SentencePiece, and takes its tokens away.
  var shieldTokenCount = 0

  package let vocabularyCount: Int

  package var padding: PaddingRule?

  /// Put before every text, in which it then stands for a space.
  var textSign: Unicode.Scalar?

  package var startTokenID: Int32? { frame.prefix.first }

  package var endTokenID: Int32? { frame.suffix.last }

  /// The tokens of `text`, at most `limit` of them, start and end included.
  ///
  /// A longer text loses its last tokens, where need be in the middle of a word; start and end
  /// stay. A special token that is spelled out in the text, such as `<|endoftext|>`, becomes that
  /// token, as in the reference.
  /// - Precondition: `limit` leaves room for start and end.
  /// - Complexity: `n log n` for a stretch of `n` bytes, linear in the number of stretches.
  package func tokenize(_ text: String, limit: Int) -> TokenSequence {
    precondition(
      limit >= frame.prefix.count + frame.suffix.count, "limit with room for start and end")
    var sequence = TokenSequence(
      ids: frame.prefix, wordIndices: Array(repeating: nil, count: frame.prefix.count))
    let limit = limit - frame.suffix.count
    let source = Array(text.utf8)
    for piece in rawTokens.pieces(of: scalars(of: text)) {
      guard sequence.ids.count < limit else { break }
      switch piece {
      case .token(let id): sequence.append([id], word: nil, limit: limit)
      case .text(let scalars):
        var start = scalars.first?.start
        for piece in normalizedTokens.pieces(of: normalizer.normalize(scalars)) {
          switch piece {
          case .token(let id): sequence.append([id], word: nil, limit: limit)
          case .text(let scalars):
            let stretches = preTokenizer.stretches(
              of: scalars, from: start ?? scalars.first?.start ?? 0)
            append(stretches, source: source, limit: limit, to: &sequence)
          }
          start = nil
        }
      }
    }
    if !frame.endsOnce || sequence.ids.last != frame.suffix.last {
      sequence.append(frame.suffix, word: nil, limit: .max)
    }
    return sequence
  }

  private func scalars(of text: String) -> [SourceScalar] {
    let scalars = SourceScalar.scalars(of: text)
    guard let textSign else { return scalars }
    return [SourceScalar(scalar: textSign, start: 0, end: 0)]
      + scalars.map { element in
        element.scalar == textSign
          ? SourceScalar(scalar: " ", start: element.start, end: element.end) : element
      }
  }

  private func append(
    _ stretches: [ArraySlice<SourceScalar>], source: [UInt8], limit: Int,
    to sequence: inout TokenSequence
  ) {
    for (position, stretch) in stretches.enumerated() {
      guard sequence.ids.count < limit else { return }
      var subwords = model.subwords(of: stretch)[...]
      if subwords.count >= shieldTokenCount { subwords = subwords.dropFirst(shieldTokenCount) }
      let words = wordRule.words(of: subwords, in: stretch)
      let neighbours = WordNeighbours(
        end: position > 0 ? stretches[position - 1].last?.end ?? 0 : 0,
        start: position + 1 < stretches.count
          ? stretches[position + 1].first?.start ?? .max : .max)
      var index = subwords.startIndex
      while index < subwords.endIndex {
        let word = words[index - subwords.startIndex]
        var next = index + 1
        while next < subwords.endIndex, words[next - subwords.startIndex] == word { next += 1 }
        sequence.append(
          subwords[index..<next].map(\.id),
          word: word.map {
            TokenizedWord($0, of: stretch, between: neighbours, source: source)
          }, limit: limit)
        index = next
      }
    }
  }
}

/// The bytes that belong to the stretches before and after.
private struct WordNeighbours {
  var end: Int
  var start: Int
}

extension TokenizedWord {
  /// The word of the scalars `range` of a stretch.
  fileprivate init(
    _ range: Range<Int>, of stretch: ArraySlice<SourceScalar>, between neighbours: WordNeighbours,
    source: [UInt8]
  ) {
    let start = stretch[range.lowerBound].start
    let end = stretch[range.upperBound - 1].end
    let endBefore =
      range.lowerBound > stretch.startIndex ? stretch[range.lowerBound - 1].end : neighbours.end
    let startAfter =
      range.upperBound < stretch.endIndex ? stretch[range.upperBound].start : neighbours.start
    if endBefore <= start, end <= startAfter, start < end {
      self.init(
        text: String(decoding: source[start..<end], as: UTF8.self), sourceRange: start..<end)
    } else {
      var text = String.UnicodeScalarView()
      for element in stretch[range] { text.append(element.scalar) }
      self.init(text: String(text), sourceRange: nil)
    }
  }
}

extension TokenSequence {
  /// Adds the tokens of a word, or special tokens, as far as there is room.
  fileprivate mutating func append(_ newIDs: [Int32], word: TokenizedWord?, limit: Int) {
    let kept = newIDs.prefix(max(0, limit - ids.count))
    guard !kept.isEmpty else { return }
    ids += kept
    wordIndices += Array(repeating: word == nil ? nil : words.count, count: kept.count)
    if let word { words.append(word) }
  }
}
