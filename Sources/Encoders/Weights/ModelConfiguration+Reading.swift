internal import FilipLinearAlgebra

extension ModelConfiguration {
  /// Reads `config.json` of a model directory, as the Hugging Face library would.
  ///
  /// What the file leaves out takes the defaults of transformers' `CLIPConfig`, `CLIPTextConfig`
  /// and `CLIPVisionConfig` (5.23). The `filip` family shares them, except for what it adds.
  /// - Throws: `.unreadableFile`, `.malformedFile`; `.unsupportedModel` for another `model_type`;
  ///   `.invalidConfiguration`.
  package init(path: String) throws(EncoderError) {
    let file = try ConfigurationReader(path: path)
    let type = try file.text("model_type") ?? "(none)"
    guard let family = ModelFamily(rawValue: type) else {
      throw EncoderError(
        .unsupportedModel,
        "\(path): models of type \(type) are not supported; supported are clip and filip")
    }
    self.family = family
    projectionDimension = try file.count("projection_dim", default: 512, in: 1...Limit.width)
    vision = try VisionConfiguration(file.tower("vision_config"), family: family)
    text = try TextConfiguration(file.tower("text_config"), family: family)
    scoresSpecialTokens = try file.flag("score_special_tokens", default: false)
    domain = try file.text("filip_domain")
    version = try file.text("filip_version")
    if let pooling = try file.text("pooling") {
      guard let pooling = VisionConfiguration.Pooling(name: pooling) else {
        throw file.invalid("pooling", "is neither mean nor class")
      }
      vision.pooling = pooling
    }
    guard vision.pooling != .classToken || vision.hasClassToken else {
      throw file.invalid("pooling", "names the class token, which vision_config denies")
    }
  }
}

/// The largest sizes that are believed; the largest published models stay well below.
private enum Limit {
  static let width = 1 << 14
  static let layers = 1 << 8
  static let vocabulary = 1 << 22
  static let positions = 1 << 16
  static let imageSize = 1 << 12
  static let patches = 1 << 16
}

extension VisionConfiguration.Pooling {
  fileprivate init?(name: String) {
    switch name {
    case "mean": self = .mean
    case "class", "cls": self = .classToken
    default: return nil
    }
  }
}

extension ConfigurationReader {
  /// A tower's section. Old files repeat it as `…_dict`, which then counts.
  fileprivate func tower(_ key: String) throws(EncoderError) -> ConfigurationReader {
    try contains(key + "_dict") ? section(key + "_dict") : section(key)
  }

  /// A side length: one number, or a list of two equal ones.
  fileprivate func side(
    _ key: String, default standard: Int, in range: ClosedRange<Int>
  ) throws(EncoderError) -> Int {
    if let sides = list(key) {
      guard sides.count == 2, sides[0] == sides[1],
        let side = sides[0].integer.flatMap(Int.init(exactly:)), range.contains(side)
      else { throw invalid(key, "is not a square") }
      return side
    }
    return try count(key, default: standard, in: range)
  }
}

extension TransformerConfiguration {
  fileprivate init(
    _ reader: ConfigurationReader, width: Int, innerWidth: Int, headCount: Int,
    mask: AttentionMask
  ) throws(EncoderError) {
    self.width = try reader.count("hidden_size", default: width, in: 1...Limit.width)
    self.innerWidth = try reader.count(
      "intermediate_size", default: innerWidth, in: 1...4 * Limit.width)
    layerCount = try reader.count("num_hidden_layers", default: 12, in: 1...Limit.layers)
    self.headCount = try reader.count(
      "num_attention_heads", default: headCount, in: 1...Limit.width)
    guard self.width % self.headCount == 0 else {
      throw reader.invalid(
        "hidden_size",
        "(\(self.width)) is not a multiple of num_attention_heads (\(self.headCount))")
    }
    let name = try reader.text("hidden_act") ?? "quick_gelu"
    guard let activation = Activation(configurationName: name) else {
      throw reader.invalid(
        "hidden_act", "(\(name)) is none of quick_gelu, gelu, gelu_pytorch_tanh and relu")
    }
    self.activation = activation
    normEpsilon = try reader.fraction("layer_norm_eps", default: 1e-5)
    self.mask = mask
  }
}

extension Activation {
  fileprivate init?(configurationName name: String) {
    switch name {
    case "quick_gelu": self = .quickGELU
    case "gelu": self = .gelu
    case "gelu_pytorch_tanh": self = .tanhGELU
    case "relu": self = .relu
    default: return nil
    }
  }
}

extension VisionConfiguration {
  fileprivate init(
    _ reader: ConfigurationReader, family: ModelFamily
  ) throws(EncoderError) {
    transformer = try TransformerConfiguration(
      reader, width: 768, innerWidth: 3072, headCount: 12, mask: .none)
    imageSize = try reader.side("image_size", default: 224, in: 1...Limit.imageSize)
    patchSize = try reader.side("patch_size", default: 32, in: 1...Limit.imageSize)
    channelCount = try reader.count("num_channels", default: 3, in: 3...3)
    // Only the filip family may leave these parts out.
    let isFixed = family == .clip
    hasClassToken = isFixed ? true : try reader.flag("class_token", default: true)
    hasNormBeforeBlocks = isFixed ? true : try reader.flag("pre_layer_norm", default: true)
    hasPatchBias = isFixed ? false : try reader.flag("patch_bias", default: false)
    pooling = hasClassToken ? .classToken : .mean
    guard imageSize % patchSize == 0 else {
      throw reader.invalid(
        "image_size", "(\(imageSize)) is not a multiple of patch_size (\(patchSize))")
    }
    guard patchCount <= Limit.patches else {
      throw reader.invalid("image_size", "(\(imageSize)) makes more than \(Limit.patches) patches")
    }
  }
}

extension TextConfiguration {
  fileprivate init(
    _ reader: ConfigurationReader, family: ModelFamily
  ) throws(EncoderError) {
    transformer = try TransformerConfiguration(
      reader, width: 512, innerWidth: 2048, headCount: 8, mask: .causal)
    vocabularySize = try reader.count("vocab_size", default: 49408, in: 1...Limit.vocabulary)
    positionCount = try reader.count(
      "max_position_embeddings", default: 77, in: 2...Limit.positions)
    startToken = try reader.count("bos_token_id", default: 49406, in: 0...Limit.vocabulary)
    let end = try reader.count("eos_token_id", default: 49407, in: 0...Limit.vocabulary)
    endRule = family == .clip && end == 2 ? .largestToken : .firstToken(end)
  }
}
