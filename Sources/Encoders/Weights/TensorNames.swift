/// A weight and a bias with a common stem: `stem.weight`, `stem.bias`.
struct LayerNames: Sendable {
  let weight: String
  let bias: String

  init(_ stem: String) {
    weight = stem + ".weight"
    bias = stem + ".bias"
  }
}

/// What a family calls the tensors of one block.
///
/// Weights are `(output, input)` as in PyTorch.
struct BlockNames: Sendable {
  let normBeforeAttention, queries, keys, values, attentionOutput: LayerNames
  let normBeforeFeedForward, feedForwardInner, feedForwardOuter: LayerNames

  /// The names of transformers' `CLIPEncoderLayer` under `layer`, which SigLIP shares.
  static func clip(_ layer: String) -> BlockNames {
    BlockNames(
      normBeforeAttention: LayerNames(layer + ".layer_norm1"),
      queries: LayerNames(layer + ".self_attn.q_proj"),
      keys: LayerNames(layer + ".self_attn.k_proj"),
      values: LayerNames(layer + ".self_attn.v_proj"),
      attentionOutput: LayerNames(layer + ".self_attn.out_proj"),
      normBeforeFeedForward: LayerNames(layer + ".layer_norm2"),
      feedForwardInner: LayerNames(layer + ".mlp.fc1"),
      feedForwardOuter: LayerNames(layer + ".mlp.fc2"))
  }
}

/// One tower with its projections, as what its tensors' names start with.
struct TowerPart: Sendable {
  let prefixes: [String]
}
