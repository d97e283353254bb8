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
  /// Where the layer norms stand.
  package var normPlacement = NormPlacement.before
  /// Whether the first block norms what it attends to; where embeddings are normed it need not.
  package var normsFirstBlock = true
  /// Whether layer norms add a bias.
  package var hasNormBias = true
  /// Whether the layers of attention add biases.
  package var hasAttentionBias = true
  /// Whether the layers of the feed-forward network add biases.
  package var hasFeedForwardBias = true
  /// Whether the inner layer is two: one that passes the non-linearity, times another (GeGLU).
  package var isGated = false
  /// How attention turns queries and keys by their places; `nil` where it does not.
  package var rotation: Rotation?

  /// Where a layer norm stands.
  package enum NormPlacement: String, Sendable, Hashable {
    /// Before attention and before the feed-forward network, beside the residual.
    case before
    /// After each of them, on the sum with the residual (BERT).
    case after
  }

  /// Rotary positions (Su et al., 2021), with blocks that see all tokens and blocks that see near
  /// ones only.
  package struct Rotation: Sendable, Hashable {
    /// The base of the angles in blocks that see all tokens.
    package var globalBase: Float
    /// The base of the angles in the others.
    package var localBase: Float
    /// How many places away the tokens are, at most, that those see.
    package var localReach: Int
    /// Which blocks those are, one value for each block.
    package var isLocal: [Bool]
  }
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
    try readActivation("hidden_act", reader)
    normEpsilon = try reader.fraction("layer_norm_eps", default: normEpsilon)
  }

  private mutating func readActivation(
    _ key: String, _ reader: ConfigurationReader
  ) throws(EncoderError) {
    guard let name = try reader.text(key) else { return }
    guard let named = Activation(configurationName: name) else {
      throw reader.invalid(
        key, "(\(name)) is none of quick_gelu, gelu, gelu_pytorch_tanh and relu")
    }
    activation = named
  }

  /// The defaults of `CLIPVisionConfig`.
  static let clipVision = TransformerConfiguration(
    width: 768, innerWidth: 3072, layerCount: 12, headCount: 12, activation: .quickGELU,
    normEpsilon: 1e-5, mask: .none)

  /// The defaults of `CLIPTextConfig`.
  static let clipText = TransformerConfiguration(
    width: 512, innerWidth: 2048, layerCount: 12, headCount: 8, activation: .quickGELU,
    normEpsilon: 1e-5, mask: .causal)

  /// The defaults of `Tipsv2VisionConfig`.
  static let tipsVision = TransformerConfiguration(
    width: 768, innerWidth: 3072, layerCount: 12, headCount: 12, activation: .gelu,
    normEpsilon: 1e-6, mask: .none)

  /// The defaults of `BertConfig` and `ChineseCLIPTextConfig`, and BERT's arrangement.
  static let bert = TransformerConfiguration(
    width: 768, innerWidth: 3072, layerCount: 12, headCount: 12, activation: .gelu,
    normEpsilon: 1e-12, mask: .none, normPlacement: .after)

  /// The defaults of `Tipsv2TextConfig`.
  static let tipsText = TransformerConfiguration(
    width: 768, innerWidth: 3072, layerCount: 12, headCount: 12, activation: .relu,
    normEpsilon: 1e-5, mask: .none)

  /// The defaults of `ModernBertConfig`, and its arrangement; `rotation` is read.
  static let modernBERT = TransformerConfiguration(
    width: 768, innerWidth: 1152, layerCount: 22, headCount: 12, activation: .gelu,
    normEpsilon: 1e-5, mask: .none, normsFirstBlock: false, hasNormBias: false,
    hasAttentionBias: false, hasFeedForwardBias: false, isGated: true)

  /// The defaults of `SiglipVisionConfig` and `SiglipTextConfig`, and of SigLIP 2's.
  static let siglip = TransformerConfiguration(
    width: 768, innerWidth: 3072, layerCount: 12, headCount: 12, activation: .tanhGELU,
    normEpsilon: 1e-6, mask: .none)
}

// MARK: - ModernBERT

extension TransformerConfiguration {
  /// Reads the blocks of a ModernBERT, whose configuration has names of its own.
  ///
  /// - Throws: `.invalidConfiguration`.
  init(modernBERT reader: ConfigurationReader) throws(EncoderError) {
    try self.init(reader, defaults: .modernBERT)
    try readActivation("hidden_activation", reader)
    normEpsilon = try reader.fraction("norm_eps", default: normEpsilon)
    hasNormBias = try reader.flag("norm_bias", default: hasNormBias)
    hasAttentionBias = try reader.flag("attention_bias", default: hasAttentionBias)
    hasFeedForwardBias = try reader.flag("mlp_bias", default: hasFeedForwardBias)
    guard width / headCount % 2 == 0 else {
      throw reader.invalid("hidden_size", "makes heads of an odd width, which cannot be turned")
    }
    let window = try reader.count(
      "local_attention", default: 128, in: 1...ConfigurationLimit.positions)
    rotation = Rotation(
      globalBase: try reader.base(
        of: "full_attention", old: "global_rope_theta", default: 160_000),
      localBase: try reader.base(
        of: "sliding_attention", old: "local_rope_theta", default: 10_000),
      localReach: window / 2, isLocal: try reader.localBlocks(layerCount))
  }
}

extension ConfigurationReader {
  /// The base of the angles in a kind of block, where new files and where old ones say it.
  fileprivate func base(
    of kind: String, old: String, default standard: Float
  ) throws(EncoderError) -> Float {
    let parameters = try section("rope_parameters").section(kind)
    if let type = try parameters.text("rope_type"), type != "default" {
      throw parameters.invalid("rope_type", "(\(type)) is not default")
    }
    guard !contains("rope_scaling") else {
      throw invalid("rope_scaling", "is there, but scaled angles are not supported")
    }
    return try parameters.positive("rope_theta", default: positive(old, default: standard))
  }

  /// Which blocks see near tokens only: all but each third, unless the file says otherwise.
  fileprivate func localBlocks(_ layerCount: Int) throws(EncoderError) -> [Bool] {
    guard let types = list("layer_types") else {
      let period = try count(
        "global_attn_every_n_layers", default: 3, in: 1...ConfigurationLimit.layers)
      return (0..<layerCount).map { $0 % period != 0 }
    }
    let isLocal = types.compactMap { type -> Bool? in
      switch type.string {
      case "sliding_attention": true
      case "full_attention": false
      default: nil
      }
    }
    guard isLocal.count == layerCount, types.count == layerCount else {
      throw invalid(
        "layer_types",
        "does not name full_attention or sliding_attention for each of \(layerCount) layers")
    }
    return isLocal
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
