#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension BytePairTokenizer {
  /// Larger files are refused.
  package static let fileByteLimit = 64 << 20

  /// The tokenizer in a model's folder: `tokenizer.json`, or else `vocab.json` and `merges.txt`.
  ///
  /// - Throws: `TokenizerError`, which names the file and the component that is not supported.
  package init(directory: String) throws(TokenizerError) {
    let file = directory + "/tokenizer.json"
    if access(file, F_OK) == 0 {
      try self.init(tokenizerJSON: TokenizerFile.read(file), file: file)
      return
    }
    let vocabularyFile = directory + "/vocab.json"
    let mergesFile = directory + "/merges.txt"
    guard access(vocabularyFile, F_OK) == 0 else {
      throw TokenizerError(
        .unreadableFile, file: directory, problem: "neither tokenizer.json nor vocab.json is there")
    }
    try self.init(
      vocabularyJSON: TokenizerFile.read(vocabularyFile),
      mergesText: TokenizerFile.read(mergesFile),
      vocabularyFile: vocabularyFile, mergesFile: mergesFile)
  }

  /// A tokenizer from the bytes of a `tokenizer.json`.
  ///
  /// - Parameter file: the file's name for errors.
  /// - Throws: `TokenizerError` when the file is malformed, or contains a component that we do not
  ///   reproduce exactly.
  package init(tokenizerJSON bytes: [UInt8], file: String) throws(TokenizerError) {
    let document: TokenizerDocument
    do throws(JSONError) {
      document = try TokenizerDocument(parsing: bytes)
    } catch {
      throw TokenizerError(.malformedFile, file: file, problem: "\(error)")
    }
    let reading = ComponentReading(file: file)
    let components = document.components
    guard let model = document.model else {
      throw TokenizerError(.malformedFile, file: file, problem: "it has no model")
    }
    let vocabulary = document.vocabulary
    try reading.check(vocabulary)
    let added = try reading.addedTokens(components["added_tokens"], vocabulary: vocabulary)
    let normalizer = try reading.normalizer(components["normalizer"])
    let frame = try reading.postProcessor(components["post_processor"], idCount: added.idCount)
    let settings = try reading.model(model)
    let unknown = try settings.unknownToken.map { (token) throws(TokenizerError) in
      try reading.id(of: token, vocabulary: vocabulary)
    }
    self.init(
      rawTokens: AddedTokens(added.raw), normalizer: normalizer,
      normalizedTokens: AddedTokens(
        added.normalized.map { $0.normalized(by: normalizer) }.filter { !$0.content.isEmpty }),
      splitter: try reading.preTokenizer(components["pre_tokenizer"]),
      byteTokens: ByteTokens(
        vocabulary: vocabulary, endOfWordSuffix: settings.endOfWordSuffix, unknown: unknown,
        fusesUnknown: settings.fusesUnknown),
      merges: try reading.merges(document.merges),
      prefix: frame.prefix, suffix: frame.suffix, vocabularyCount: added.idCount)
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
    self.init(
      rawTokens: AddedTokens(special),
      normalizer: TextNormalizer(steps: [.composition, .whitespace, .lowercase]),
      normalizedTokens: AddedTokens([]),
      splitter: WordSplitter(findsSpecialTokens: true, splitsAgain: true),
      byteTokens: ByteTokens(
        vocabulary: vocabulary, endOfWordSuffix: "</w>", unknown: end, fusesUnknown: false),
      merges: try ComponentReading(file: mergesFile).merges(
        MergeList(text: mergesText, vocabulary: vocabulary)),
      prefix: [start], suffix: [end], vocabularyCount: vocabulary.idCount)
  }
}

/// Reads whole files without Foundation.
private enum TokenizerFile {
  static func read(_ path: String) throws(TokenizerError) -> [UInt8] {
    guard let file = fopen(path, "rb") else { throw failure(path) }
    defer { fclose(file) }
    guard fseek(file, 0, SEEK_END) == 0 else { throw failure(path) }
    let size = ftell(file)
    guard size >= 0, size <= BytePairTokenizer.fileByteLimit else {
      throw TokenizerError(
        .unreadableFile, file: path,
        problem: "larger than \(BytePairTokenizer.fileByteLimit >> 20) MiB, or no file")
    }
    rewind(file)
    var bytes = [UInt8](repeating: 0, count: size)
    let count = fread(&bytes, 1, size, file)
    guard count == size else { throw failure(path) }
    return bytes
  }

  private static func failure(_ path: String) -> TokenizerError {
    let reason = strerror(errno).map { String(cString: $0) } ?? "unknown reason"
    return TokenizerError(.unreadableFile, file: path, problem: "cannot be read: \(reason)")
  }
}
