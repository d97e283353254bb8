extension ModelConfiguration {
  /// Reads `config.json` of a model directory, as the Hugging Face library would.
  ///
  /// What the file leaves out takes the defaults of the family's configuration classes in
  /// transformers (5.23). The `filip` and `wukong` families share CLIP's, except for what they add.
  /// - Throws: `.unreadableFile`, `.malformedFile`; `.unsupportedModel` for another `model_type`;
  ///   `.invalidConfiguration`.
  package init(path: String) throws(EncoderError) {
    try self.init(ConfigurationReader(path: path))
  }

  /// Reads the object of a `config.json`, or one that was translated to its form.
  ///
  /// - Throws: as above, except for problems of the file.
  init(_ file: ConfigurationReader) throws(EncoderError) {
    var file = file
    let path = file.path
    let type = try file.text("model_type") ?? "(none)"
    guard let family = ModelFamily(rawValue: type) else {
      throw EncoderError(
        .unsupportedModel,
        "\(path): models of type \(type) are not supported; supported are "
          + ModelFamily.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.family = family
    if family == .tips { file = try file.sectionedTIPS }
    vision = try VisionConfiguration(in: file, family: family)
    text = try TextConfiguration(file.textTower(of: family), family: family)
    projectionDimension = try file.projectionDimension(of: family, text: text)
    if family == .colModernVBERT, let vision {
      page = try PageConfiguration(file.section("vlm_config"), vision: vision)
    }
    if let vision, page == nil, !vision.hasProjection,
      vision.transformer.width != projectionDimension
    {
      throw file.invalid(
        "vision_config.hidden_size",
        "(\(vision.transformer.width)) is not the width of the texts' vectors "
          + "(\(projectionDimension)), and this family has no projection")
    }
    scoresSpecialTokens = try file.flag(
      "score_special_tokens", default: family.scoresSpecialTokens)
    domain = try file.text("filip_domain")
    version = try file.text("filip_version")
    if family == .filip || family == .clip, let pooling = try file.text("pooling") {
      guard let pooling = VisionConfiguration.Pooling(name: pooling) else {
        throw file.invalid("pooling", "is neither mean nor class")
      }
      vision?.pooling = pooling
    }
    guard vision?.pooling != .classToken || vision?.hasClassToken == true else {
      throw file.invalid("pooling", "names the class token, which vision_config denies")
    }
  }
}

extension VisionConfiguration {
  /// The vision tower of a model's file; `nil` for a family without one.
  fileprivate init?(
    in file: ConfigurationReader, family: ModelFamily
  ) throws(EncoderError) {
    switch family {
    case .clip, .filip, .siglip, .siglip2, .tips, .fgclip, .chineseCLIP, .wukong:
      try self.init(file.tower("vision_config"), family: family)
    case .colModernVBERT:
      try self.init(file.section("vlm_config").section("vision_config"), family: family)
    case .bert, .modernBERT: return nil
    }
  }
}

extension ConfigurationReader {
  /// A tower's section. Old files repeat it as `…_dict`, which then counts.
  fileprivate func tower(_ key: String) throws(EncoderError) -> ConfigurationReader {
    try contains(key + "_dict") ? section(key + "_dict") : section(key)
  }

  /// The section of the text tower: the file itself for a model of texts alone.
  fileprivate func textTower(of family: ModelFamily) throws(EncoderError) -> ConfigurationReader {
    switch family {
    case .bert, .modernBERT: self
    case .colModernVBERT: try section("vlm_config").section("text_config")
    case .clip, .filip, .siglip, .siglip2, .tips, .fgclip, .chineseCLIP, .wukong:
      try tower("text_config")
    }
  }

  /// Width of the joint space.
  fileprivate func projectionDimension(
    of family: ModelFamily, text: TextConfiguration
  ) throws(EncoderError) -> Int {
    let widths = 1...ConfigurationLimit.width
    switch family {
    case .clip, .filip, .chineseCLIP, .wukong:
      return try count("projection_dim", default: 512, in: widths)
    case .siglip, .siglip2, .fgclip:
      return try section("text_config").count(
        "projection_size", default: text.transformer.width, in: widths)
    case .tips, .bert, .modernBERT: return text.transformer.width
    case .colModernVBERT: return try count("embedding_dim", default: 128, in: widths)
    }
  }
}
