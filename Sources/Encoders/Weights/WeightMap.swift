/// What a family calls its tensors.
///
/// Names of layers hold the layer's number; weights are `(output, input)` as in PyTorch.
struct WeightMap: Sendable {
  /// A weight and a bias with a common stem: `stem.weight`, `stem.bias`.
  struct Names: Sendable {
    let weight: String
    let bias: String

    init(_ stem: String) {
      weight = stem + ".weight"
      bias = stem + ".bias"
    }
  }

  /// The tensors of one block.
  struct Block: Sendable {
    let normBeforeAttention, queries, keys, values, attentionOutput: Names
    let normBeforeFeedForward, feedForwardInner, feedForwardOuter: Names
  }

  /// The tensors of the vision tower outside its blocks.
  struct Vision: Sendable {
    let patchEmbedding: Names
    let positions, classToken: String
    let normBeforeBlocks, normAfterBlocks: Names
    let projection, pooledProjection: String
  }

  /// The tensors of the text tower outside its blocks.
  struct Text: Sendable {
    let tokens, positions: String
    let normAfterBlocks: Names
    let projection, pooledProjection: String
  }

  /// One tower with its projections, as what its tensors' names start with.
  struct Part: Sendable {
    let prefixes: [String]
  }

  let vision: Vision
  let text: Text
  let visionPart, textPart: Part
  private let visionLayers, textLayers: String
  private let block: @Sendable (String) -> Block

  /// The tensors of block `layer` of the vision tower.
  func visionBlock(_ layer: Int) -> Block { block("\(visionLayers).\(layer)") }

  /// The tensors of block `layer` of the text tower.
  func textBlock(_ layer: Int) -> Block { block("\(textLayers).\(layer)") }

  /// The names of transformers' `CLIPModel`, which the `filip` family shares; only that family has
  /// pooled projections.
  static let clip = WeightMap(
    vision: Vision(
      patchEmbedding: Names("vision_model.embeddings.patch_embedding"),
      positions: "vision_model.embeddings.position_embedding.weight",
      classToken: "vision_model.embeddings.class_embedding",
      // The library's own spelling.
      normBeforeBlocks: Names("vision_model.pre_layrnorm"),
      normAfterBlocks: Names("vision_model.post_layernorm"),
      projection: "visual_projection.weight",
      pooledProjection: "visual_pooled_projection.weight"),
    text: Text(
      tokens: "text_model.embeddings.token_embedding.weight",
      positions: "text_model.embeddings.position_embedding.weight",
      normAfterBlocks: Names("text_model.final_layer_norm"),
      projection: "text_projection.weight",
      pooledProjection: "text_pooled_projection.weight"),
    visionPart: Part(
      prefixes: ["vision_model.", "visual_projection.", "visual_pooled_projection."]),
    textPart: Part(prefixes: ["text_model.", "text_projection.", "text_pooled_projection."]),
    visionLayers: "vision_model.encoder.layers", textLayers: "text_model.encoder.layers"
  ) { layer in
    Block(
      normBeforeAttention: Names(layer + ".layer_norm1"),
      queries: Names(layer + ".self_attn.q_proj"),
      keys: Names(layer + ".self_attn.k_proj"),
      values: Names(layer + ".self_attn.v_proj"),
      attentionOutput: Names(layer + ".self_attn.out_proj"),
      normBeforeFeedForward: Names(layer + ".layer_norm2"),
      feedForwardInner: Names(layer + ".mlp.fc1"),
      feedForwardOuter: Names(layer + ".mlp.fc2"))
  }

  private init(
    vision: Vision, text: Text, visionPart: Part, textPart: Part, visionLayers: String,
    textLayers: String, block: @escaping @Sendable (String) -> Block
  ) {
    self.vision = vision
    self.text = text
    self.visionPart = visionPart
    self.textPart = textPart
    self.visionLayers = visionLayers
    self.textLayers = textLayers
    self.block = block
  }
}

extension ModelFamily {
  /// What this family calls its tensors.
  var weightMap: WeightMap {
    switch self {
    case .clip, .filip: .clip
    }
  }
}
