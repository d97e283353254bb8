internal import FilipLinearAlgebra

/// A vision transformer.
package struct VisionConfiguration: Sendable, Hashable {
  /// How one vector is made of the tokens.
  package enum Pooling: String, Sendable {
    /// The class token, normed, projected as the patches are (or by a projection of its own).
    case classToken
    /// The mean of the normed patches, projected.
    case mean
    /// A learned query attends to the normed patches: SigLIP's head. Nothing is projected.
    case attention
  }

  /// Which images the tower takes.
  package enum Input: Sendable, Hashable {
    /// Squares of `imageSize`: a learned position for each of their patches.
    case square
    /// Any size of whole patches: the learned positions, those of a square of `imageSize`, are
    /// resized to each image's grid.
    case anyGrid
  }

  /// The blocks.
  package var transformer: TransformerConfiguration
  /// Height and width in pixels of the images that positions were learned for.
  package var imageSize: Int
  /// Height and width of a patch in pixels; divides `imageSize`.
  package var patchSize: Int
  /// Colour channels.
  package var channelCount: Int
  /// Which images the tower takes.
  package var input: Input
  /// Whether a learned token precedes the patches.
  package var hasClassToken: Bool
  /// Learned tokens without a place, between the class token and the patches.
  package var registerCount: Int
  /// Whether tokens are normed before the first block.
  package var hasNormBeforeBlocks: Bool
  /// Whether the patch embedding adds a bias.
  package var hasPatchBias: Bool
  /// Whether each block multiplies what it adds by learned factors.
  package var hasLayerScale: Bool
  /// Whether the joint space is another than that of the tokens.
  package var hasProjection: Bool
  /// How one vector is made of the tokens.
  package var pooling: Pooling

  /// Patches along one side of an image of `imageSize`.
  package var gridSide: Int { imageSize / patchSize }
  /// Number of patches of an image of `imageSize`.
  package var patchCount: Int { gridSide * gridSide }
  /// Tokens before the patches.
  package var leadingCount: Int { (hasClassToken ? 1 : 0) + registerCount }
  /// Tokens of an image of `imageSize` that run through the blocks.
  package var tokenCount: Int { patchCount + leadingCount }
}

// MARK: - Reading

extension VisionConfiguration.Pooling {
  init?(name: String) {
    switch name {
    case "mean": self = .mean
    case "class", "cls": self = .classToken
    default: return nil
    }
  }
}

extension VisionConfiguration {
  /// Reads the section of a vision tower. What it leaves out is as in the family's configuration
  /// class in transformers.
  ///
  /// - Throws: `.invalidConfiguration`.
  init(
    _ reader: ConfigurationReader, family: ModelFamily
  ) throws(EncoderError) {
    self = Self.defaults(of: family)
    transformer = try TransformerConfiguration(reader, defaults: transformer)
    patchSize = try reader.side(
      "patch_size", default: patchSize, in: 1...ConfigurationLimit.imageSize)
    channelCount = try reader.count("num_channels", default: channelCount, in: 3...3)
    switch family {
    // ColModernVBERT has no use for a head.
    case .clip, .chineseCLIP, .wukong, .colModernVBERT, .bert, .modernBERT: break
    case .filip:
      // Only this family may leave parts out.
      hasClassToken = try reader.flag("class_token", default: hasClassToken)
      hasNormBeforeBlocks = try reader.flag("pre_layer_norm", default: hasNormBeforeBlocks)
      hasPatchBias = try reader.flag("patch_bias", default: hasPatchBias)
      if !hasClassToken { pooling = .mean }
    case .siglip, .siglip2, .fgclip:
      guard try reader.flag("vision_use_head", default: true) else {
        throw reader.invalid(
          "vision_use_head", "is false, but without its head the tower has no joint space")
      }
    case .tips:
      guard try !reader.flag("use_swiglu_ffn", default: false) else {
        throw reader.invalid("use_swiglu_ffn", "is true, which is not supported")
      }
      guard try reader.flag("qkv_bias", default: true) else {
        throw reader.invalid("qkv_bias", "is false, which is not supported")
      }
      registerCount = try reader.count(
        "num_register_tokens", default: registerCount, in: 0...ConfigurationLimit.registers)
      transformer.innerWidth = Int(
        Double(transformer.width)
          * (try reader.number(
            "mlp_ratio", default: 4, in: 1 / Double(transformer.width)...ConfigurationLimit.ratio)))
    }
    imageSize =
      input == .anyGrid && pooling == .attention
      ? try reader.sideOfSquare("num_patches", default: 256) * patchSize
      : try reader.side("image_size", default: imageSize, in: 1...ConfigurationLimit.imageSize)
    guard imageSize % patchSize == 0 else {
      throw reader.invalid(
        "image_size", "(\(imageSize)) is not a multiple of patch_size (\(patchSize))")
    }
    guard patchCount <= ConfigurationLimit.patches else {
      throw reader.invalid(
        "image_size", "(\(imageSize)) makes more than \(ConfigurationLimit.patches) patches")
    }
  }

  /// The defaults of a family's configuration class.
  private static func defaults(of family: ModelFamily) -> VisionConfiguration {
    // CLIPVisionConfig, whose values ChineseCLIPVisionConfig and our own families share.
    var defaults = VisionConfiguration(
      transformer: .clipVision, imageSize: 224, patchSize: 32, channelCount: 3, input: .square,
      hasClassToken: true, registerCount: 0, hasNormBeforeBlocks: true, hasPatchBias: false,
      hasLayerScale: false, hasProjection: true, pooling: .classToken)
    switch family {
    case .clip, .filip, .chineseCLIP, .wukong, .bert, .modernBERT: break
    case .siglip, .siglip2, .fgclip, .colModernVBERT:
      defaults.transformer = .siglip
      if family == .siglip2 || family == .fgclip { defaults.input = .anyGrid }
      defaults.patchSize = 16
      defaults.hasClassToken = false
      defaults.hasNormBeforeBlocks = false
      defaults.hasPatchBias = true
      defaults.hasProjection = false
      defaults.pooling = family == .colModernVBERT ? .mean : .attention
    case .tips:
      defaults.transformer = .tipsVision
      defaults.imageSize = 448
      defaults.patchSize = 14
      defaults.input = .anyGrid
      defaults.registerCount = 1
      defaults.hasNormBeforeBlocks = false
      defaults.hasPatchBias = true
      defaults.hasLayerScale = true
      defaults.hasProjection = false
    }
    return defaults
  }
}

extension ConfigurationReader {
  /// The side of a square whose area is the number under `key`.
  fileprivate func sideOfSquare(_ key: String, default standard: Int) throws(EncoderError) -> Int {
    let area = try count(key, default: standard, in: 1...ConfigurationLimit.patches)
    let side = Int(Double(area).squareRoot().rounded())
    guard side * side == area else { throw invalid(key, "(\(area)) is not the area of a square") }
    return side
  }
}
