/// What a model is made of: towers that end in one space.
///
/// Model families differ in the values here and in how their tensors are named (`VisionNames`, `TextNames`);
/// the arithmetic is shared.
package struct ModelConfiguration: Sendable, Hashable {
  /// Where the architecture and the training objective come from.
  package var family: ModelFamily
  /// Width of the joint space.
  package var projectionDimension: Int
  /// Pixels to tokens; `nil` for a model of texts alone.
  package var vision: VisionConfiguration?
  /// Words to tokens.
  package var text: TextConfiguration
  /// How pictures get into the text tower; `nil` for a model whose towers stand side by side.
  package var page: PageConfiguration?
  /// What is put before texts.
  package var prompts = TextPrompts()
  /// Whether the start and end tokens of a text take part in scores.
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
  /// Pages of documents by late interaction, with ModernBERT behind the image's tokens.
  case colModernVBERT = "colmodernvbert"
  /// A text encoder (Devlin et al., 2019), as sentence-transformers trains and stores it.
  case bert
  /// A text encoder with rotary positions and local attention (Warner et al., 2024).
  case modernBERT = "modernbert"
}

extension ModelFamily {
  /// Whether the tokens of a text are comparable with tokens, one by one. Where they are not, only
  /// pooled vectors mean anything: a query is then made of those of its phrases.
  var comparesWords: Bool {
    switch self {
    case .filip, .tips, .wukong, .colModernVBERT, .bert, .modernBERT: true
    case .clip, .siglip, .siglip2, .fgclip, .chineseCLIP: false
    }
  }

  /// Whether start and end tokens take part in scores unless the configuration says otherwise: what
  /// the model was trained with.
  var scoresSpecialTokens: Bool {
    switch self {
    case .wukong, .colModernVBERT: true
    case .clip, .filip, .siglip, .siglip2, .tips, .fgclip, .chineseCLIP, .bert, .modernBERT: false
    }
  }
}
