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
  init(
    _ reader: ConfigurationReader, width: Int, innerWidth: Int, headCount: Int,
    mask: AttentionMask
  ) throws(EncoderError) {
    self.width = try reader.count("hidden_size", default: width, in: 1...ConfigurationLimit.width)
    self.innerWidth = try reader.count(
      "intermediate_size", default: innerWidth, in: 1...4 * ConfigurationLimit.width)
    layerCount = try reader.count(
      "num_hidden_layers", default: 12, in: 1...ConfigurationLimit.layers)
    self.headCount = try reader.count(
      "num_attention_heads", default: headCount, in: 1...ConfigurationLimit.width)
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
