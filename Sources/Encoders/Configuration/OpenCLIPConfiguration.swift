/// `open_clip_config.json`: what open_clip (3.3) says of a model, in the form of the Hugging Face
/// library.
///
/// What the file leaves out takes open_clip's defaults, which are not those of the Hugging Face
/// library: exact GELU, patches of 16 pixels.
struct OpenCLIPConfiguration {
  /// The content of the `config.json` of the same model.
  let reader: ConfigurationReader
  /// How the model wants its pictures.
  let preprocessing: PreprocessorConfiguration

  /// Reads the file at `path`.
  ///
  /// - Throws: `.unreadableFile`, `.malformedFile`; `.invalidConfiguration`; `.unsupportedModel`
  ///   for parts that a plain CLIP does not have.
  init(path: String) throws(EncoderError) {
    let file = try ConfigurationReader(path: path)
    let model = try file.section("model_cfg")
    let vision = try model.section("vision_cfg")
    let text = try model.section("text_cfg")
    try Self.requirePlain(model, allowing: Self.modelMembers)
    try Self.requirePlain(vision, allowing: Self.visionMembers.merging(Self.towerMembers) { $1 })
    try Self.requirePlain(text, allowing: Self.textMembers.merging(Self.towerMembers) { $1 })

    let isQuick = try model.flag("quick_gelu", default: false)
    let activation = JSONValue.string(isQuick ? "quick_gelu" : "gelu")
    let imageSize = try vision.side(
      "image_size", default: 224, in: 1...ConfigurationLimit.imageSize)
    let visionWidth = try vision.count("width", default: 768, in: 1...ConfigurationLimit.width)
    let headWidth = try vision.count("head_width", default: 64, in: 1...ConfigurationLimit.width)
    let textWidth = try text.count("width", default: 512, in: 1...ConfigurationLimit.width)
    let vocabularySize = try text.count(
      "vocab_size", default: 49408, in: 2...ConfigurationLimit.vocabulary)
    let configuration = JSONValue.members([
      "model_type": .string("clip"),
      "projection_dim": .count(
        try model.count("embed_dim", default: 512, in: 1...ConfigurationLimit.width)),
      "vision_config": .members([
        "hidden_size": .count(visionWidth),
        "intermediate_size": .count(try Self.innerWidth(vision, width: visionWidth)),
        "num_hidden_layers": .count(
          try vision.count("layers", default: 12, in: 1...ConfigurationLimit.layers)),
        "num_attention_heads": .count(max(1, visionWidth / headWidth)),
        "image_size": .count(imageSize),
        "patch_size": .count(
          try vision.side("patch_size", default: 16, in: 1...ConfigurationLimit.imageSize)),
        "hidden_act": activation,
        "layer_norm_eps": try Self.epsilon(vision),
      ]),
      "text_config": .members([
        "hidden_size": .count(textWidth),
        "intermediate_size": .count(try Self.innerWidth(text, width: textWidth)),
        "num_hidden_layers": .count(
          try text.count("layers", default: 12, in: 1...ConfigurationLimit.layers)),
        "num_attention_heads": .count(
          try text.count("heads", default: 8, in: 1...ConfigurationLimit.width)),
        "vocab_size": .count(vocabularySize),
        "max_position_embeddings": .count(
          try text.count("context_length", default: 77, in: 2...ConfigurationLimit.positions)),
        "bos_token_id": .count(vocabularySize - 2),
        // open_clip takes the largest number for the end token: `eos_token_id` 2 is that rule.
        "eos_token_id": .count(2),
        "hidden_act": activation,
        "layer_norm_eps": try Self.epsilon(text),
      ]),
    ])
    reader = ConfigurationReader(configuration.object ?? JSONObject(), path: path)
    preprocessing = try Self.preprocessing(
      file.section("preprocess_cfg"), imageSize: imageSize)
  }

  // MARK: - Architecture

  /// Members that are read, and others with the only value that a plain CLIP has; `nil` where any
  /// will do.
  private typealias Members = [String: JSONValue?]

