extension ComponentReading {
  // MARK: - Pre-tokenizer

  /// How a text is cut up, and whether the parts are then spelled in bytes.
  struct Splitting {
    /// The cuts.
    var preTokenizer: PreTokenizer
    /// Whether the vocabulary is one of bytes.
    var isByteLevel = false
  }

  /// The steps of the pre-tokenizer.
  func preTokenizer(_ value: JSONValue?) throws(TokenizerError) -> Splitting {
    guard let value, value != .null else { return Splitting(preTokenizer: PreTokenizer(steps: [])) }
    let components = try members("pretokenizers", of: value)
    if let splitter = try clipSplitter(components) {
      return Splitting(preTokenizer: PreTokenizer(steps: [.clipWords(splitter)]), isByteLevel: true)
    }
    var splitting = Splitting(preTokenizer: PreTokenizer(steps: []))
    for (position, component) in components.enumerated() {
      let object = component.object ?? JSONObject()
      switch component["type"]?.string {
      case "ByteLevel":
        guard position == components.count - 1 else { throw unsupportedSplit(components) }
        if try flag("add_prefix_space", of: object, default: true, in: "pre-tokenizer ByteLevel") {
          splitting.preTokenizer.steps.append(.prefixSpace)
        }
        if try flag("use_regex", of: object, default: true, in: "pre-tokenizer ByteLevel") {
          splitting.preTokenizer.steps.append(.gpt2Words)
        }
        splitting.isByteLevel = true
      case "BertPreTokenizer": splitting.preTokenizer.steps.append(.bertWords)
      case "WhitespaceSplit": splitting.preTokenizer.steps.append(.whitespace)
      case "Metaspace": splitting.preTokenizer.steps.append(.metaspace(try metaspace(object)))
      case "Split":
        guard component["pattern"]?["String"] == .string(" "),
          component["behavior"] == .string("MergedWithPrevious"),
          component["invert"] ?? .bool(false) == .bool(false)
        else { throw unsupportedSplit(components) }
        splitting.preTokenizer.steps.append(.spaceAsSuffix)
      default: throw unsupportedSplit(components)
      }
    }
    return splitting
  }

  private func unsupportedSplit(_ components: [JSONValue]) -> TokenizerError {
    let types = components.prefix(8).map { type(of: $0) }.joined(separator: ", ")
    return unsupported(
      "the pre-tokenizer \(types) (we do CLIP's, GPT-2's, BERT's, Metaspace, WhitespaceSplit)")
  }

  /// The words of CLIP, when the components are a split by an expression and bytes.
  private func clipSplitter(_ components: [JSONValue]) throws(TokenizerError) -> WordSplitter? {
    guard components.count == 2, components[0]["type"] == .string("Split"),
      components[0]["pattern"]?["Regex"] != nil, components[1]["type"] == .string("ByteLevel")
    else { return nil }
    let bytes = components[1].object ?? JSONObject()
    guard components[0]["behavior"] == .string("Removed"), components[0]["invert"] == .bool(true)
    else { throw unsupported("the pre-tokenizer Split with this behavior") }
    if try flag("add_prefix_space", of: bytes, default: true, in: "pre-tokenizer ByteLevel") {
      throw unsupported("the pre-tokenizer ByteLevel with add_prefix_space")
    }
    let splitsAgain = try flag("use_regex", of: bytes, default: true, in: "pre-tokenizer ByteLevel")
    switch components[0]["pattern"]?["Regex"] {
    case .string(WordSplitter.pattern):
      return WordSplitter(findsSpecialTokens: false, splitsAgain: splitsAgain)
    case .string(WordSplitter.patternWithSpecialTokens):
      return WordSplitter(findsSpecialTokens: true, splitsAgain: splitsAgain)
    default: throw unsupported("the pre-tokenizer Split with this pattern")
    }
  }

  private func metaspace(_ object: JSONObject) throws(TokenizerError) -> PreTokenizer.Metaspace {
    let what = "pre-tokenizer Metaspace"
    let sign = Array((object["replacement"]?.string ?? "▁").unicodeScalars)
    guard sign.count == 1 else { throw malformed("the replacement of the \(what)") }
    let prefix: PreTokenizer.Metaspace.Prefix
    switch object["prepend_scheme"] {
    case .string("always"): prefix = .always
    case .string("first"): prefix = .first
    case .string("never"): prefix = .never
    case nil, .null?:
      // Files from before there were schemes.
      prefix = try flag("add_prefix_space", of: object, default: true, in: what) ? .always : .never
    default: throw unsupported("the prepend_scheme of the \(what)")
    }
    return PreTokenizer.Metaspace(
      sign: sign[0], prefix: prefix, splits: try flag("split", of: object, default: true, in: what))
  }

