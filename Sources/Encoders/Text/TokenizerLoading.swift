/// The tokenizer in a model's folder.
///
/// `tokenizer.json` is preferred, then `vocab.json` with `merges.txt` (CLIP), `vocab.txt` (BERT), a
/// model file of SentencePiece. Only SigLIP's tokenizer is read from `spiece.model` even where there
/// is a `tokenizer.json`: transformers does so too.
///
/// - Throws: `TokenizerError`, which names the file and the component that is not supported.
package func loadTokenizer(directory: String) throws(TokenizerError) -> any TextTokenizer {
  try SubwordTokenizer(directory: directory, cache: .standard)
}

extension SubwordTokenizer {
  /// Names of SentencePiece model files, in the order in which they are looked for.
  static let modelFileNames = [
    "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "sentencepiece.model",
  ]

  /// The tokenizer in a model's folder; see `loadTokenizer`.
  ///
  /// - Parameter cache: keeps large ones compiled; none unless given.
  init(directory: String, cache: TokenizerCache? = nil) throws(TokenizerError) {
    let settings = try TokenizerSettings(directory: directory)
    try settings.check()
    let file = directory + "/tokenizer.json"
    let modelFile = Self.modelFileNames.lazy.map { directory + "/" + $0 }.first(where: fileExists)
    if settings.className == "SiglipTokenizer", let modelFile {
      self = try .siglip(modelFile: modelFile, settings: settings)
    } else if fileExists(file) {
      try self.init(file: file, settings: settings, cache: cache)
    } else if fileExists(directory + "/vocab.json") {
      try self.init(
        vocabularyJSON: TokenizerFile.read(directory + "/vocab.json"),
        mergesText: TokenizerFile.read(directory + "/merges.txt"),
        vocabularyFile: directory + "/vocab.json", mergesFile: directory + "/merges.txt")
      padding = settings.padding(document: nil) { [suffix = frame.suffix] name in
        name == "<|endoftext|>" ? suffix.last : nil
      }
    } else if fileExists(directory + "/vocab.txt") {
      let file = directory + "/vocab.txt"
      let document = try TokenizerDocument(
        wordPieces: TokenizerFile.read(file), file: file, settings: settings)
      try self.init(document, file: file, settings: settings)
    } else if let modelFile {
      var document = try TokenizerCache.document(of: modelFile, in: cache) {
        () throws(TokenizerError) in
        try TokenizerDocument(modelFile: modelFile)
      }
      try document.addSteps(of: settings, modelFile: modelFile)
      try self.init(document, file: modelFile, settings: settings)
    } else {
      throw TokenizerError(
        .unreadableFile, file: directory,
        problem: "no tokenizer.json, vocab.json, vocab.txt or SentencePiece model is there")
    }
  }

  /// The tokenizer of a `tokenizer.json`.
  private init(
    file: String, settings: TokenizerSettings, cache: TokenizerCache?
  ) throws(TokenizerError) {
    var document = try TokenizerCache.document(of: file, in: cache) {
      () throws(TokenizerError) in
      try TokenizerDocument(parsing: TokenizerFile.read(file), file: file)
    }
    if settings.className == "Siglip2Tokenizer" { document.lowercaseFirst() }
    try self.init(document, file: file, settings: settings)
  }

  /// A tokenizer from the bytes of a `tokenizer.json`.
  ///
  /// - Parameter file: the file's name for errors.
  /// - Throws: `TokenizerError` when the file is malformed, or contains a component that we do not
  ///   reproduce exactly.
  package init(tokenizerJSON bytes: [UInt8], file: String) throws(TokenizerError) {
    try self.init(TokenizerDocument(parsing: bytes, file: file), file: file, settings: nil)
  }

  /// A tokenizer of a document.
  init(
    _ document: TokenizerDocument, file: String, settings: TokenizerSettings?
  ) throws(TokenizerError) {
    let reading = ComponentReading(file: file)
    let components = document.components
    var added = try reading.addedTokens(
      components["added_tokens"], vocabulary: document.vocabulary)
    if let settings { added.addSpecialTokens(of: settings, vocabulary: document.vocabulary) }
    let normalizer = try reading.normalizer(components["normalizer"])
    var frame = try reading.postProcessor(components["post_processor"], idCount: added.idCount)
    if let settings { frame = settings.frame(added.id(of:), else: frame) }
    let splitting = try reading.preTokenizer(components["pre_tokenizer"])
    self.init(
      rawTokens: AddedTokens(added.raw), normalizer: normalizer,
      normalizedTokens: AddedTokens(
        added.normalized.map { $0.normalized(by: normalizer) }.filter { !$0.content.isEmpty }),
      preTokenizer: splitting.preTokenizer,
      model: try reading.model(document, isByteLevel: splitting.isByteLevel),
      wordRule: splitting.preTokenizer.wordRule, frame: frame, vocabularyCount: added.idCount,
      padding: settings?.padding(document: components["padding"]) {
        added.id(of: $0) ?? document.vocabulary.id(of: $0)
      })
  }

