package import FilipLinearAlgebra

/// What a model is made of: two towers that project into one space.
///
/// Model families differ in the values here and in how their tensors are named (`WeightMap`);
/// the arithmetic is shared.
package struct ModelConfiguration: Sendable, Hashable {
  /// Where the architecture and the training objective come from.
  package var family: ModelFamily
  /// Width of the joint space.
  package var projectionDimension: Int
  /// Pixels to tokens.
  package var vision: VisionConfiguration
  /// Words to tokens.
  package var text: TextConfiguration
  /// Whether the start and end tokens of a text take part in scores (FILIP family only).
  package var scoresSpecialTokens: Bool
  /// What images the model was made for, in the words of its maker.
  package var domain: String?
  /// The maker's name of this version.
  package var version: String?
}

/// A kind of model that can be loaded.
public enum ModelFamily: String, Sendable, Hashable {
  /// Contrastive training of one pooled vector per image and text (Radford et al., 2021).
  case clip
  /// Contrastive training of all tokens by late interaction (Yao et al., ICLR 2022).
  case filip
}

/// The blocks of a tower, in the words of the paper: width, layers, heads.
package struct TransformerConfiguration: Sendable, Hashable {
  /// Floats of a token between blocks.
  package var width: Int
  /// Width of the feed-forward network's inner layer.
  package var innerWidth: Int
  /// Number of blocks.
  package var layerCount: Int
  /// Attention heads of a block; divides `width`.
  package var headCount: Int
  /// Non-linearity of the feed-forward network.
  package var activation: Activation
  /// Added to the variance in every layer norm.
  package var normEpsilon: Float
  /// Which tokens a token sees.
  package var mask: AttentionMask
}

/// A vision transformer.
package struct VisionConfiguration: Sendable, Hashable {
  /// How one vector is made of the tokens.
  package enum Pooling: String, Sendable {
    /// The class token, normed, projected as the patches are (or by a projection of its own).
    case classToken
    /// The mean of the normed patches, projected.
    case mean
  }

  /// The blocks.
  package var transformer: TransformerConfiguration
  /// Height and width of the input in pixels.
  package var imageSize: Int
  /// Height and width of a patch in pixels; divides `imageSize`.
  package var patchSize: Int
  /// Colour channels.
  package var channelCount: Int
  /// Whether a learned token precedes the patches.
  package var hasClassToken: Bool
  /// Whether tokens are normed before the first block.
  package var hasNormBeforeBlocks: Bool
  /// Whether the patch embedding adds a bias.
  package var hasPatchBias: Bool
  /// How one vector is made of the tokens.
  package var pooling: Pooling

  /// Patches along one side.
  package var gridSide: Int { imageSize / patchSize }
  /// Number of patches.
  package var patchCount: Int { gridSide * gridSide }
  /// Tokens that run through the blocks.
  package var tokenCount: Int { patchCount + (hasClassToken ? 1 : 0) }
}

/// A text transformer.
package struct TextConfiguration: Sendable, Hashable {
  /// Where a text ends, and so which token stands for all of it.
  package enum EndRule: Sendable, Hashable {
    /// The first token with this number.
    case firstToken(Int)
    /// The token with the largest number: the rule for files that say `eos_token_id` 2, which
    /// OpenAI's early ones do though their end token has the last number.
    case largestToken
  }

  /// The blocks.
  package var transformer: TransformerConfiguration
  /// Number of token numbers.
  package var vocabularySize: Int
  /// The longest text in tokens.
  package var positionCount: Int
  /// The number of the start token.
  package var startToken: Int
  /// Where a text ends.
  package var endRule: EndRule

  /// The position of the end token in `tokens`; `nil` when there is none.
  package func endPosition(in tokens: [Int]) -> Int? {
    switch endRule {
    case .firstToken(let end): tokens.firstIndex(of: end)
    case .largestToken: tokens.max().flatMap { tokens.firstIndex(of: $0) }
    }
  }
}