  // MARK: - Model

  /// The model, with whatever it has beyond the vocabulary.
  func model(
    _ document: TokenizerDocument, isByteLevel: Bool
  ) throws(TokenizerError) -> SubwordModel {
    let model = document.model
    let type = model["type"]?.string ?? "BPE"
    guard type == "BPE" || !isByteLevel else {
      throw unsupported("the model \(type.prefix(64)) on bytes")
    }
    switch type {
    case "BPE": return try bytePairModel(document, isByteLevel: isByteLevel)
    case "Unigram": return try unigramModel(document)
    case "WordPiece": return try wordPieceModel(document)
    default: throw unsupported("the model \(type.prefix(64))")
    }
  }

  private func bytePairModel(
    _ document: TokenizerDocument, isByteLevel: Bool
  ) throws(TokenizerError) -> SubwordModel {
    let model = document.model
    guard document.scores.isEmpty else { throw malformed("the vocabulary of the model BPE") }
    if let dropout = model["dropout"], dropout != .null, dropout.double != 0 {
      throw unsupported("dropout of merges")
    }
    if try flag("ignore_merges", of: model, default: false, in: "model") {
      throw unsupported("ignore_merges")
    }
    if let prefix = model["continuing_subword_prefix"], prefix != .null, prefix != .string("") {
      throw unsupported("continuing_subword_prefix")
    }
    let suffix = try string("end_of_word_suffix", of: model) ?? ""
    let unknown = try string("unk_token", of: model).map { (token) throws(TokenizerError) in
      try id(of: token, vocabulary: document.vocabulary)
    }
    let fusesUnknown = try flag("fuse_unk", of: model, default: false, in: "model")
    let hasByteFallback = try flag("byte_fallback", of: model, default: false, in: "model")
    if isByteLevel {
      if hasByteFallback { throw unsupported("byte_fallback on bytes") }
      return .bytePairs(
        ByteTokens(
          vocabulary: document.vocabulary, endOfWordSuffix: suffix, unknown: unknown,
          fusesUnknown: fusesUnknown), document.merges)
    }
    if !suffix.isEmpty { throw unsupported("end_of_word_suffix without ByteLevel") }
    return .scalarPairs(
      ScalarTokens(
        vocabulary: document.vocabulary, unknown: unknown, fusesUnknown: fusesUnknown,
        hasByteFallback: hasByteFallback), document.merges)
  }

  private func unigramModel(_ document: TokenizerDocument) throws(TokenizerError) -> SubwordModel {
    guard let unknown = document.model["unk_id"]?.integer, unknown >= 0,
      unknown < document.scores.count
    else { throw unsupported("the model Unigram without unk_id") }
    return .unigram(
      UnigramModel(
        vocabulary: document.vocabulary, scores: document.scores,
        leastScore: document.scores.min() ?? 0, unknown: Int32(unknown),
        hasByteFallback: try flag(
          "byte_fallback", of: document.model, default: false, in: "model"),
        precision: .double))
  }

  private func wordPieceModel(
    _ document: TokenizerDocument
  ) throws(TokenizerError) -> SubwordModel {
    let model = document.model
    guard document.scores.isEmpty else { throw malformed("the vocabulary of the model WordPiece") }
    let limit = model["max_input_chars_per_word"] ?? .integer(100)
    guard let scalarLimit = limit.integer, 0...1000 ~= scalarLimit else {
      throw unsupported("max_input_chars_per_word of \(limit.text.prefix(64))")
    }
    return .wordPiece(
      WordPieceModel(
        vocabulary: document.vocabulary,
        unknown: try id(
          of: try string("unk_token", of: model) ?? "[UNK]", vocabulary: document.vocabulary),
        continuation: try string("continuing_subword_prefix", of: model) ?? "##",
        scalarLimit: Int(scalarLimit)))
  }

  private func string(_ name: String, of model: JSONObject) throws(TokenizerError) -> String? {
    guard let value = model[name], value != .null else { return nil }
    guard let text = value.string else { throw malformed("\(name) of the model") }
    return text
  }
}
