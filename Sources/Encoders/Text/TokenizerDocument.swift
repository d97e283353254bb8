/// What a `tokenizer.json` says, before anyone asks whether we can do it.
struct TokenizerDocument {
  /// Members of the file, without the model.
  var components = JSONObject()
  /// Members of the model, without vocabulary and merges; `nil` when the file has no model.
  var model: JSONObject?
  /// Tokens and ids.
  var vocabulary = Vocabulary()
  /// Merges in order.
  var merges = MergeList()

  /// Parses a file.
  init(parsing bytes: [UInt8]) throws(JSONError) {
    var reader = JSONReader(bytes)
    try reader.beginObject()
    while let key = try reader.nextKey() {
      let start = reader.keyPosition
      if key == "model" {
        guard model == nil else { throw JSONError(.duplicateKey, at: start) }
        try readModel(&reader)
      } else if try !components.append(key, reader.readValue()) {
        throw JSONError(.duplicateKey, at: start)
      }
    }
    try reader.finish()
  }

  private mutating func readModel(_ reader: inout JSONReader) throws(JSONError) {
    var settings = JSONObject()
    var hasVocabulary = false
    var mergesReader: JSONReader?
    try reader.beginObject()
    while let key = try reader.nextKey() {
      let start = reader.keyPosition
      switch key {
      case "vocab":
        guard !hasVocabulary else { throw JSONError(.duplicateKey, at: start) }
        hasVocabulary = true
        try vocabulary.read(&reader)
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
        guard try settings.append(key, reader.readValue()) else {
          throw JSONError(.duplicateKey, at: start)
        }
      }
    }
    if merges.isEmpty, var mergesReader {
      try merges.read(&mergesReader, vocabulary: vocabulary)
    }
    model = settings
  }
}
