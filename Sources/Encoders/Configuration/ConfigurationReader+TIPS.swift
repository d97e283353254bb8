extension ConfigurationReader {
  /// A configuration of TIPSv2 with its towers in sections, as transformers writes it.
  ///
  /// The files of the first checkpoints are flat: `embed_dim`, `img_size`, `text_mlp_dim` and so
  /// on, and `vision_fn` names the vision tower, whose feed-forward network is as wide as the text
  /// tower's.
  /// - Throws: `.invalidConfiguration`.
  var sectionedTIPS: ConfigurationReader {
    get throws(EncoderError) {
      guard !contains("vision_config"), !contains("text_config") else { return self }
      var vision: [(key: String, value: JSONValue)] = []
      if let name = try text("vision_fn") {
        guard let (layers, heads) = Self.tipsTowers[name] else {
          let known = Self.tipsTowers.keys.sorted().joined(separator: ", ")
          throw invalid("vision_fn", "(\(name)) is none of \(known)")
        }
        vision.append(("num_hidden_layers", .integer(Int64(layers))))
        vision.append(("num_attention_heads", .integer(Int64(heads))))
      }
      if let layer = try text("ffn_layer") {
        vision.append(("use_swiglu_ffn", .bool(layer != "mlp")))
      }
      let width = try count("embed_dim", default: 768, in: 1...ConfigurationLimit.width)
      let inner = try count(
        "text_mlp_dim", default: 4 * width, in: 1...4 * ConfigurationLimit.width)
      vision.append(("mlp_ratio", .double(Double(inner) / Double(width))))
      return filled([
        ("vision_config", .object(renaming(Self.tipsVisionNames).filled(vision).object)),
        ("text_config", .object(renaming(Self.tipsTextNames).object)),
      ])
    }
  }

  /// Blocks and heads of the vision towers that `vision_fn` names.
  private static let tipsTowers = [
    "vit_base": (12, 12), "vit_large": (24, 16), "vit_so400m": (27, 16), "vit_giant2": (40, 24),
  ]

  private static let tipsVisionNames = [
    "embed_dim": "hidden_size", "img_size": "image_size", "patch_size": "patch_size",
    "num_register_tokens": "num_register_tokens",
  ]

  private static let tipsTextNames = [
    "text_hidden_size": "hidden_size", "text_mlp_dim": "intermediate_size",
    "text_num_heads": "num_attention_heads", "text_num_layers": "num_hidden_layers",
    "vocab_size": "vocab_size", "max_len": "max_position_embeddings",
    "scale_sqrt_depth": "scale_sqrt_depth",
  ]
}
