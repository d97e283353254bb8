// Files other than `tokenizer.json`, brought into its form as transformers' converters do.

extension TokenizerDocument {
  /// The document of a `vocab.txt`, one token a line: BERT.
  ///
  /// - Throws: `.inconsistentVocabulary` when a token appears twice or a special one is missing.
  init(
    wordPieces text: [UInt8], file: String, settings: TokenizerSettings
  ) throws(TokenizerError) {
    var id: Int64 = 0
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: 0x0A) ?? text.count
      let hasReturn = end > start && text[end - 1] == 0x0D
      vocabulary.bytes += text[start..<(hasReturn ? end - 1 : end)]
      vocabulary.addToken(id: id)
      id += 1
      start = end + 1
    }
    let reading = ComponentReading(file: file)
    try reading.check(vocabulary)
    func token(_ name: String, _ fallback: String) -> String {
      settings.specialToken(name) ?? fallback
    }
    let begin = token("cls_token", "[CLS]")
    let end = token("sep_token", "[SEP]")
    let special = [
      token("unk_token", "[UNK]"), end, token("pad_token", "[PAD]"), begin,
      token("mask_token", "[MASK]"),
    ]
    add("added_tokens", .array(special.compactMap { Self.added($0, in: vocabulary) }))
    let lowercases = settings.flag("do_lower_case") ?? true
    add(
      "normalizer",
      .members([
        "type": .string("BertNormalizer"), "clean_text": .bool(true),
        "handle_chinese_chars": .bool(settings.flag("tokenize_chinese_chars") ?? true),
        "strip_accents": .bool(settings.flag("strip_accents") ?? lowercases),
        "lowercase": .bool(lowercases),
      ]))
    add("pre_tokenizer", .members(["type": .string("BertPreTokenizer")]))
    add(
      "post_processor",
      .members([
        "type": .string("BertProcessing"),
        "sep": .array([.string(end), .count(Int(try reading.id(of: end, vocabulary: vocabulary)))]),
        "cls": .array([
          .string(begin), .count(Int(try reading.id(of: begin, vocabulary: vocabulary))),
        ]),
      ]))
    _ = model.append("type", .string("WordPiece"))
    _ = model.append("unk_token", .string(token("unk_token", "[UNK]")))
  }

  /// The vocabulary of a SentencePiece model of merges; `addSteps` makes it a tokenizer.
  ///
  /// The file has no merges: each way to put a token together from two others is one, in the order
  /// of the tokens.
  /// - Throws: `.unreadableFile`, `.malformedFile`, `.inconsistentVocabulary`;
  ///   `.unsupportedComponent` for models of another kind.
  init(modelFile: String) throws(TokenizerError) {
    let content = try SentencePieceFile(file: modelFile)
    guard content.model == .bytePairs else {
      throw TokenizerError(
        .unsupportedComponent, file: modelFile,
        problem: "a SentencePiece model other than BPE is not supported without a tokenizer.json")
    }
    for (id, piece) in content.pieces.enumerated() {
      vocabulary.bytes += piece.text
      vocabulary.addToken(id: Int64(id))
    }
    let reading = ComponentReading(file: modelFile)
    try reading.check(vocabulary)
    merges = try reading.merges(MergeList(joining: vocabulary))
    let special = content.pieces.filter { $0.kind == .control || $0.kind == .userDefined }
    add(
      "added_tokens",
      .array(
        special.compactMap { Self.added(String(decoding: $0.text, as: UTF8.self), in: vocabulary) }
      ))
    if !content.charsMap.isEmpty {
      add(
        "charsmap",
        .members([
          "type": .string("Precompiled"),
          "precompiled_charsmap": .string(base64Text(content.charsMap)),
        ]))
    }
    _ = model.append("type", .string("BPE"))
    _ = model.append("fuse_unk", .bool(true))
    _ = model.append("byte_fallback", .bool(true))
  }

  /// Adds the steps of the tokenizer's class to the vocabulary of a SentencePiece model.
  ///
  /// - Throws: `.unsupportedComponent` for classes other than those of TIPSv2, Gemma and SigLIP 2.
  mutating func addSteps(
    of settings: TokenizerSettings, modelFile: String
  ) throws(TokenizerError) {
    switch settings.className {
    case "Tipsv2Tokenizer":
      var steps: [JSONValue] = []
      if settings.flag("do_lower_case") ?? true {
        steps.append(.members(["type": .string("Lowercase")]))
      }
      if let map = components["charsmap"] { steps.append(map) }
      add("normalizer", .members(["type": .string("Sequence"), "normalizers": .array(steps)]))
      add(
        "pre_tokenizer",
        .members([
          "type": .string("Sequence"),
          "pretokenizers": .array([
            .members(["type": .string("WhitespaceSplit")]),
            .members([
              "type": .string("Metaspace"), "replacement": .string("▁"),
              "prepend_scheme": .string("always"), "split": .bool(true),
            ]),
          ]),
        ]))
    case "GemmaTokenizer", "Siglip2Tokenizer":
      _ = model.append("unk_token", .string(settings.specialToken("unk_token") ?? "<unk>"))
      add(
        "normalizer",
        .members([
          "type": .string("Replace"), "pattern": .members(["String": .string(" ")]),
          "content": .string("▁"),
        ]))
      if settings.className == "Siglip2Tokenizer" { lowercaseFirst() }
    default:
      throw TokenizerError(
        .unsupportedComponent, file: modelFile,
        problem: "a SentencePiece model for the tokenizer class "
          + "\((settings.className ?? "(not named)").prefix(64)) is not supported without a "
          + "tokenizer.json")
    }
  }

  /// Puts a step that makes letters small before the normaliser, unless it has one.
  mutating func lowercaseFirst() {
    let normalizer = components["normalizer"] ?? .null
    var steps = normalizer["normalizers"]?.array ?? (normalizer.isNull ? [] : [normalizer])
    let lowercase = JSONValue.members(["type": .string("Lowercase")])
    guard !steps.contains(lowercase) else { return }
    steps.insert(lowercase, at: 0)
    var changed = JSONObject()
    for member in components.members where member.key != "normalizer" {
      _ = changed.append(member.key, member.value)
    }
    components = changed
    add("normalizer", .members(["type": .string("Sequence"), "normalizers": .array(steps)]))
  }

  private mutating func add(_ key: String, _ value: JSONValue) {
    _ = components.append(key, value)
  }

  /// A special token as `tokenizer.json` lists it; `nil` when the vocabulary lacks it.
  private static func added(_ content: String, in vocabulary: Vocabulary) -> JSONValue? {
    vocabulary.id(of: content).map { id in
      .members([
        "id": .count(Int(id)), "content": .string(content), "special": .bool(true),
        "normalized": .bool(false),
      ])
    }
  }
}

