internal import FilipLinearAlgebra

/// A vision transformer.
package struct VisionConfiguration: Sendable, Hashable {
  /// How one vector is made of the tokens.
  package enum Pooling: String, Sendable {
    /// The class token, normed, projected as the patches are (or by a projection of its own).
    case classToken
    /// The mean of the normed patches, projected.
    case mean
  }

  /// The blocks.
  package var transformer: TransformerConfiguration
  /// Height and width of the input in pixels.
  package var imageSize: Int
  /// Height and width of a patch in pixels; divides `imageSize`.
  package var patchSize: Int
  /// Colour channels.
  package var channelCount: Int
  /// Whether a learned token precedes the patches.
  package var hasClassToken: Bool
  /// Whether tokens are normed before the first block.
  package var hasNormBeforeBlocks: Bool
  /// Whether the patch embedding adds a bias.
  package var hasPatchBias: Bool
  /// How one vector is made of the tokens.
  package var pooling: Pooling

  /// Patches along one side.
  package var gridSide: Int { imageSize / patchSize }
  /// Number of patches.
  package var patchCount: Int { gridSide * gridSide }
  /// Tokens that run through the blocks.
  package var tokenCount: Int { patchCount + (hasClassToken ? 1 : 0) }
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
  init(
    _ reader: ConfigurationReader, family: ModelFamily
  ) throws(EncoderError) {
    transformer = try TransformerConfiguration(
      reader, width: 768, innerWidth: 3072, headCount: 12, mask: .none)
    imageSize = try reader.side("image_size", default: 224, in: 1...ConfigurationLimit.imageSize)
    patchSize = try reader.side("patch_size", default: 32, in: 1...ConfigurationLimit.imageSize)
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
    guard patchCount <= ConfigurationLimit.patches else {
      throw reader.invalid(
        "image_size", "(\(imageSize)) makes more than \(ConfigurationLimit.patches) patches")
    }
  }
}
