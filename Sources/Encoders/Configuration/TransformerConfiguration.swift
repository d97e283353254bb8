package import FilipLinearAlgebra

/// The blocks of a tower, in the words of the paper: width, layers, heads.
package struct TransformerConfiguration: Sendable, Hashable {
  /// Floats of a token between blocks.
  package var width: Int
  /// Width of the feed-forward network's inner layer.
  package var innerWidth: Int
  /// Number of blocks.
  package var layerCount: Int
  /// Attention heads of a block; divides `width`.
  package var headCount: Int
  /// Non-linearity of the feed-forward network.
  package var activation: Activation
  /// Added to the variance in every layer norm.
  package var normEpsilon: Float
  /// Which tokens a token sees.
  package var mask: AttentionMask
}

// MARK: - Reading

extension TransformerConfiguration {
  /// Reads a tower's blocks. What the file leaves out, and what no file states, is as in
  /// `defaults`: the values of the family's configuration class.
  ///
  /// - Throws: `.invalidConfiguration`.
  init(
    _ reader: ConfigurationReader, defaults: TransformerConfiguration
  ) throws(EncoderError) {
    self = defaults
    width = try reader.count("hidden_size", default: width, in: 1...ConfigurationLimit.width)
    innerWidth = try reader.count(
      "intermediate_size", default: innerWidth, in: 1...4 * ConfigurationLimit.width)
    layerCount = try reader.count(
      "num_hidden_layers", default: layerCount, in: 1...ConfigurationLimit.layers)
    headCount = try reader.count(
      "num_attention_heads", default: headCount, in: 1...ConfigurationLimit.width)
    guard width % headCount == 0 else {
      throw reader.invalid(
        "hidden_size", "(\(width)) is not a multiple of num_attention_heads (\(headCount))")
    }
    if let name = try reader.text("hidden_act") {
      guard let named = Activation(configurationName: name) else {
        throw reader.invalid(
          "hidden_act", "(\(name)) is none of quick_gelu, gelu, gelu_pytorch_tanh and relu")
      }
      activation = named
    }
    normEpsilon = try reader.fraction("layer_norm_eps", default: normEpsilon)
  }

  /// The defaults of `CLIPVisionConfig`.
  static let clipVision = TransformerConfiguration(
    width: 768, innerWidth: 3072, layerCount: 12, headCount: 12, activation: .quickGELU,
    normEpsilon: 1e-5, mask: .none)

  /// The defaults of `CLIPTextConfig`.
  static let clipText = TransformerConfiguration(
    width: 512, innerWidth: 2048, layerCount: 12, headCount: 8, activation: .quickGELU,
    normEpsilon: 1e-5, mask: .causal)

  /// The defaults of `SiglipVisionConfig` and `SiglipTextConfig`, and of SigLIP 2's.
  static let siglip = TransformerConfiguration(
    width: 768, innerWidth: 3072, layerCount: 12, headCount: 12, activation: .tanhGELU,
    normEpsilon: 1e-6, mask: .none)
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
