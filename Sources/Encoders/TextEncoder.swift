public import FilipLateInteraction
internal import FilipLinearAlgebra

/// A part of a query, and the rows that stand for it.
public struct QueryTerm: Sendable, Hashable {
  /// What a term is.
  public enum Kind: String, Sendable {
    /// A word, with a row for each of its tokens.
    case word
    /// Some words that belong together, as one row.
    case phrase
    /// All of the query, as one row.
    case sentence
    /// A token that the model adds, such as the start of the text.
    case special
  }

  /// The term as typed, or the name of a special token.
  public var text: String
  /// What the term is.
  public var kind: Kind
  /// Its bytes in the UTF-8 of the query; `nil` when it has none of its own.
  public var sourceRange: Range<Int>?
  /// Its rows of the token matrix.
  public var rows: Range<Int>

  /// A term of these parts.
  public init(text: String, kind: Kind, sourceRange: Range<Int>?, rows: Range<Int>) {
    self.text = text
    self.kind = kind
    self.sourceRange = sourceRange
    self.rows = rows
  }
}

/// What a text looks like to a model.
public struct EncodedText: Sendable, Equatable {
  /// One row per token, phrase or sentence, as `terms` say.
  public var tokens: TokenMatrix
  /// One vector for the whole text, L2-normalised, `tokens.dimension` floats.
  public var pooled: [Float]
  /// What the rows stand for; every row belongs to one term.
  public var terms: [QueryTerm]

  /// An encoded text of these parts.
  public init(tokens: TokenMatrix, pooled: [Float], terms: [QueryTerm]) {
    self.tokens = tokens
    self.pooled = pooled
    self.terms = terms
  }
}

/// The text tower of a model: words to tokens.
///
/// A model trained by late interaction (FILIP) has a row for every token. A model trained on pooled
/// vectors (CLIP) has no meaning in its other tokens: its query is a row for each phrase (see
/// `Phrase`), encoded by itself, and one for the whole sentence.
///
/// Immutable and shared freely; one call uses one thread.
public final class TextEncoder: Sendable {
  /// Width of the joint space.
  public var dimension: Int { transformer.dimension }

  private let transformer: TextTransformer
  private let tokenizer: any TextTokenizer
  private let family: ModelFamily
  private let scoresSpecialTokens: Bool

  /// Loads the text tower and the tokenizer of `model`.
  ///
  /// - Throws: `.unusableTokenizer`; `.missingTensor`, `.wrongShape` or
  ///   `.unsupportedElementType` when the weights do not fit the configuration.
  public convenience init(model: ModelDirectory) throws(EncoderError) {
    let tokenizer: any TextTokenizer
    do throws(TokenizerError) {
      tokenizer = try loadTokenizer(directory: model.path)
    } catch {
      throw EncoderError(.unusableTokenizer, error.description)
    }
    try self.init(model: model, tokenizer: tokenizer)
  }

  /// Loads the text tower of `model` for a tokenizer of the caller's.
  ///
  /// - Throws: as above; `.invalidInput` when the tokenizer is not that of the model.
  package init(model: ModelDirectory, tokenizer: any TextTokenizer) throws(EncoderError) {
    transformer = try TextTransformer(model.configuration, in: model.checkpoint)
    self.tokenizer = tokenizer
    family = model.family
    scoresSpecialTokens = model.configuration.scoresSpecialTokens
    // What the tokenizer adds to every text must fit, or the first query would find out.
    let frame = tokenizer.tokenize("", limit: 1 << 16).ids.map { Int($0) }
    _ = try transformer.endPosition(in: frame)
  }

  /// Encodes a query.
  ///
  /// A text longer than the model's limit loses its last words.
  /// - Throws: `.emptyQuery` when there is no word in it; `.invalidInput` when the tokenizer does
  ///   not fit the model; `.nonFiniteOutput`.
  /// - Complexity: one run of the text tower; for pooled models one per phrase and one more.
  public func encode(_ text: String) throws(EncoderError) -> EncodedText {
    let sequence = tokenizer.tokenize(text, limit: transformer.configuration.positionCount)
    guard !sequence.words.isEmpty else {
      throw EncoderError(.emptyQuery, "the query has no words; type at least one")
    }
    switch family {
    case .filip: return try encodeTokens(of: sequence)
    case .clip: return try encodePhrases(of: text, sentence: sequence)
    }
  }

  private func encodeTokens(of sequence: TokenSequence) throws(EncoderError) -> EncodedText {
    let output = try transformer.run(
      on: [sequence.ids.map { Int($0) }], workspace: EncoderWorkspace())
    let all = output.tokens
    var kept: [Int] = []
    var terms: [QueryTerm] = []
    var previousWord: Int?
    for (position, wordIndex) in sequence.wordIndices.enumerated() {
      guard wordIndex != nil || scoresSpecialTokens else { continue }
      let row = kept.count
      kept.append(position)
      if let wordIndex, wordIndex == previousWord {
        terms[terms.count - 1].rows = terms[terms.count - 1].rows.lowerBound..<row + 1
      } else if let wordIndex {
        let word = sequence.words[wordIndex]
        terms.append(
          QueryTerm(
            text: word.text, kind: .word, sourceRange: word.sourceRange, rows: row..<row + 1))
      } else {
        terms.append(
          QueryTerm(
            text: position == 0 ? "start" : "end", kind: .special, sourceRange: nil,
            rows: row..<row + 1))
      }
      previousWord = wordIndex
    }
    let rows = Matrix(rowCount: kept.count, columnCount: all.columnCount)
    for (row, position) in kept.enumerated() {
      rows.rows(row..<row + 1).assign(all.rows(position..<position + 1))
    }
    return EncodedText(
      tokens: try .normalizing(rows), pooled: try .normalizing(output.pooled), terms: terms)
  }

  private func encodePhrases(
    of text: String, sentence: TokenSequence
  ) throws(EncoderError) -> EncodedText {
    let limit = transformer.configuration.positionCount
    let phrases = Phrase.phrases(of: text)
    let prompts = phrases.map { tokenizer.tokenize($0.prompt, limit: limit) }
    let texts = (prompts + [sentence]).map { $0.ids.map { Int($0) } }
    let pooled = try transformer.run(on: texts, workspace: EncoderWorkspace()).pooled
    var terms = phrases.enumerated().map { row, phrase in
      QueryTerm(
        text: phrase.text, kind: .phrase, sourceRange: phrase.sourceRange, rows: row..<row + 1)
    }
    let last = phrases.count
    terms.append(
      QueryTerm(
        text: text, kind: .sentence, sourceRange: 0..<text.utf8.count, rows: last..<last + 1))
    return EncodedText(
      tokens: try .normalizing(pooled), pooled: try .normalizing(pooled.rows(last..<last + 1)),
      terms: terms)
  }
}