  private static let modelMembers: Members = [
    "embed_dim": nil, "vision_cfg": nil, "text_cfg": nil, "quick_gelu": nil, "custom_text": nil,
    "init_logit_scale": nil, "init_logit_bias": nil, "nonscalar_logit_scale": nil,
  ]
  private static let towerMembers: Members = [
    "layers": nil, "width": nil, "mlp_ratio": nil, "norm_kwargs": nil, "output_tokens": nil,
    "qk_norm": .bool(false), "scaled_cosine_attn": .bool(false), "scale_heads": .bool(false),
    "scale_attn_inner": .bool(false), "scale_attn": .bool(false), "scale_fc": .bool(false),
    "final_ln_after_pool": .bool(false), "block_type": .string("default"),
  ]
  private static let visionMembers: Members = [
    "image_size": nil, "patch_size": nil, "head_width": nil, "patch_dropout": nil,
    "attn_pooler_queries": nil, "attn_pooler_heads": nil, "attentional_pool": .bool(false),
    "no_ln_pre": .bool(false), "pos_embed_type": .string("learnable"), "pool_type": .string("tok"),
    "timm_model_pretrained": nil, "timm_pool": nil, "timm_proj": nil, "timm_proj_bias": nil,
    "timm_drop": nil, "timm_drop_path": nil,
  ]
  private static let textMembers: Members = [
    "context_length": nil, "vocab_size": nil, "heads": nil, "pad_id": nil, "eos_id": nil,
    "hf_tokenizer_name": nil, "tokenizer_mode": nil, "tokenizer_kwargs": nil,
    "hf_model_pretrained": nil, "embed_cls": .bool(false), "no_causal_mask": .bool(false),
    "pool_type": .string("argmax"), "proj_bias": .bool(false), "proj_type": .string("linear"),
  ]

  /// Refuses what would change the arithmetic.
  private static func requirePlain(
    _ section: ConfigurationReader, allowing members: Members
  ) throws(EncoderError) {
    for member in section.members {
      let (key, value) = (member.key, member.value)
      if let allowed = members[key], allowed == nil || allowed == value { continue }
      throw EncoderError(
        .unsupportedModel,
        "\(section.path): \(section.name(of: key)) is \(value.text.prefix(60)), which a plain CLIP "
          + "does not have; use the model in Hugging Face's layout if there is one")
    }
  }

  private static func innerWidth(
    _ tower: ConfigurationReader, width: Int
  ) throws(EncoderError) -> Int {
    let ratio = try tower.number("mlp_ratio", default: 4, in: 0.01...64)
    return max(1, Int(Double(width) * ratio))
  }

  /// The epsilon that a tower's norms are told to have; `nil` for PyTorch's.
  private static func epsilon(_ tower: ConfigurationReader) throws(EncoderError) -> JSONValue? {
    let norm = try tower.section("norm_kwargs")
    try requirePlain(norm, allowing: ["eps": nil])
    return norm.contains("eps") ? .double(Double(try norm.fraction("eps", default: 1e-5))) : nil
  }

  // MARK: - Preprocessing

  private static func preprocessing(
    _ section: ConfigurationReader, imageSize: Int
  ) throws(EncoderError) -> PreprocessorConfiguration {
    var preprocessing = PreprocessorConfiguration.clip(imageSize: imageSize)
    switch try section.text("resize_mode") ?? "shortest" {
    case "shortest": break
    case "squash":
      preprocessing.resizing = .exact(width: imageSize, height: imageSize)
      preprocessing.centerCrop = nil
    case let mode:
      throw section.invalid("resize_mode", "(\(mode)) is neither shortest nor squash")
    }
    switch try section.text("interpolation") ?? "bicubic" {
    case "bicubic": preprocessing.filter = .bicubic
    case "bilinear": preprocessing.filter = .bilinear
    case let filter:
      throw section.invalid("interpolation", "(\(filter)) is neither bicubic nor bilinear")
    }
    if let mean = try section.channels("mean") { preprocessing.mean = mean }
    if let deviation = try section.channels("std") {
      guard deviation.allSatisfy({ abs($0) >= .leastNormalMagnitude }) else {
        throw section.invalid("std", "holds a zero")
      }
      preprocessing.standardDeviation = deviation
    }
    return preprocessing
  }
}

extension ConfigurationReader {
  /// Three numbers, for red, green and blue.
  fileprivate func channels(_ key: String) throws(EncoderError) -> [Float]? {
    guard contains(key) else { return nil }
    let numbers = (list(key) ?? []).compactMap { $0.double.map(Float.init) }.filter(\.isFinite)
    guard numbers.count == 3, list(key)?.count == 3 else {
      throw invalid(key, "is not three numbers")
    }
    return numbers
  }
}

extension PreprocessorConfiguration {
  /// CLIP's preprocessing for pictures of another size.
  static func clip(imageSize: Int) -> PreprocessorConfiguration {
    var preprocessing = PreprocessorConfiguration()
    preprocessing.resizing = .shorterSide(imageSize)
    preprocessing.centerCrop = Size(width: imageSize, height: imageSize)
    return preprocessing
  }
}
