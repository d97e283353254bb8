import FilipLateInteraction
import FilipStore

extension ItemRecord {
  /// The tokens of an image as they lie in its tiles; `nil` for a text, and for an item of which it is
  /// not known where its tokens lie.
  func tileTokens(_ tokens: TokenMatrix) -> [TileTokens]? {
    guard kind != .text, width > 0, height > 0, !tiles.isEmpty,
      tiles.reduce(0, { $0 + $1.grid.patchCount }) == patchCount
    else { return nil }
    var first = 0
    return tiles.map { tile in
      defer { first += tile.grid.patchCount }
      return TileTokens(
        grid: tile.grid, tokens: tokens,
        tokenOfPatch: (first..<first + tile.grid.patchCount).map { token(ofPatch: $0) })
    }
  }
}
