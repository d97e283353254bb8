/// The tokens of one tile of an image as they lie in it.
///
/// Where tokens were merged, a patch has the token that stands for it, so one counts in a box as
/// often as it has patches there.
package struct TileTokens: Sendable {
  /// How the patches lie.
  package let grid: PatchGrid
  /// The tokens of the image; those of other tiles may be among them.
  package let tokens: TokenMatrix
  /// For each patch of the grid, row after row, its row of `tokens`.
  package let tokenOfPatch: [Int]

  /// A tile whose patches have these tokens.
  /// - Precondition: there is a row of `tokens` for each patch of the grid.
  package init(grid: PatchGrid, tokens: TokenMatrix, tokenOfPatch: [Int]) {
    precondition(tokenOfPatch.count == grid.patchCount, "one token per patch")
    precondition(
      tokenOfPatch.allSatisfy { $0 >= 0 && $0 < tokens.tokenCount }, "tokens of the image")
    (self.grid, self.tokens, self.tokenOfPatch) = (grid, tokens, tokenOfPatch)
  }

  /// The tile of an image that has one token for each patch.
  package init(grid: PatchGrid, tokens: TokenMatrix) {
    self.init(grid: grid, tokens: tokens, tokenOfPatch: Array(0..<grid.patchCount))
  }
}
