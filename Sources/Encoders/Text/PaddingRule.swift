/// How a model wants texts filled up that are shorter than its limit.
///
/// It matters where a tower reads its pooled vector at a fixed position or looks at every token:
/// SigLIP's is trained on texts of 64 tokens, filled up with tokens that are not masked. A rule that
/// masks tells a tower which of these it must not see; it may leave them out instead.
package struct PaddingRule: Sendable, Hashable {
  /// The token that fills up.
  package var tokenID: Int32
  /// Whether it stands before the text instead of after it.
  package var isOnLeft: Bool
  /// Whether the tower is told which tokens are padding, and looks at none of them.
  package var isMasked: Bool
  /// The length up to which texts are filled, where the tokenizer's files tell it; else the number
  /// of the tower's positions.
  package var maximumLength: Int?

  /// A rule of these parts.
  package init(tokenID: Int32, isOnLeft: Bool, isMasked: Bool, maximumLength: Int?) {
    self.tokenID = tokenID
    self.isOnLeft = isOnLeft
    self.isMasked = isMasked
    self.maximumLength = maximumLength
  }
}
