/// What a family calls the tensors of its vision tower.
struct VisionNames: Sendable {
  let part: TowerPart
  let patchEmbedding: LayerNames
  let positions, classToken: String
  /// Learned tokens without a place.
  var registers: String?
  let normBeforeBlocks, normAfterBlocks: LayerNames
  let projection, pooledProjection: String
  /// The head that pools by attention, where a family has one.
  var head: PoolingHeadNames?
  /// The head that lets every patch ask, where a family has one.
  var denseHead: PoolingHeadNames?
  /// The layer that makes a few tokens of the patches, where a family has one.
  var learnedTokens: LearnedTokensNames?
  /// The tensors of block number so-and-so.
  let block: @Sendable (Int) -> BlockNames
  /// The same in files that spell some of them differently.
  var otherBlock: (@Sendable (Int) -> BlockNames)?

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

  /// The names of transformers' `SiglipModel`; what CLIP has and SigLIP has not keeps its name, and
  /// is not looked for.
  static let siglip = VisionNames(
    part: TowerPart(prefixes: ["vision_model."]),
    patchEmbedding: clip.patchEmbedding, positions: clip.positions, classToken: clip.classToken,
    normBeforeBlocks: clip.normBeforeBlocks, normAfterBlocks: clip.normAfterBlocks,
    projection: clip.projection, pooledProjection: clip.pooledProjection,
    head: PoolingHeadNames("vision_model.head"), block: clip.block)

  /// The names of FG-CLIP 2's own code, which extends SigLIP 2's.
  static let fgclip = VisionNames(
    part: TowerPart(prefixes: ["vision_model.", "dense_feature_head."]),
    patchEmbedding: clip.patchEmbedding, positions: clip.positions, classToken: clip.classToken,
    normBeforeBlocks: clip.normBeforeBlocks, normAfterBlocks: clip.normAfterBlocks,
    projection: clip.projection, pooledProjection: clip.pooledProjection,
    head: siglip.head, denseHead: PoolingHeadNames("dense_feature_head"), block: clip.block)

  /// SigLIP's names within ColModernVBERT. All of the model is named, since pictures go through the
  /// text tower too.
  static let colModernVBERT = VisionNames(
    part: TowerPart(prefixes: ["vlm.", "embedding_proj_layer."]),
    patchEmbedding: LayerNames("vlm.vision_model.embeddings.patch_embedding"),
    positions: "vlm.vision_model.embeddings.position_embedding.weight",
    classToken: clip.classToken, normBeforeBlocks: clip.normBeforeBlocks,
    normAfterBlocks: LayerNames("vlm.vision_model.post_layernorm"),
    projection: clip.projection, pooledProjection: clip.pooledProjection,
    block: { .clip("vlm.vision_model.encoder.layers.\($0)") })

  /// CLIP's names and Wukong's token reduction.
  static let wukong = VisionNames(
    part: clip.part, patchEmbedding: clip.patchEmbedding, positions: clip.positions,
    classToken: clip.classToken, normBeforeBlocks: clip.normBeforeBlocks,
    normAfterBlocks: clip.normAfterBlocks, projection: clip.projection,
    pooledProjection: clip.pooledProjection,
    learnedTokens: LearnedTokensNames("vision_model.token_reduction"), block: clip.block)

  /// The names in files of TIPSv2, the first ones and transformers'.
  static let tips = VisionNames(
    part: TowerPart(prefixes: ["vision_encoder."]),
    patchEmbedding: LayerNames("vision_encoder.patch_embed.proj"),
    positions: "vision_encoder.pos_embed", classToken: "vision_encoder.cls_token",
    registers: "vision_encoder.register_tokens",
    normBeforeBlocks: clip.normBeforeBlocks, normAfterBlocks: LayerNames("vision_encoder.norm"),
    projection: clip.projection, pooledProjection: clip.pooledProjection,
    block: { .tips("vision_encoder.blocks.\($0)", feedForward: ("c_fc", "c_proj")) },
    otherBlock: { .tips("vision_encoder.blocks.\($0)", feedForward: ("fc1", "fc2")) })
}

/// What the tensors of a head that pools by attention are called: the names of transformers'
/// `SiglipMultiheadAttentionPoolingHead`.
struct PoolingHeadNames: Sendable {
  let probe: String
  /// Queries, keys and values, in this order in one tensor.
  let input: LayerNames
  let output, norm, feedForwardInner, feedForwardOuter: LayerNames

  /// The head called `stem`.
  init(_ stem: String) {
    probe = stem + ".probe"
    input = LayerNames(
      weight: stem + ".attention.in_proj_weight", bias: stem + ".attention.in_proj_bias")
    output = LayerNames(stem + ".attention.out_proj")
    norm = LayerNames(stem + ".layernorm")
    feedForwardInner = LayerNames(stem + ".mlp.fc1")
    feedForwardOuter = LayerNames(stem + ".mlp.fc2")
  }
}

/// What the tensors of Wukong's token reduction are called.
struct LearnedTokensNames: Sendable {
  let norm: LayerNames
  let innerMaps, maps, features: String

  /// The layer called `stem`.
  init(_ stem: String) {
    norm = LayerNames(stem + ".norm")
    innerMaps = stem + ".attention_maps.0.weight"
    maps = stem + ".attention_maps.1.weight"
    features = stem + ".feat_conv.weight"
  }
}

extension ModelFamily {
  /// What this family calls the tensors of its vision tower.
  var visionNames: VisionNames {
    switch self {
    case .clip, .filip, .chineseCLIP, .bert, .modernBERT: .clip
    case .colModernVBERT: .colModernVBERT
    case .wukong: .wukong
    case .fgclip: .fgclip
    case .siglip, .siglip2: .siglip
    case .tips: .tips
    }
  }
}
