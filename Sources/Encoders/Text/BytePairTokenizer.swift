/// Byte-level byte-pair encoding in the layout of CLIP.
///
/// A text is normalised (NFC, white space, lower case) and cut into words. Each word becomes the
/// bytes of its UTF-8, the last one marked as the end of the word; then neighbours merge, in the
/// order in which training found them. Equal to the `tokenizers` library, id by id, for any text.
package struct BytePairTokenizer: TextTokenizer {
  /// Found in the text as typed.
  let rawTokens: AddedTokens
  let normalizer: TextNormalizer
  /// Found in the normalised text.
  let normalizedTokens: AddedTokens
  let splitter: WordSplitter
  let byteTokens: ByteTokens
  let merges: MergeTable
  /// Special tokens before the first word.
  let prefix: [Int32]
  /// Special tokens after the last word.
  let suffix: [Int32]

  package let vocabularyCount: Int

  package var startTokenID: Int32? { prefix.first }

  package var endTokenID: Int32? { suffix.last }

  /// The tokens of `text`, at most `limit` of them, start and end included.
  ///
  /// A longer text loses its last tokens, where need be in the middle of a word; start and end
  /// stay. A special token that is spelled out in the text, such as `<|endoftext|>`, becomes that
  /// token, as in the reference.
  /// - Precondition: `limit` leaves room for start and end.
  /// - Complexity: `n log n` for a word of `n` bytes, linear in the number of words.
  package func tokenize(_ text: String, limit: Int) -> TokenSequence {
    precondition(limit >= prefix.count + suffix.count, "limit with room for start and end")
    var sequence = TokenSequence(
      ids: prefix, wordIndices: Array(repeating: nil, count: prefix.count))
    let limit = limit - suffix.count
    let source = Array(text.utf8)
    for piece in rawTokens.pieces(of: SourceScalar.scalars(of: text)) {
      guard sequence.ids.count < limit else { break }
      switch piece {
      case .token(let id): sequence.append([id], word: nil, limit: limit)
      case .text(let scalars):
        for piece in normalizedTokens.pieces(of: normalizer.normalize(scalars)) {
          switch piece {
          case .token(let id): sequence.append([id], word: nil, limit: limit)
          case .text(let scalars):
            appendWords(of: scalars, source: source, limit: limit, to: &sequence)
          }
        }
      }
    }
    sequence.append(suffix, word: nil, limit: .max)
    return sequence
  }

  private func appendWords(
    of scalars: [SourceScalar], source: [UInt8], limit: Int, to sequence: inout TokenSequence
  ) {
    for range in splitter.words(in: scalars) {
      guard sequence.ids.count < limit else { return }
      let ids = merges.merge(byteTokens.tokens(of: scalars[range]))
      guard !ids.isEmpty else { continue }
      sequence.append(ids, word: word(at: range, of: scalars, source: source), limit: limit)
    }
  }

  private func word(
    at range: Range<Int>, of scalars: [SourceScalar], source: [UInt8]
  ) -> TokenizedWord {
    let start = scalars[range.lowerBound].start
    let end = scalars[range.upperBound - 1].end
    let sharesStart = range.lowerBound > 0 && scalars[range.lowerBound - 1].end > start
    let sharesEnd = range.upperBound < scalars.count && scalars[range.upperBound].start < end
    guard !sharesStart, !sharesEnd else {
      var text = String.UnicodeScalarView()
      for element in scalars[range] { text.append(element.scalar) }
      return TokenizedWord(text: String(text), sourceRange: nil)
    }
    return TokenizedWord(
      text: String(decoding: source[start..<end], as: UTF8.self), sourceRange: start..<end)
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