extension SentencePieceFile {
  /// Reads a file.
  ///
  /// - Throws: `.unreadableFile`, `.malformedFile`.
  init(file: String) throws(TokenizerError) {
    guard let content = SentencePieceFile(bytes: try TokenizerFile.read(file)) else {
      throw TokenizerError(
        .malformedFile, file: file, problem: "it is damaged, or no SentencePiece model")
    }
    self = content
  }
}

// MARK: - SigLIP

extension SubwordTokenizer {
  /// SigLIP's tokenizer, which transformers has run by SentencePiece: ASCII punctuation falls away,
  /// letters become small, and each part of the text begins with a space.
  ///
  /// - Throws: `.unreadableFile`, `.malformedFile`, `.unsupportedComponent`,
  ///   `.inconsistentVocabulary`.
  static func siglip(
    modelFile: String, settings: TokenizerSettings
  ) throws(TokenizerError) -> SubwordTokenizer {
    let content = try SentencePieceFile(file: modelFile)
    func unsupported(_ what: String) -> TokenizerError {
      TokenizerError(
        .unsupportedComponent, file: modelFile,
        problem: "a SentencePiece model \(what) is not supported")
    }
    guard content.model == .unigram else { throw unsupported("other than Unigram") }
    guard !content.putsSpacesAfterWords else { throw unsupported("with spaces after words") }
    let map = content.charsMap.isEmpty ? nil : CharsMap(bytes: content.charsMap)
    guard content.charsMap.isEmpty || map != nil else {
      throw TokenizerError(.malformedFile, file: modelFile, problem: "its charsmap is damaged")
    }
    var vocabulary = Vocabulary()
    for (id, piece) in content.pieces.enumerated() {
      vocabulary.bytes += piece.text
      vocabulary.addToken(id: Int64(id))
    }
    let reading = ComponentReading(file: modelFile)
    try reading.check(vocabulary)
    let unknown = settings.specialToken("unk_token") ?? "<unk>"
    let end = try reading.id(
      of: settings.specialToken("eos_token") ?? "</s>", vocabulary: vocabulary)
    guard content.unknownID >= 0, content.unknownID < content.pieces.count else {
      throw unsupported("without an unknown piece")
    }
    let normalization = SentencePieceNormalization(
      charsMap: map, addsPrefix: content.addsPrefix,
      removesExtraSpaces: content.removesExtraSpaces, escapesSpaces: content.escapesSpaces,
      userSymbols: content.pieces.filter { $0.kind == .userDefined }.map {
        Array(String(decoding: $0.text, as: UTF8.self).unicodeScalars)
      })
    let model = UnigramModel(content, vocabulary: vocabulary)
    let shield = normalization.normalize(SourceScalar.scalars(of: unknown))
    var steps: [TextNormalizer.Step] = [
      .replacement(.run(of: ScalarSet.asciiPunctuation, minimum: 1, maximum: .max), with: []),
      .replacement(.run(of: ScalarSet.pythonSpaces, minimum: 1, maximum: .max), with: [" "]),
      .strip(left: true, right: true), .prefix(Array(unknown.unicodeScalars)),
      .sentencePiece(normalization),
    ]
    if settings.flag("do_lower_case") ?? true { steps.insert(.wordLowercase, at: 0) }
    let special = ["pad_token", "unk_token", "eos_token"].compactMap { settings.specialToken($0) }
    let tokens = Set(special).compactMap { content -> AddedTokens.Token? in
      vocabulary.id(of: content).map {
        AddedTokens.Token(
          content: Array(content.unicodeScalars), id: $0, stripsLeft: true, stripsRight: true)
      }
    }
    return SubwordTokenizer(
      rawTokens: AddedTokens(tokens), normalizer: TextNormalizer(steps: steps),
      normalizedTokens: AddedTokens([]), preTokenizer: PreTokenizer(steps: []),
      model: .unigram(model), wordRule: .pieces(sign: SentencePieceNormalization.spaceSymbol),
      frame: ComponentReading.Frame(suffix: [end], endsOnce: true),
      shieldTokenCount: model.subwords(of: shield[...]).count,
      vocabularyCount: vocabulary.idCount,
      padding: settings.padding(document: nil) { vocabulary.id(of: $0) },
      textSign: SentencePieceNormalization.spaceSymbol)
  }
}

extension UnigramModel {
  /// The model of a SentencePiece file, with its arithmetic.
  fileprivate init(_ content: SentencePieceFile, vocabulary: Vocabulary) {
    let normal = content.pieces.lazy.filter { $0.kind == .normal }.map(\.score)
    let most = normal.max() ?? 0
    let scores = content.pieces.map { piece -> Double? in
      switch piece.kind {
      case .normal: Double(piece.score)
      // Always chosen, since no way around is better.
      case .userDefined: Double(Float(piece.text.count) * most) - 0.1
      case .unknown, .control, .unused, .byte: nil
      }
    }
    self.init(
      vocabulary: vocabulary, scores: scores, leastScore: Double(normal.min() ?? 0),
      unknown: Int32(content.unknownID), hasByteFallback: content.hasByteFallback,
      precision: .single)
  }
}

extension ScalarSet {
  /// `string.punctuation` of Python.
  fileprivate static let asciiPunctuation = ScalarSet(ranges: [
    "!"..."/", ":"..."@", "["..."`", "{"..."~",
  ])

  /// `\s` of Python, which counts four separators that Unicode does not.
  fileprivate static let pythonSpaces = ScalarSet(
    ranges: ["\u{1C}"..."\u{1F}"], hasSpaces: true)
}
