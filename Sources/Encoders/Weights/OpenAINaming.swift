/// The tensor names of OpenAI's CLIP code, which open_clip and Wukong kept, as those of
/// transformers' `CLIPModel`.
///
/// Besides other names, they fuse queries, keys and values into one tensor (in this order), and
/// multiply by the projections from the other side. Nothing is copied: parts are windows onto the
/// fused tensor, and a projection is its transpose.
struct OpenAINaming {
  /// Where the tensors of the text tower are.
  enum TextTower: String {
    /// At the top, beside `visual.`: OpenAI's own files and most of open_clip's.
    case bare = ""
    /// Under `text.`: open_clip's `CustomTextCLIP`.
    case custom = "text."
    /// Under `transformer.`, together with its blocks: Wukong.
    case wukong = "transformer."
  }

  /// Where the tensors of the text tower are.
  let textTower: TextTower

  /// What the tensors' names say; `nil` when they follow another naming.
  ///
  /// - Throws: `.unsupportedModel` for relatives whose towers are of another make.
  init?(of tensors: [TensorView], path: String) throws(EncoderError) {
    let names = Set(tensors.map(\.name))
    let strangers = [
      ("visual.layer1.", "a convolutional network (ResNet) as its vision tower"),
      ("visual.trunk.", "a vision tower of the timm library"),
      ("text.transformer.embeddings.", "a text tower of the Hugging Face library inside open_clip"),
      ("encode_text.", "the naming and biased projections of DeCLIP"),
    ]
    for (prefix, description) in strangers where names.contains(where: { $0.hasPrefix(prefix) }) {
      throw EncoderError(
        .unsupportedModel,
        "\(path): the model has \(description), which is not supported; use the model in Hugging "
          + "Face's layout if there is one, or a CLIP with two plain transformers")
    }
    guard names.contains("visual.conv1.weight") else { return nil }
    let towers: [TextTower] = [.bare, .custom, .wukong]
    guard
      let tower = towers.first(where: { names.contains($0.rawValue + "token_embedding.weight") })
    else { return nil }
    textTower = tower
  }

  // MARK: - Translation

  /// The tensors under their names in the Hugging Face library. Those that only training needs are
  /// left out.
  ///
  /// - Throws: `.unsupportedModel` for a tensor without a place in CLIP's architecture: leaving it
  ///   out would give wrong vectors. `.wrongShape` for one that cannot be taken apart.
  func translate(_ tensors: [TensorView], path: String) throws(EncoderError) -> [TensorView] {
    var translated: [TensorView] = []
    for tensor in tensors where !isDispensable(tensor.name) {
      guard let parts = try parts(of: tensor) else {
        throw EncoderError(
          .unsupportedModel,
          "\(path): tensor \(tensor.name) has no place in a CLIP model; this variant is not "
            + "supported")
      }
      translated += parts
    }
    return translated
  }

  /// What nothing is made of: sizes that OpenAI's files repeat as numbers, masks that are made anew,
  /// parts of losses.
  private func isDispensable(_ name: String) -> Bool {
    guard towerName(of: name) == nil else { return false }
    return ["input_resolution", "context_length", "vocab_size", "logit_bias"].contains(name)
      || name.hasPrefix("loss.") || name.hasSuffix("attn_mask") || name.hasSuffix("num_batches")
  }

  private func parts(of tensor: TensorView) throws(EncoderError) -> [TensorView]? {
    if let name = towerName(of: tensor.name) { return [tensor.renamed(name)] }
    switch tensor.name {
    case "visual.proj": return [try transposed(tensor, as: "visual_projection.weight")]
    case textTower.rawValue + "text_projection":
      return [try transposed(tensor, as: "text_projection.weight")]
    default: break
    }
    let towers = [
      ("visual.transformer.resblocks.", "vision_model"),
      (
        textTower == .custom ? "text.transformer.resblocks." : "transformer.resblocks.",
        "text_model"
      ),
    ]
    for (prefix, tower) in towers where tensor.name.hasPrefix(prefix) {
      let path = tensor.name.dropFirst(prefix.count)
      guard let dot = path.firstIndex(of: "."), let number = Int(path[..<dot]) else { return nil }
      return try blockParts(
        of: tensor, called: String(path[path.index(after: dot)...]),
        under: "\(tower).encoder.layers.\(number)")
    }
    return nil
  }

  /// The name of a tensor outside the blocks that needs no more than another name, if that.
  private func towerName(of name: String) -> String? {
    let text = textTower.rawValue
    let vision = "vision_model.embeddings."
    switch name {
    case "visual.class_embedding": return vision + "class_embedding"
    case "visual.positional_embedding": return vision + "position_embedding.weight"
    case "visual.conv1.weight": return vision + "patch_embedding.weight"
    case text + "token_embedding.weight": return "text_model.embeddings.token_embedding.weight"
    case text + "positional_embedding": return "text_model.embeddings.position_embedding.weight"
    // Wukong keeps its temperature with the loss.
    case "logit_scale", "loss.logit_scale": return "logit_scale"
    default: break
    }
    let stems = [
      ("visual.ln_pre.", "vision_model.pre_layrnorm."),
      ("visual.ln_post.", "vision_model.post_layernorm."),
      (text + "ln_final.", "text_model.final_layer_norm."),
      // Wukong's files use the older of its code's two names.
      ("visual.token_reduction.", "vision_model.token_reduction."),
      ("visual.token_learner.", "vision_model.token_reduction."),
    ]
    for (stem, translation) in stems where name.hasPrefix(stem) {
      return translation + name.dropFirst(stem.count)
    }
    return nil
  }

  private func blockParts(
    of tensor: TensorView, called name: String, under block: String
  ) throws(EncoderError) -> [TensorView]? {
    let stems = [
      "ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj",
      "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2",
    ]
    for kind in ["weight", "bias"] {
      if name == "attn.in_proj_" + kind {
        guard let extent = tensor.shape.first, extent.isMultiple(of: 3),
          tensor.elementType.byteCount != nil
        else { throw unfit(tensor, "three parts of equal size") }
        let size = extent / 3
        return ["q", "k", "v"].enumerated().map { index, part in
          tensor.rows(index * size..<(index + 1) * size)
            .renamed("\(block).self_attn.\(part)_proj.\(kind)")
        }
      }
      guard name.hasSuffix("." + kind) else { continue }
      guard let stem = stems[String(name.dropLast(kind.count + 1))] else { return nil }
      return [tensor.renamed("\(block).\(stem).\(kind)")]
    }
    return nil
  }

  private func transposed(
    _ tensor: TensorView, as name: String
  ) throws(EncoderError) -> TensorView {
    guard tensor.shape.count == 2, tensor.elementType.byteCount != nil else {
      throw unfit(tensor, "rows and columns")
    }
    return tensor.transposed().renamed(name)
  }

  private func unfit(_ tensor: TensorView, _ expected: String) -> EncoderError {
    EncoderError(
      .wrongShape,
      "\(tensor.path): tensor \(tensor.name) has shape \(describe(shape: tensor.shape)), expected "
        + "\(expected); the file is damaged or of another model")
  }
}
