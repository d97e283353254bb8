/// The `config.json` that a checkpoint without one would have, in the form of the Hugging Face
/// library.
///
/// OpenAI's program does the same when it loads a state dict: every size but one is a tensor's
/// extent, and heads are 64 wide.
struct DerivedConfiguration {
  private let shapes: [String: [Int]]
  /// The weight file, for messages.
  private let path: String

  /// What OpenAI's program assumes.
  private static let headWidth = 64

  /// Derives from tensors in the naming of the Hugging Face library.
  init(_ tensors: [TensorView], path: String) {
    shapes = Dictionary(tensors.map { ($0.name, $0.shape) }) { first, _ in first }
    self.path = path
  }

  /// A CLIP with quick GELU, as all of OpenAI's are.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedModel`.
  func clip() throws(EncoderError) -> JSONValue {
    let vocabularySize = try extent(0, of: Name.tokens)
    return .members([
      "model_type": .string("clip"),
      "projection_dim": .count(try extent(0, of: Name.visionProjection)),
      // The end token is the last of the vocabulary: `eos_token_id` 2 stands for this rule.
      "text_config": try text(startToken: max(0, vocabularySize - 2), endToken: 2),
      "vision_config": .members(try vision()),
    ])
  }

  /// A model of Wukong's three kinds (Gu et al., 2022): with learnt tokens, with the patches as
  /// tokens, or with one vector for an image, which is a CLIP.
  ///
  /// The third has the joint space of a CLIP, 512 or 768 wide; where tokens are compared it is 256.
  /// Start and end of a text are BERT's `[CLS]` and `[SEP]`, and take part in scores.
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedModel`.
  func wukong() throws(EncoderError) -> JSONValue {
    let dimension = try extent(0, of: Name.visionProjection)
    let comparesTokens = dimension <= 256
    return .members([
      "model_type": .string(comparesTokens ? "wukong" : "clip"),
      "projection_dim": .count(dimension),
      "score_special_tokens": comparesTokens ? .bool(true) : nil,
      "text_config": try text(startToken: 101, endToken: 102),
      "vision_config": .members(try vision()),
    ])
  }

  private enum Name {
    static let tokens = "text_model.embeddings.token_embedding.weight"
    static let textPositions = "text_model.embeddings.position_embedding.weight"
    static let patches = "vision_model.embeddings.patch_embedding.weight"
    static let visionPositions = "vision_model.embeddings.position_embedding.weight"
    static let visionProjection = "visual_projection.weight"
  }

  // MARK: - Towers

  private func vision() throws(EncoderError) -> [String: JSONValue] {
    let positionCount = try extent(0, of: Name.visionPositions)
    let side = Int(Double(max(0, positionCount - 1)).squareRoot().rounded())
    guard side * side == positionCount - 1 else {
      throw EncoderError(
        .wrongShape,
        "\(path): tensor \(Name.visionPositions) has \(positionCount) rows, which are no square "
          + "grid of patches and a class token")
    }
    let patchSize = try extent(3, of: Name.patches)
    var tower = try blocks(of: "vision_model", width: try extent(0, of: Name.patches))
    tower["patch_size"] = .count(patchSize)
    // Tensors without elements may have any extents; what is too large is refused when it is read.
    let (imageSize, isTooLarge) = patchSize.multipliedReportingOverflow(by: side)
    tower["image_size"] = .count(isTooLarge ? .max : imageSize)
    return tower
  }

  private func text(startToken: Int, endToken: Int) throws(EncoderError) -> JSONValue {
    var tower = try blocks(of: "text_model", width: try extent(1, of: Name.tokens))
    tower["vocab_size"] = .count(try extent(0, of: Name.tokens))
    tower["max_position_embeddings"] = .count(try extent(0, of: Name.textPositions))
    tower["bos_token_id"] = .count(startToken)
    tower["eos_token_id"] = .count(endToken)
    return .members(tower)
  }

  private func blocks(of tower: String, width: Int) throws(EncoderError) -> [String: JSONValue] {
    guard width >= Self.headWidth, width.isMultiple(of: Self.headWidth) else {
      throw EncoderError(
        .unsupportedModel,
        "\(path): the \(tower) is \(width) wide, and without a configuration heads are taken to be "
          + "\(Self.headWidth) wide; put config.json or open_clip_config.json beside the file")
    }
    let layers = "\(tower).encoder.layers."
    return [
      "hidden_size": .count(width),
      "intermediate_size": .count(try extent(0, of: "\(layers)0.mlp.fc1.weight")),
      "num_hidden_layers": .count(
        shapes.keys.count { $0.hasPrefix(layers) && $0.hasSuffix(".layer_norm1.weight") }),
      "num_attention_heads": .count(width / Self.headWidth),
      "hidden_act": .string("quick_gelu"),
    ]
  }

  private func extent(_ axis: Int, of name: String) throws(EncoderError) -> Int {
    guard let shape = shapes[name] else {
      throw EncoderError(
        .missingTensor,
        "\(path) has no tensor that becomes \(name); it holds a part of a model, or another one")
    }
    guard shape.indices.contains(axis) else {
      throw EncoderError(
        .wrongShape, "\(path): tensor \(name) has shape \(describe(shape: shape)), too few extents")
    }
    return shape[axis]
  }
}

extension JSONValue {
  /// An object of these members, by rising key.
  fileprivate static func members(_ members: [String: JSONValue]) -> JSONValue {
    var object = JSONObject()
    for (key, value) in members.sorted(by: { $0.key < $1.key }) { _ = object.append(key, value) }
    return .object(object)
  }
}
