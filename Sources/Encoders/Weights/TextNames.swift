/// What a family calls the tensors of its text tower.
struct TextNames: Sendable {
  let part: TowerPart
  let tokens, positions: String
  let normAfterBlocks: LayerNames
  let projection, pooledProjection: String
  /// The tensors of block number so-and-so.
  let block: @Sendable (Int) -> BlockNames

  /// The names of transformers' `CLIPModel`, which the `filip` family shares; only that family has
  /// a pooled projection.
  static let clip = TextNames(
    part: TowerPart(prefixes: ["text_model.", "text_projection.", "text_pooled_projection."]),
    tokens: "text_model.embeddings.token_embedding.weight",
    positions: "text_model.embeddings.position_embedding.weight",
    normAfterBlocks: LayerNames("text_model.final_layer_norm"),
    projection: "text_projection.weight",
    pooledProjection: "text_pooled_projection.weight",
    block: { .clip("text_model.encoder.layers.\($0)") })
}

extension ModelFamily {
  /// What this family calls the tensors of its text tower.
  var textNames: TextNames {
    switch self {
    case .clip, .filip, .siglip, .siglip2, .tips, .fgclip, .chineseCLIP, .wukong: .clip
    }
  }
}
