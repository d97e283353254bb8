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
/// A model whose tokens are comparable one by one (FILIP, TIPSv2, BERT) has a row for every token of
/// every word. A model trained on pooled vectors (CLIP, SigLIP) has no meaning in its other tokens:
/// its query is a row for each phrase (see `Phrase`), encoded by itself, and one for the whole
/// sentence. FG-CLIP 2 reads these as it reads what regions show, since that is what its patches
/// were trained with (`walk_type` "box"); only its pooled vector is that of a caption.
///
/// Immutable and shared freely; one call uses one thread.
public final class TextEncoder: Sendable {
  /// Width of the joint space.
  public var dimension: Int { transformer.dimension }
  /// The longest text in tokens, start and end included; longer ones lose their last words. Pooled
  /// vectors of FG-CLIP 2 are made of more.
  public var tokenLimit: Int { transformer.configuration.lengthLimit }

  private let transformer: TextTransformer
  private let tokenizer: any TextTokenizer
  private let family: ModelFamily
  private let scoresSpecialTokens: Bool
  private let prompts: (query: Prompt, document: Prompt)

  /// What is put before texts. Its tokens are seen by those of the text, but make no rows.
  private struct Prompt: Sendable {
    var text = ""
    /// Its tokens, the start token included.
    var tokenCount = 0
    /// Whether they count for the vector of the whole text.
    var isPooled = true
  }

  /// A text behind a prompt, cut into tokens.
  private struct PromptedText {
    var sequence: TokenSequence
    var prompt: Prompt
  }

  /// Loads the text tower and the tokenizer of `model`; for `format` and `cacheDirectory` see
  /// `ImageEncoder`.
  ///
  /// - Throws: `.unusableTokenizer`; `.missingTensor`, `.wrongShape` or
  ///   `.unsupportedElementType` when the weights do not fit the configuration.
  public convenience init(
    model: ModelDirectory, format: ComputeFormat = .float32, cacheDirectory: String? = nil
  ) throws(EncoderError) {
    try self.init(
      model: model, tokenizer: model.tokenizer(), format: format, cacheDirectory: cacheDirectory)
  }

  /// Loads the text tower of `model` for a tokenizer of the caller's.
  ///
  /// - Throws: as above; `.invalidInput` when the tokenizer is not that of the model.
  package convenience init(
    model: ModelDirectory, tokenizer: any TextTokenizer, format: ComputeFormat = .float32,
    cacheDirectory: String? = nil
  ) throws(EncoderError) {
    let checkpoint = model.checkpoint.computing(
      in: format, part: model.family.textNames.part, cacheDirectory: cacheDirectory)
    try self.init(model.configuration, in: checkpoint, tokenizer: tokenizer)
    checkpoint.preparation.keep()
  }

  /// Loads the text tower of a model for a tokenizer of the caller's.
  init(
    _ model: ModelConfiguration, in checkpoint: Checkpoint, tokenizer: any TextTokenizer
  ) throws(EncoderError) {
    transformer = try TextTransformer(model, in: checkpoint)
    self.tokenizer = tokenizer
    family = model.family
    scoresSpecialTokens = model.scoresSpecialTokens
    let isPooled = model.prompts.isPooled
    func prompt(_ text: String) throws(EncoderError) -> Prompt {
      guard !text.isEmpty else { return Prompt() }
      let sequence = tokenizer.tokenize(text, limit: 1 << 16)
      let isEnd = sequence.wordIndices.last == .some(nil)
      let count = sequence.ids.count - (isEnd ? 1 : 0)
      guard sequence.ids.count < model.text.lengthLimit else {
        throw EncoderError(
          .invalidConfiguration,
          "\(checkpoint.path): the prompt \"\(text)\" has \(sequence.ids.count) tokens, which leaves "
            + "no room for a text in \(model.text.lengthLimit); copy all files from the same model")
      }
      return Prompt(text: text, tokenCount: count, isPooled: isPooled)
    }
    prompts = (try prompt(model.prompts.query), try prompt(model.prompts.document))
    // What the tokenizer adds to every text must fit, or the first query would find out.
    let frame = input(tokenizer.tokenize("", limit: 1 << 16))
    try transformer.summaryPosition(in: frame.ids.isEmpty ? TextInput([0]) : frame)
  }

  /// Memory for `encode(documents:workspace:)`; one per task.
  public func makeWorkspace() -> EncoderWorkspace { EncoderWorkspace() }

