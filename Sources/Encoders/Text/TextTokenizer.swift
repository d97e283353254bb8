/// Cuts a text into the ids that a text encoder looks up.
package protocol TextTokenizer: Sendable {
  /// The tokens of `text`, at most `limit` of them, start and end included.
  ///
  /// A longer text loses its last words; start and end stay.
  /// - Precondition: `limit` leaves room for start and end.
  func tokenize(_ text: String, limit: Int) -> TokenSequence

  /// The id before the first word, or `nil` when texts have none.
  var startTokenID: Int32? { get }

  /// The id after the last word, or `nil` when texts have none.
  var endTokenID: Int32? { get }

  /// Rows that a table of token embeddings needs: one more than the largest id.
  var vocabularyCount: Int { get }

  /// How texts are filled up, or `nil` when the tokenizer names no token for it.
  var padding: PaddingRule? { get }
}

extension TextTokenizer {
  package var padding: PaddingRule? { nil }
}

/// The ids of one text, and which word each belongs to.
package struct TokenSequence: Sendable, Hashable {
  /// One id per token, start and end included.
  package var ids: [Int32]
  /// Positions in `words`, one per id; `nil` for start, end and other special tokens.
  package var wordIndices: [Int?]
  /// The words that own at least one id, in the order of the text.
  package var words: [TokenizedWord]

  /// A sequence of these parts.
  package init(ids: [Int32] = [], wordIndices: [Int?] = [], words: [TokenizedWord] = []) {
    self.ids = ids
    self.wordIndices = wordIndices
    self.words = words
  }
}

/// What the tokenizer takes for a word: a run of letters, a digit or a run of other characters.
package struct TokenizedWord: Sendable, Hashable {
  /// The word as typed when `sourceRange` is known, else normalised.
  package var text: String
  /// Bytes of the word in the UTF-8 of the original text.
  ///
  /// `nil` when no bytes are this word's alone: `İ` becomes `i` and a dot, two words.
  package var sourceRange: Range<Int>?

  /// A word of these parts.
  package init(text: String, sourceRange: Range<Int>?) {
    self.text = text
    self.sourceRange = sourceRange
  }
}
