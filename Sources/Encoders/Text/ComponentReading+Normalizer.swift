extension ComponentReading {
  /// The steps of the normaliser.
  func normalizer(_ value: JSONValue?) throws(TokenizerError) -> TextNormalizer {
    guard let value, value != .null else { return TextNormalizer(steps: []) }
    var steps: [TextNormalizer.Step] = []
    for component in try members("normalizers", of: value) {
      steps.append(try normalizerStep(component))
    }
    return TextNormalizer(steps: steps)
  }

  private func normalizerStep(
    _ component: JSONValue
  ) throws(TokenizerError) -> TextNormalizer.Step {
    switch component["type"]?.string {
    case "NFC": return .composition
    case "NFD": return .decomposition
    case "Lowercase": return .lowercase
    case "StripAccents": return .accentRemoval
    case "Strip":
      return .strip(
        left: try normalizerFlag("strip_left", of: component, default: true),
        right: try normalizerFlag("strip_right", of: component, default: true))
    case "Prepend":
      guard let prefix = component["prepend"]?.string else {
        throw malformed("the normaliser Prepend")
      }
      return .prefix(Array(prefix.unicodeScalars))
    case "Replace": return try replacement(component)
    case "Precompiled":
      guard
        let map = component["precompiled_charsmap"]?.string.flatMap(base64Bytes).flatMap({
          CharsMap(bytes: $0)
        })
      else { throw malformed("the table of the normaliser Precompiled") }
      return .charsMap(map)
    case "BertNormalizer":
      let lowercases = try normalizerFlag("lowercase", of: component, default: true)
      return .bert(
        BERTNormalization(
          cleansText: try normalizerFlag("clean_text", of: component, default: true),
          separatesChinese: try normalizerFlag(
            "handle_chinese_chars", of: component, default: true),
          stripsAccents: try normalizerFlag("strip_accents", of: component, default: lowercases),
          lowercases: lowercases))
    default: throw unsupported("the normaliser \(type(of: component))")
    }
  }

  private func normalizerFlag(
    _ name: String, of component: JSONValue, default fallback: Bool
  ) throws(TokenizerError) -> Bool {
    try flag(name, of: component.object ?? JSONObject(), default: fallback, in: "normaliser")
  }

  private func replacement(_ component: JSONValue) throws(TokenizerError) -> TextNormalizer.Step {
    guard let content = component["content"]?.string else {
      throw malformed("the normaliser Replace")
    }
    if let literal = component["pattern"]?["String"]?.string, !literal.isEmpty {
      return .replacement(
        .literal(Array(literal.unicodeScalars)), with: Array(content.unicodeScalars))
    }
    guard let expression = component["pattern"]?["Regex"]?.string,
      let pattern = ScalarPattern(regularExpression: expression)
    else { throw unsupported("the normaliser Replace with this pattern") }
    if expression == #"\s+"#, content == " " { return .whitespace }
    return .replacement(pattern, with: Array(content.unicodeScalars))
  }
}