  /// Encodes a query.
  ///
  /// A text longer than the model's limit loses its last words. `marked` are stretches of its UTF-8
  /// that were set apart, ascending; a model whose rows are phrases makes each a phrase of its own.
  /// - Throws: `.emptyQuery` when there is no word in it; `.invalidInput` when the tokenizer does
  ///   not fit the model; `.nonFiniteOutput`.
  /// - Complexity: one run of the text tower; for pooled models one per phrase and one more.
  public func encode(
    _ text: String, marked: [Range<Int>] = []
  ) throws(EncoderError) -> EncodedText {
    let sequence = tokenizer.tokenize(text, limit: tokenLimit)
    guard !sequence.words.isEmpty else {
      throw EncoderError(.emptyQuery, "the query has no words; type at least one")
    }
    guard family.comparesWords else {
      return try encodePhrases(
        of: text, marked: marked, sentence: sequence, workspace: EncoderWorkspace())
    }
    let extended = prompted(text + (family.querySuffix ?? ""), by: prompts.query)
    return try encodeTokens(of: [extended], workspace: EncoderWorkspace())[0]
  }

  /// Encodes texts that are to be found: as queries, less what a model adds to those alone.
  ///
  /// - Returns: a value for each text; `nil` where a text has no word.
  /// - Throws: `.invalidInput` when the tokenizer does not fit the model; `.nonFiniteOutput`.
  /// - Complexity: one run of the text tower a text; for pooled models as `encode(_:)`.
  public func encode(
    documents texts: [String], workspace: EncoderWorkspace
  ) throws(EncoderError) -> [EncodedText?] {
    let sequences = texts.map { tokenizer.tokenize($0, limit: tokenLimit) }
    let places = sequences.indices.filter { !sequences[$0].words.isEmpty }
    var encoded = [EncodedText?](repeating: nil, count: texts.count)
    if family.comparesWords {
      let found = try encodeTokens(
        of: places.map { prompted(texts[$0], by: prompts.document) }, workspace: workspace)
      for (place, text) in zip(places, found) { encoded[place] = text }
    } else {
      for place in places {
        encoded[place] = try encodePhrases(
          of: texts[place], sentence: sequences[place], workspace: workspace)
      }
    }
    return encoded
  }

  // MARK: - Filling up

  /// A text as the tower wants it: filled up to a fixed length where the tower was trained so.
  ///
  /// SigLIP's reads its pooled vector at the last position, and sees what fills up the text unless
  /// the tokenizer says that it is masked.
  private func input(_ sequence: TokenSequence, walk: TextWalk = .short) -> TextInput {
    let ids = sequence.ids.map { Int($0) }
    let configuration = transformer.configuration
    guard let token = configuration.fillingToken else { return TextInput(ids, walk: walk) }
    let rule =
      tokenizer.padding
      ?? PaddingRule(
        tokenID: Int32(token), isOnLeft: false, isMasked: false, maximumLength: nil)
    // The tokenizer's files speak of the first walk.
    let limit = configuration.lengthLimit(of: walk)
    let length = walk == .long ? limit : min(rule.maximumLength ?? .max, limit)
    let filling = [Int](repeating: Int(rule.tokenID), count: max(0, length - ids.count))
    let all = rule.isOnLeft ? filling + ids : ids + filling
    let start = rule.isOnLeft ? filling.count : 0
    let isMasked = rule.isMasked && !ids.isEmpty
    return TextInput(all, visible: isMasked ? start..<start + ids.count : nil, walk: walk)
  }

  /// A text as FG-CLIP 2 reads captions: as a long one if it does not fit the places of short ones.
  private func caption(_ text: String) -> TextInput {
    let configuration = transformer.configuration
    let sequence = tokenizer.tokenize(text, limit: configuration.lengthLimit(of: .long))
    return input(sequence, walk: sequence.ids.count > configuration.lengthLimit ? .long : .short)
  }

  // MARK: - Rows

  private func prompted(_ text: String, by prompt: Prompt) -> PromptedText {
    PromptedText(
      sequence: tokenizer.tokenize(prompt.text + text, limit: tokenLimit), prompt: prompt)
  }

