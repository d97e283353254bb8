/// What the files beside a tokenizer say: `tokenizer_config.json`, `special_tokens_map.json`, and the
/// kind of model in `config.json`.
struct TokenizerSettings {
  /// Names of special tokens that transformers knows, in its order.
  static let specialTokenNames = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  /// Members of `tokenizer_config.json`.
  private var config = JSONObject()
  private var specialTokens = JSONObject()
  /// The tokenizer's class in transformers, without the `Fast` of older versions.
  private(set) var className: String?
  private let file: String

  /// Reads what there is of the files in a folder.
  ///
  /// - Throws: `TokenizerError` when one is malformed. `config.json` is the model's: what is wrong
  ///   with it is not said here.
  init(directory: String) throws(TokenizerError) {
    file = directory + "/tokenizer_config.json"
    config = try Self.object(in: file)
    specialTokens = try Self.object(in: directory + "/special_tokens_map.json")
    className = config["tokenizer_class"]?.string.map {
      $0.hasSuffix("Fast") ? String($0.dropLast(4)) : $0
    }
    let model = (try? Self.object(in: directory + "/config.json")) ?? JSONObject()
    switch model["model_type"]?.string {
    case "siglip2": className = "Siglip2Tokenizer"
    case "siglip": className = className ?? "SiglipTokenizer"
    case "tipsv2": className = "Tipsv2Tokenizer"
    case nil where model["vision_fn"] != nil: className = "Tipsv2Tokenizer"
    default: break
    }
  }

  private static func object(in path: String) throws(TokenizerError) -> JSONObject {
    guard fileExists(path) else { return JSONObject() }
    let bytes = try TokenizerFile.read(path)
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: bytes)
    } catch {
      throw TokenizerError(.malformedFile, file: path, problem: "\(error)")
    }
    guard let object = value.object else {
      throw TokenizerError(.malformedFile, file: path, problem: "it holds no object")
    }
    return object
  }

  /// A flag of `tokenizer_config.json`; `nil` when it is missing or null.
  func flag(_ name: String) -> Bool? { config[name]?.bool }

  /// A special token such as `pad_token`; `nil` when it has no such token.
  func specialToken(_ name: String) -> String? {
    for value in [config[name], specialTokens[name]] {
      guard let value else { continue }
      return value.string ?? value["content"]?.string
    }
    switch (className, name) {
    case ("SiglipTokenizer", "pad_token"), ("SiglipTokenizer", "eos_token"): return "</s>"
    case ("SiglipTokenizer", "unk_token"), ("Tipsv2Tokenizer", "unk_token"),
      ("Siglip2Tokenizer", "unk_token"), ("GemmaTokenizer", "unk_token"):
      return "<unk>"
    case ("Tipsv2Tokenizer", "pad_token"), ("Siglip2Tokenizer", "pad_token"),
      ("GemmaTokenizer", "pad_token"):
      return "<pad>"
    case ("Siglip2Tokenizer", "bos_token"), ("GemmaTokenizer", "bos_token"): return "<bos>"
    case ("Siglip2Tokenizer", "eos_token"), ("GemmaTokenizer", "eos_token"): return "<eos>"
    case ("CLIPTokenizer", "pad_token"): return "<|endoftext|>"
    default: return nil
    }
  }

  /// How texts are filled up, as far as these files and the tokenizer's own tell.
  ///
  /// - Parameters:
  ///   - document: the member `padding` of `tokenizer.json`, which others take precedence over.
  ///   - id: the id of a token.
  func padding(document: JSONValue?, id: (String) -> Int32?) -> PaddingRule? {
    let name = specialToken("pad_token") ?? document?["pad_token"]?.string
    let documentID = document?["pad_id"]?.integer.flatMap { Int32(exactly: $0) }
    guard let tokenID = name.flatMap(id) ?? documentID else { return nil }
    var isOnLeft = ["Siglip2Tokenizer", "GemmaTokenizer"].contains(className)
    if let direction = document?["direction"]?.string { isOnLeft = direction == "Left" }
    if let side = config["padding_side"]?.string { isOnLeft = side == "left" }
    let inputs = config["model_input_names"]?.array?.compactMap(\.string)
    var length = config["model_max_length"]?.integer ?? document?["strategy"]?["Fixed"]?.integer
    if config["model_max_length"] == nil, length == nil,
      ["SiglipTokenizer", "Tipsv2Tokenizer"].contains(className)
    {
      length = 64
    }
    return PaddingRule(
      tokenID: tokenID, isOnLeft: isOnLeft,
      isMasked: inputs?.contains("attention_mask") ?? true,
      // Where there is no limit, transformers writes a number beyond all texts.
      maximumLength: length.flatMap { 1...1 << 20 ~= $0 ? Int($0) : nil })
  }

  /// Refuses settings that change the ids in a way we do not follow.
  func check() throws(TokenizerError) {
    if config["truncation_side"]?.string == "left" {
      throw TokenizerError(
        .unsupportedComponent, file: file, problem: "truncation_side left is not supported")
    }
    if flag("split_special_tokens") == true {
      throw TokenizerError(
        .unsupportedComponent, file: file, problem: "split_special_tokens is not supported")
    }
  }
}
