/// What a family calls the tensors of its text tower; what it has not is `nil`.
struct TextNames: Sendable {
  let part: TowerPart
  let tokens: String
  var positions: String?
  /// Vectors that tell the sentences of a pair apart; the first is added to every token.
  var tokenTypes: String?
  var normBeforeBlocks: LayerNames?
  var normAfterBlocks: LayerNames?
  /// From the tower's width to that of the joint space, for tokens as for whole texts.
  var projection: LayerNames?
  var hasProjectionBias = false
  /// A projection of whole texts alone.
  var pooledProjection: String?
  /// What only other walks than the first have, in a family with several.
  var walks: TextWalkNames?
  /// The tensors of block number so-and-so.
  let block: @Sendable (Int) -> BlockNames

  /// The names of transformers' `CLIPModel`, which the `filip` and `wukong` families share; only
  /// `filip` has a pooled projection.
  static let clip = TextNames(
    part: TowerPart(prefixes: ["text_model.", "text_projection.", "text_pooled_projection."]),
    tokens: "text_model.embeddings.token_embedding.weight",
    positions: "text_model.embeddings.position_embedding.weight",
    normAfterBlocks: LayerNames("text_model.final_layer_norm"),
    projection: LayerNames("text_projection"),
    pooledProjection: "text_pooled_projection.weight",
    block: { .clip("text_model.encoder.layers.\($0)") })

  /// The names of transformers' `SiglipModel`.
  static let siglip = TextNames(
    part: TowerPart(prefixes: ["text_model."]), tokens: clip.tokens, positions: clip.positions,
    normAfterBlocks: clip.normAfterBlocks, projection: LayerNames("text_model.head"),
    hasProjectionBias: true, block: clip.block)

  /// The names of FG-CLIP 2's own code, which extends SigLIP 2's.
  static let fgclip = TextNames(
    part: TowerPart(prefixes: ["text_model.", "boxtext_head.", "longtext_head."]),
    tokens: clip.tokens, positions: clip.positions, normAfterBlocks: clip.normAfterBlocks,
    projection: siglip.projection, hasProjectionBias: true,
    walks: TextWalkNames(
      boxProjection: LayerNames("boxtext_head"), longProjection: LayerNames("longtext_head"),
      firstLongPositions: "text_model.embeddings.position_embedding_ori.weight",
      otherLongPositions: "text_model.embeddings.position_embedding_res.weight"),
    block: clip.block)

  /// The names in files of TIPSv2.
  static let tips = TextNames(
    part: TowerPart(prefixes: ["text_encoder."]), tokens: "text_encoder.token_embedding.weight",
    normAfterBlocks: LayerNames("text_encoder.ln_final"),
    block: { .openAI("text_encoder.transformer.resblocks.\($0)") })

  /// The names of transformers' `BertModel`, each after `prefix`.
  static func bert(prefix: String = "", projection: LayerNames? = nil) -> TextNames {
    TextNames(
      part: TowerPart(
        prefixes: [prefix + "embeddings.", prefix + "encoder.layer."]
          + (projection.map { [$0.weight] } ?? [])),
      tokens: prefix + "embeddings.word_embeddings.weight",
      positions: prefix + "embeddings.position_embeddings.weight",
      tokenTypes: prefix + "embeddings.token_type_embeddings.weight",
      normBeforeBlocks: LayerNames(prefix + "embeddings.LayerNorm"), projection: projection,
      block: { .bert(prefix + "encoder.layer.\($0)") })
  }

  /// The names of transformers' `ModernBertModel`, each after `prefix`.
  static func modernBERT(prefix: String = "", projection: LayerNames? = nil) -> TextNames {
    TextNames(
      part: TowerPart(
        prefixes: [prefix + "embeddings.", prefix + "layers.", prefix + "final_norm."]
          + (projection.map { [$0.weight, $0.bias] } ?? [])),
      tokens: prefix + "embeddings.tok_embeddings.weight",
      normBeforeBlocks: LayerNames(prefix + "embeddings.norm"),
      normAfterBlocks: LayerNames(prefix + "final_norm"), projection: projection,
      hasProjectionBias: true, block: { .modernBERT(prefix + "layers.\($0)") })
  }
}

/// What the tensors of FG-CLIP 2's second and third walk are called.
struct TextWalkNames: Sendable {
  let boxProjection, longProjection: LayerNames
  /// The table whose first rows are the places of a long text's first tokens.
  let firstLongPositions: String
  /// The table whose other rows are the places of its other tokens.
  let otherLongPositions: String
}

extension ModelFamily {
  /// What this family calls the tensors of its text tower.
  var textNames: TextNames {
    switch self {
    case .clip, .filip, .wukong: .clip
    case .siglip, .siglip2: .siglip
    case .fgclip: .fgclip
    case .tips: .tips
    case .chineseCLIP: .bert(prefix: "text_model.", projection: LayerNames("text_projection"))
    case .colModernVBERT:
      .modernBERT(prefix: "vlm.text_model.", projection: LayerNames("embedding_proj_layer"))
    case .bert: .bert()
    case .modernBERT: .modernBERT()
    }
  }
}