  /// A tokenizer from the bytes of `vocab.json` and `merges.txt`, with the steps of CLIP.
  ///
  /// Start is `<|startoftext|>`, end and unknown are `<|endoftext|>`.
  /// - Throws: `TokenizerError` when a file is malformed or these tokens are missing.
  package init(
    vocabularyJSON: [UInt8], mergesText: [UInt8], vocabularyFile: String = "vocab.json",
    mergesFile: String = "merges.txt"
  ) throws(TokenizerError) {
    var vocabulary = Vocabulary()
    do throws(JSONError) {
      var reader = JSONReader(vocabularyJSON)
      try vocabulary.read(&reader)
      try reader.finish()
    } catch {
      throw TokenizerError(.malformedFile, file: vocabularyFile, problem: "\(error)")
    }
    let reading = ComponentReading(file: vocabularyFile)
    try reading.check(vocabulary)
    let start = try reading.id(of: "<|startoftext|>", vocabulary: vocabulary)
    let end = try reading.id(of: "<|endoftext|>", vocabulary: vocabulary)
    let special = [("<|startoftext|>", start), ("<|endoftext|>", end)].map {
      AddedTokens.Token(content: Array($0.0.unicodeScalars), id: $0.1)
    }
    let merges = try ComponentReading(file: mergesFile).merges(
      MergeList(text: mergesText, vocabulary: vocabulary))
    self.init(
      rawTokens: AddedTokens(special),
      normalizer: TextNormalizer(steps: [.composition, .whitespace, .lowercase]),
      normalizedTokens: AddedTokens([]),
      preTokenizer: PreTokenizer(
        steps: [.clipWords(WordSplitter(findsSpecialTokens: true, splitsAgain: true))]),
      model: .bytePairs(
        ByteTokens(
          vocabulary: vocabulary, endOfWordSuffix: "</w>", unknown: end, fusesUnknown: false),
        merges),
      wordRule: .stretches,
      frame: ComponentReading.Frame(prefix: [start], suffix: [end]),
      vocabularyCount: vocabulary.idCount)
  }
}

extension PreTokenizer {
  /// Stretches of BERT's and GPT-2's kind are words; others begin with spaces, or hold many.
  fileprivate var wordRule: WordRule {
    for step in steps {
      switch step {
      case .metaspace(let metaspace): return .pieces(sign: metaspace.sign)
      case .spaceAsSuffix: return .pieces(sign: SentencePieceNormalization.spaceSymbol)
      case .clipWords, .gpt2Words, .bertWords: return .stretches
      case .prefixSpace, .whitespace: break
      }
    }
    return .pieces(sign: SentencePieceNormalization.spaceSymbol)
  }
}

extension ComponentReading.AddedTokenLists {
  /// The id of an added token.
  func id(of content: String) -> Int32? {
    let scalars = Array(content.unicodeScalars)
    return (raw + normalized).first { $0.content == scalars }?.id
  }

  /// Adds the special tokens that the files beside the tokenizer name and that are not there yet.
  fileprivate mutating func addSpecialTokens(
    of settings: TokenizerSettings, vocabulary: Vocabulary
  ) {
    for name in TokenizerSettings.specialTokenNames {
      guard let content = settings.specialToken(name), !content.isEmpty, id(of: content) == nil
      else { continue }
      let id = vocabulary.id(of: content) ?? Int32(idCount)
      raw.append(AddedTokens.Token(content: Array(content.unicodeScalars), id: id))
      idCount = max(idCount, Int(id) + 1)
    }
  }
}

extension TokenizerSettings {
  /// Start and end, where `add_bos_token` or `add_eos_token` ask for them.
  fileprivate func frame(
    _ id: (String) -> Int32?, else frame: ComponentReading.Frame
  ) -> ComponentReading.Frame {
    let follows = [
      "GemmaTokenizer", "Siglip2Tokenizer", "Tipsv2Tokenizer", "TokenizersBackend",
      "PreTrainedTokenizer",
    ]
    guard let className, follows.contains(className),
      flag("add_bos_token") != nil || flag("add_eos_token") != nil
    else { return frame }
    func ids(_ flagName: String, _ tokenName: String) -> [Int32] {
      guard flag(flagName) == true else { return [] }
      return specialToken(tokenName).flatMap(id).map { [$0] } ?? []
    }
    return ComponentReading.Frame(
      prefix: ids("add_bos_token", "bos_token"), suffix: ids("add_eos_token", "eos_token"))
  }
}
