/// How the patches' vectors are taken from the vision tower.
///
/// A model trained by late interaction gives them as they are. A model trained on pooled vectors
/// alone was never asked to make its patches comparable with words; changing the attention of its
/// last block, without any training, helps. The pooled vector is the same in every mode.
public enum TokenMode: String, CaseIterable, Sendable, Hashable {
  /// As trained: last block, final norm and projection on every patch. FILIP models only.
  case native
  /// The same for models trained on pooled vectors.
  case patch
  /// In the last block every patch keeps its own value: attention is the identity, residual and
  /// feed-forward network stay (MaskCLIP, in its published code for vision transformers).
  case value
  /// In the last block attention is softmax(q·qᵀ) + softmax(k·kᵀ), scaled as usual; residual and
  /// feed-forward network stay (SCLIP).
  case csa

  /// What the last block does for the patches.
  var lastBlock: TransformerBlock.Variant {
    var variant = TransformerBlock.Variant.ordinary
    switch self {
    case .native, .patch: break
    case .value: variant.pattern = .identity
    case .csa: variant.pattern = .correlative
    }
    return variant
  }
}

extension ModelFamily {
  /// The modes that make sense for this family; the first is the default.
  public var tokenModes: [TokenMode] {
    switch self {
    case .filip, .wukong, .colModernVBERT, .bert, .modernBERT: [.native]
    case .clip, .siglip, .siglip2, .tips, .chineseCLIP: [.value, .csa, .patch]
    }
  }
}