  private func encodeTokens(
    of texts: [PromptedText], workspace: EncoderWorkspace
  ) throws(EncoderError) -> [EncodedText] {
    guard !texts.isEmpty else { return [] }
    let inputs = texts.map { text in
      var input = input(text.sequence)
      if !text.prompt.isPooled { input.unpooledCount = text.prompt.tokenCount }
      return input
    }
    let output = try transformer.run(on: inputs, workspace: workspace)
    var encoded: [EncodedText] = []
    var first = 0
    for (index, text) in texts.enumerated() {
      let count = text.sequence.ids.count
      let all = output.tokens.rows(first..<first + count)
      first += count
      let (kept, terms) = scoredTokens(of: text)
      let rows = Matrix(rowCount: kept.count, columnCount: all.columnCount)
      for (row, position) in kept.enumerated() {
        rows.rows(row..<row + 1).assign(all.rows(position..<position + 1))
      }
      encoded.append(
        EncodedText(
          tokens: try .normalizing(rows),
          pooled: try .normalizing(output.pooled.rows(index..<index + 1)), terms: terms))
    }
    return encoded
  }

  /// The positions of the tokens that are scored, and the terms that they make.
  private func scoredTokens(of text: PromptedText) -> (kept: [Int], terms: [QueryTerm]) {
    let (sequence, promptByteCount) = (text.sequence, text.prompt.text.utf8.count)
    var kept: [Int] = []
    var terms: [QueryTerm] = []
    var previousWord: Int?
    for (position, wordIndex) in sequence.wordIndices.enumerated() {
      guard wordIndex != nil || scoresSpecialTokens else { continue }
      guard wordIndex == nil || position >= text.prompt.tokenCount else { continue }
      let row = kept.count
      kept.append(position)
      if let wordIndex, wordIndex == previousWord {
        terms[terms.count - 1].rows = terms[terms.count - 1].rows.lowerBound..<row + 1
      } else if let wordIndex {
        let word = sequence.words[wordIndex]
        let range = word.sourceRange.map { range in
          max(0, range.lowerBound - promptByteCount)..<max(0, range.upperBound - promptByteCount)
        }
        terms.append(
          QueryTerm(text: word.text, kind: .word, sourceRange: range, rows: row..<row + 1))
      } else {
        terms.append(
          QueryTerm(
            text: position == 0 ? "start" : "end", kind: .special, sourceRange: nil,
            rows: row..<row + 1))
      }
      previousWord = wordIndex
    }
    return (kept, terms)
  }

  private func encodePhrases(
    of text: String, marked: [Range<Int>] = [], sentence: TokenSequence,
    workspace: EncoderWorkspace
  ) throws(EncoderError) -> EncodedText {
    let phrases = Phrase.phrases(of: text, marked: marked)
    let inputs =
      transformer.configuration.longPositions == nil
      ? phrases.map { input(tokenizer.tokenize($0.prompt, limit: tokenLimit)) } + [input(sentence)]
      : regionInputs(phrases, of: text)
    let pooled = try transformer.run(on: inputs, workspace: workspace).pooled
    var terms = phrases.enumerated().map { row, phrase in
      QueryTerm(
        text: phrase.text, kind: .phrase, sourceRange: phrase.sourceRange, rows: row..<row + 1)
    }
    let last = phrases.count
    terms.append(
      QueryTerm(
        text: text, kind: .sentence, sourceRange: 0..<text.utf8.count, rows: last..<last + 1))
    // The last input is the whole text: the sentence's row, or, in FG-CLIP 2, a row of its own.
    return EncodedText(
      tokens: try .normalizing(pooled.rows(0..<last + 1)),
      pooled: try .normalizing(pooled.rows(inputs.count - 1..<inputs.count)), terms: terms)
  }

  /// What FG-CLIP 2 is asked: phrases and sentence as its authors name regions, bare and in small
  /// letters, and then the text as a caption.
  private func regionInputs(_ phrases: [Phrase], of text: String) -> [TextInput] {
    let whole = text.lowercased()
    return (phrases.map { $0.text.lowercased() } + [whole]).map {
      input(tokenizer.tokenize($0, limit: tokenLimit), walk: .box)
    } + [caption(whole)]
  }
}

extension ModelFamily {
  /// What is appended to a query, and to no other text: tokens whose vectors the model learned to
  /// use as it sees fit (query augmentation; Khattab and Zaharia, 2020).
  fileprivate var querySuffix: String? {
    self == .colModernVBERT ? String(repeating: "<end_of_utterance>", count: 10) : nil
  }
}
