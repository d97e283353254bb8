/// How the patches' vectors are taken from the vision tower.
///
/// A model trained by late interaction gives them as they are. A model trained on pooled vectors
/// alone was never asked to make its patches comparable with words; changing the attention of its
/// last blocks, without any training, helps. The pooled vector is the same in every mode.
///
/// In SigLIP models, where a head makes the pooled vector, every mode but `patch` ends with that
/// head, one patch at a time (`poolEach`).
public enum TokenMode: String, CaseIterable, Sendable, Hashable {
  /// As trained: last block, final norm and projection on every patch. Only models that were
  /// trained to compare patches have it.
  case native
  /// The same for models trained on pooled vectors. SigLIP's are the tower's own vectors, before
  /// the head: they compare images with images, not with words.
  case patch
  /// In the last block every patch keeps its own value: attention is the identity, residual and
  /// feed-forward network stay (MaskCLIP, in its published code for vision transformers).
  case value
  /// In the last block attention is softmax(q·qᵀ) + softmax(k·kᵀ), scaled as usual; residual and
  /// feed-forward network stay (SCLIP, Wang et al., 2023).
  case csa
  /// In the last block attention is softmax(q·qᵀ), without residual and feed-forward network
  /// (ClearCLIP, Lan et al., 2024).
  case clear
  /// In the last block attention is softmax(k·kᵀ + ω), where ω is larger the nearer two patches
  /// lie; without residual and feed-forward network (NACLIP, Hajimiri et al., 2024).
  case naclip
  /// Beside the last six blocks runs a second path that adds to itself their values mixed by
  /// softmax(v·vᵀ), without feed-forward networks (CLIP Surgery, Li et al., 2023).
  case surgery
  /// As `surgery`, with the mean of three attentions: of values, keys and queries, each
  /// normalised, smoothed by its own attention once and compared with itself (GEM, Bousselham et
  /// al., 2024).
  case gem
  /// The pooling head, as if it attended to one patch alone; exact, because attention to one key
  /// is that key's value. Models with such a head only.
  case poolEach = "pool-each"
  /// A page as one small picture, not cut into parts: fewer tokens in a fraction of the time, for
  /// large print. Models that read pages only.
  case single

  /// What the last blocks do for the patches.
  var variant: TransformerBlock.Variant {
    var variant = TransformerBlock.Variant.ordinary
    switch self {
    case .native, .patch, .poolEach, .single: break
    case .value: variant.pattern = .identity
    case .csa: variant.pattern = .correlative
    case .clear:
      variant = .attentionOnly(.among(.queries))
    case .naclip:
      variant = .attentionOnly(.among(.keys))
      variant.neighbourReach = 5
    case .surgery:
      variant = .besideLastBlocks(.among(.values))
    case .gem:
      variant = .besideLastBlocks(.smoothed)
    }
    return variant
  }
}

extension ModelFamily {
  /// The modes that make sense for this family; the first is the default.
  ///
  /// CLIP's default is `value`: of the modes that change one block it is the cheapest, and the one
  /// that leaves a patch nearest to itself. SigLIP's is `pool-each`: it is the model as trained,
  /// with nothing changed but how many patches the head sees. TIPSv2's is `value`, as its authors
  /// take patches to compare them with texts. FG-CLIP 2 has a head for its patches, and Wukong was
  /// trained on its tokens. ColModernVBERT's is `native`: pages cut into parts, as its authors index
  /// them.
  public var tokenModes: [TokenMode] {
    switch self {
    case .filip, .fgclip, .wukong, .bert, .modernBERT: [.native]
    case .colModernVBERT: [.native, .single]
    case .clip, .tips, .chineseCLIP: [.value, .csa, .clear, .naclip, .surgery, .gem, .patch]
    case .siglip, .siglip2:
      [.poolEach, .value, .csa, .clear, .naclip, .surgery, .gem, .patch]
    }
  }
}
