extension ModelConfiguration {
  /// Reads `config.json` of a model directory, as the Hugging Face library would.
  ///
  /// What the file leaves out takes the defaults of the family's configuration classes in
  /// transformers (5.23). The `filip` family shares CLIP's, except for what it adds.
  /// - Throws: `.unreadableFile`, `.malformedFile`; `.unsupportedModel` for another `model_type`;
  ///   `.invalidConfiguration`.
  package init(path: String) throws(EncoderError) {
    var file = try ConfigurationReader(path: path)
    let type = try file.text("model_type") ?? "(none)"
    guard let family = ModelFamily(rawValue: type) else {
      throw EncoderError(
        .unsupportedModel,
        "\(path): models of type \(type) are not supported; supported are "
          + ModelFamily.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.family = family
    if family == .tips { file = try file.sectionedTIPS }
    vision = try VisionConfiguration(file.tower("vision_config"), family: family)
    projectionDimension =
      vision.hasProjection
      ? try file.count("projection_dim", default: 512, in: 1...ConfigurationLimit.width)
      : vision.transformer.width
    text = try TextConfiguration(file.tower("text_config"), family: family)
    scoresSpecialTokens = try file.flag("score_special_tokens", default: false)
    domain = try file.text("filip_domain")
    version = try file.text("filip_version")
    if family == .filip || family == .clip, let pooling = try file.text("pooling") {
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
