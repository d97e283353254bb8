/// A weight and a bias with a common stem: `stem.weight`, `stem.bias`.
struct LayerNames: Sendable {
  let weight: String
  let bias: String

  init(_ stem: String) {
    weight = stem + ".weight"
    bias = stem + ".bias"
  }

  /// A layer whose tensors share no stem.
  init(weight: String, bias: String) {
    self.weight = weight
    self.bias = bias
  }
}

/// What a family calls the tensors of one block.
///
/// Weights are `(output, input)` as in PyTorch.
struct BlockNames: Sendable {
  let attentionNorm: LayerNames
  /// Queries, keys and values, in this order: three layers, or one for all.
  let attentionInputs: [LayerNames]
  let attentionOutput: LayerNames
  let feedForwardNorm, feedForwardInner, feedForwardOuter: LayerNames
  /// Learned factors of what attention and the feed-forward network add, where a family has them.
  var attentionScale, feedForwardScale: String?

  /// The names of transformers' `CLIPEncoderLayer` under `layer`, which SigLIP shares.
  static func clip(_ layer: String) -> BlockNames {
    BlockNames(
      attentionNorm: LayerNames(layer + ".layer_norm1"),
      attentionInputs: ["q", "k", "v"].map { LayerNames(layer + ".self_attn.\($0)_proj") },
      attentionOutput: LayerNames(layer + ".self_attn.out_proj"),
      feedForwardNorm: LayerNames(layer + ".layer_norm2"),
      feedForwardInner: LayerNames(layer + ".mlp.fc1"),
      feedForwardOuter: LayerNames(layer + ".mlp.fc2"))
  }

  /// The names of DINOv2's block under `layer`, which TIPSv2's files keep; of the feed-forward
  /// network's two layers there are two spellings.
  static func tips(_ layer: String, feedForward: (inner: String, outer: String)) -> BlockNames {
    BlockNames(
      attentionNorm: LayerNames(layer + ".norm1"),
      attentionInputs: [LayerNames(layer + ".attn.qkv")],
      attentionOutput: LayerNames(layer + ".attn.proj"),
      feedForwardNorm: LayerNames(layer + ".norm2"),
      feedForwardInner: LayerNames(layer + ".mlp." + feedForward.inner),
      feedForwardOuter: LayerNames(layer + ".mlp." + feedForward.outer),
      attentionScale: layer + ".ls1.gamma", feedForwardScale: layer + ".ls2.gamma")
  }

  /// The names of transformers' `BertLayer` under `layer`.
  static func bert(_ layer: String) -> BlockNames {
    BlockNames(
      attentionNorm: LayerNames(layer + ".attention.output.LayerNorm"),
      attentionInputs: ["query", "key", "value"].map {
        LayerNames(layer + ".attention.self.\($0)")
      },
      attentionOutput: LayerNames(layer + ".attention.output.dense"),
      feedForwardNorm: LayerNames(layer + ".output.LayerNorm"),
      feedForwardInner: LayerNames(layer + ".intermediate.dense"),
      feedForwardOuter: LayerNames(layer + ".output.dense"))
  }

  /// The names of transformers' `ModernBertEncoderLayer` under `layer`.
  static func modernBERT(_ layer: String) -> BlockNames {
    BlockNames(
      attentionNorm: LayerNames(layer + ".attn_norm"),
      attentionInputs: [LayerNames(layer + ".attn.Wqkv")],
      attentionOutput: LayerNames(layer + ".attn.Wo"),
      feedForwardNorm: LayerNames(layer + ".mlp_norm"),
      feedForwardInner: LayerNames(layer + ".mlp.Wi"),
      feedForwardOuter: LayerNames(layer + ".mlp.Wo"))
  }

  /// The names of OpenAI's residual attention block under `layer`.
  static func openAI(_ layer: String) -> BlockNames {
    BlockNames(
      attentionNorm: LayerNames(layer + ".ln_1"),
      attentionInputs: [
        LayerNames(weight: layer + ".attn.in_proj_weight", bias: layer + ".attn.in_proj_bias")
      ],
      attentionOutput: LayerNames(layer + ".attn.out_proj"),
      feedForwardNorm: LayerNames(layer + ".ln_2"),
      feedForwardInner: LayerNames(layer + ".mlp.c_fc"),
      feedForwardOuter: LayerNames(layer + ".mlp.c_proj"))
  }
}

/// One tower with its projections, as what its tensors' names start with.
struct TowerPart: Sendable {
  let prefixes: [String]
}
