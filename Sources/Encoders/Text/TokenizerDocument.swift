/// What a `tokenizer.json` says, before anyone asks whether we can do it.
///
/// Other files are brought into this form: `vocab.txt` and SentencePiece models are read as
/// transformers' converters would have written them.
struct TokenizerDocument {
  /// Members of the file, without the model.
  var components = JSONObject()
  /// Members of the model, without vocabulary and merges.
  var model = JSONObject()
  /// Tokens and ids.
  var vocabulary = Vocabulary()
  /// Logarithms of probabilities by id, for a Unigram model.
  var scores: [Double] = []
  /// Merges in order.
  var merges = MergeTable(capacity: 0)

  /// An empty document.
  init() {}

  /// Parses a `tokenizer.json`.
  ///
  /// - Parameter file: the file's name for errors.
  /// - Throws: `.malformedFile`, or `.inconsistentVocabulary` when tokens or merges clash.
  init(parsing bytes: [UInt8], file: String) throws(TokenizerError) {
    let reading = ComponentReading(file: file)
    var merges = MergeList()
    var hasModel = false
    do throws(JSONError) {
      var reader = JSONReader(bytes)
      try reader.beginObject()
      while let key = try reader.nextKey() {
        let start = reader.keyPosition
        if key == "model" {
          guard !hasModel else { throw JSONError(.duplicateKey, at: start) }
          hasModel = true
          try readModel(&reader, merges: &merges)
        } else if try !components.append(key, reader.readValue()) {
          throw JSONError(.duplicateKey, at: start)
        }
      }
      try reader.finish()
    } catch {
      throw TokenizerError(.malformedFile, file: file, problem: "\(error)")
    }
    guard hasModel else {
      throw TokenizerError(.malformedFile, file: file, problem: "it has no model")
    }
    try reading.check(vocabulary)
    self.merges = try reading.merges(merges)
  }

  private mutating func readModel(
    _ reader: inout JSONReader, merges: inout MergeList
  ) throws(JSONError) {
    var hasVocabulary = false
    var mergesReader: JSONReader?
    try reader.beginObject()
    while let key = try reader.nextKey() {
      let start = reader.keyPosition
      switch key {
      case "vocab":
        guard !hasVocabulary else { throw JSONError(.duplicateKey, at: start) }
        hasVocabulary = true
        if try reader.peekKind() == .array {
          try readScores(&reader)
        } else {
          try vocabulary.read(&reader)
        }
      case "merges":
        guard mergesReader == nil else { throw JSONError(.duplicateKey, at: start) }
        mergesReader = reader
        // Merges name tokens, so the vocabulary has to come first.
        if hasVocabulary {
          try merges.read(&reader, vocabulary: vocabulary)
        } else {
          try reader.skipValue()
        }
      default:
        guard try model.append(key, reader.readValue()) else {
          throw JSONError(.duplicateKey, at: start)
        }
      }
    }
    if merges.isEmpty, var mergesReader {
      try merges.read(&mergesReader, vocabulary: vocabulary)
    }
  }

  /// Reads `[["token", score], …]`.
  private mutating func readScores(_ reader: inout JSONReader) throws(JSONError) {
    try reader.beginArray()
    while try reader.nextElement() {
      try reader.beginArray()
      guard try reader.nextElement() else { throw JSONError(.wrongType, at: reader.position) }
      try reader.readString(appendingTo: &vocabulary.bytes)
      vocabulary.addToken(id: Int64(scores.count))
      guard try reader.nextElement(), let score = try reader.readValue().double,
        try !reader.nextElement()
      else { throw JSONError(.wrongType, at: reader.position) }
      scores.append(score)
    }
  }
}
