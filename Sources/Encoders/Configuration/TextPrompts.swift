/// What sentence-transformers puts before texts: the prompts of `config_sentence_transformers.json`.
///
/// A prompt is read with the text, but its tokens are none of the text's.
package struct TextPrompts: Sendable, Hashable {
  /// Put before queries.
  package var query = ""
  /// Put before texts that are to be found.
  package var document = ""
  /// Whether the prompt's tokens count for the vector of the whole text.
  package var isPooled = true

  /// No prompts.
  init() {}
}

extension TextPrompts {
  /// Reads the file.
  ///
  /// As in the library's `encode_query` and `encode_document`, queries get the prompt `query`, and
  /// texts the first there is of `document`, `passage` and `corpus`. Where there is none of those,
  /// the prompt counts that `default_prompt_name` names for all texts.
  /// - Throws: `.unreadableFile`, `.malformedFile`; `.invalidConfiguration` when a prompt is not a
  ///   text, or the default is none of them.
  init(path: String) throws(EncoderError) {
    let reader = try ConfigurationReader(path: path)
    let prompts = try reader.section("prompts")
    var standard = ""
    if let name = try reader.text("default_prompt_name") {
      guard prompts.object[name] != nil else {
        throw reader.invalid("default_prompt_name", "(\(name)) is none of the prompts")
      }
      standard = try prompts.text(name) ?? ""
    }
    func prompt(_ names: [String]) throws(EncoderError) -> String {
      guard let name = names.first(where: prompts.contains) else { return standard }
      return try prompts.text(name) ?? ""
    }
    query = try prompt(["query"])
    document = try prompt(["document", "passage", "corpus"])
  }
}
