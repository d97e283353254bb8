/// What a model is made of: two towers that project into one space.
///
/// Model families differ in the values here and in how their tensors are named (`VisionNames`, `TextNames`);
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
public enum ModelFamily: String, CaseIterable, Sendable, Hashable {
  /// Contrastive training of one pooled vector per image and text (Radford et al., 2021).
  case clip
  /// Contrastive training of all tokens by late interaction (Yao et al., ICLR 2022).
  case filip
  /// Pairs judged one by one with a sigmoid, images pooled by a learned query (Zhai et al., 2023;
  /// SigLIP 2 at fixed sizes: Tschannen et al., 2025).
  case siglip
  /// SigLIP 2 for images of any proportions (NaFlex).
  case siglip2
  /// Patches that learn from captions too (TIPSv2); texts are the mean of their tokens.
  case tips = "tipsv2"
  /// SigLIP 2 trained on regions, too, in English and Chinese (FG-CLIP 2; Xie et al., 2025).
  case fgclip = "fgclip2"
  /// CLIP in Chinese, with BERT for the texts (Yang et al., 2022).
  case chineseCLIP = "chinese_clip"
  /// Late interaction in Chinese (Gu et al., 2022); the name is ours.
  case wukong
}
