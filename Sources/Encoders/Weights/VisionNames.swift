/// What a family calls the tensors of its vision tower.
struct VisionNames: Sendable {
  let part: TowerPart
  let patchEmbedding: LayerNames
  let positions, classToken: String
  let normBeforeBlocks, normAfterBlocks: LayerNames
  let projection, pooledProjection: String
  /// The tensors of block number so-and-so.
  let block: @Sendable (Int) -> BlockNames

  /// The names of transformers' `CLIPModel`, which the `filip` family shares; only that family has
  /// a pooled projection.
  static let clip = VisionNames(
    part: TowerPart(
      prefixes: ["vision_model.", "visual_projection.", "visual_pooled_projection."]),
    patchEmbedding: LayerNames("vision_model.embeddings.patch_embedding"),
    positions: "vision_model.embeddings.position_embedding.weight",
    classToken: "vision_model.embeddings.class_embedding",
    // The library's own spelling.
    normBeforeBlocks: LayerNames("vision_model.pre_layrnorm"),
    normAfterBlocks: LayerNames("vision_model.post_layernorm"),
    projection: "visual_projection.weight",
    pooledProjection: "visual_pooled_projection.weight",
    block: { .clip("vision_model.encoder.layers.\($0)") })
}

extension ModelFamily {
  /// What this family calls the tensors of its vision tower.
  var visionNames: VisionNames {
    switch self {
    case .clip, .filip, .siglip, .siglip2, .tips, .chineseCLIP, .wukong, .colModernVBERT, .bert,
      .modernBERT:
      .clip
    }
  }
}
