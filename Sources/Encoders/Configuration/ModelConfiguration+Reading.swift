extension ModelConfiguration {
  /// Reads `config.json` of a model directory, as the Hugging Face library would.
  ///
  /// What the file leaves out takes the defaults of transformers' `CLIPConfig`, `CLIPTextConfig`
  /// and `CLIPVisionConfig` (5.23). The `filip` family shares them, except for what it adds.
  /// - Throws: `.unreadableFile`, `.malformedFile`; `.unsupportedModel` for another `model_type`;
  ///   `.invalidConfiguration`.
  package init(path: String) throws(EncoderError) {
    try self.init(ConfigurationReader(path: path))
  }

  /// Reads the object of a `config.json`, or one that was translated to its form.
  ///
  /// - Throws: as above, except for problems of the file.
  init(_ file: ConfigurationReader) throws(EncoderError) {
    let path = file.path
    let type = try file.text("model_type") ?? "(none)"
    guard let family = ModelFamily(rawValue: type) else {
      throw EncoderError(
        .unsupportedModel,
        "\(path): models of type \(type) are not supported; supported are clip and filip")
    }
    self.family = family
    projectionDimension = try file.count(
      "projection_dim", default: 512, in: 1...ConfigurationLimit.width)
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

extension ConfigurationReader {
  /// A tower's section. Old files repeat it as `…_dict`, which then counts.
  fileprivate func tower(_ key: String) throws(EncoderError) -> ConfigurationReader {
    try contains(key + "_dict") ? section(key + "_dict") : section(key)
  }
}
