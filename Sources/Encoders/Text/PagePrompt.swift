/// The text that a page's picture stands in, as transformers' `ColModernVBertProcessor` writes it: a
/// prompt, and for each part of the picture a mark of its place and the places of its vectors.
struct PagePrompt: Sendable, Hashable {
  /// What stands before the picture.
  let start: String
  /// What stands behind it.
  let end: String
  /// Vectors that each part of the picture becomes.
  let tokenCount: Int

  private static let picture = "<image>"
  private static let mark = "<fake_token_around_image>"
  private static let standard =
    "<|begin_of_text|>User:<image>Describe the image.<end_of_utterance>\nAssistant:"

  /// The text of a page that is cut into `rowCount` × `columnCount` parts, with the whole as the
  /// last; zeros for one that is not cut.
  func text(rowCount: Int, columnCount: Int) -> String {
    let pictures = String(repeating: Self.picture, count: tokenCount)
    var text = start
    for row in 0..<rowCount {
      for column in 0..<columnCount {
        text += "\(Self.mark)<row_\(row + 1)_col_\(column + 1)>\(pictures)"
      }
      text += "\n"
    }
    if rowCount > 0 { text += "\n" }
    return text + "\(Self.mark)<global-img>\(pictures)\(Self.mark)\(end)"
  }

  /// Reads `processor_config.json` in a model's folder, if it is there.
  ///
  /// - Throws: `.unreadableFile`, `.malformedFile`; `.invalidConfiguration` when the prompt is not
  ///   around one picture, or pictures become another number of vectors than `tokenCount`;
  ///   `.unsupportedModel` when queries are given a beginning of their own.
  init(directory: String, tokenCount: Int) throws(EncoderError) {
    self.tokenCount = tokenCount
    var prompt = Self.standard
    let path = directory + "/processor_config.json"
    if fileExists(path) {
      let reader = try ConfigurationReader(path: path)
      if let text = try reader.text("visual_prompt_prefix"), !text.isEmpty { prompt = text }
      let count = try reader.count(
        "image_seq_len", default: 64, in: 1...ConfigurationLimit.patches)
      guard count == tokenCount else {
        throw reader.invalid(
          "image_seq_len", "(\(count)) is not what config.json makes of a picture (\(tokenCount))")
      }
      guard try (reader.text("query_prefix") ?? "").isEmpty else {
        throw EncoderError(
          .unsupportedModel, "\(path): query_prefix is not empty, which is not supported")
      }
      guard Self.parts(of: prompt).count == 2 else {
        throw reader.invalid("visual_prompt_prefix", "does not name \(Self.picture) once")
      }
    }
    let parts = Self.parts(of: prompt)
    (start, end) = (parts[0], parts[1])
  }

  private static func parts(of prompt: String) -> [String] {
    prompt.split(separator: picture, omittingEmptySubsequences: false).map(String.init)
  }
}
