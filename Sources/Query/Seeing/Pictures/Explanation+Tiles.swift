package import FilipEncoders
import FilipLateInteraction
import FilipStore

extension Explanation {
  /// The similarities of a part with the patches of each tile, in colours: a pixel for each patch.
  package func heatTiles(of part: Part, scale: ColourScale) -> [DecodedImage] {
    tileImages { scale.colour(of: part.map[$0]) }
  }

  /// FILIP's alignment, a pixel for each patch of each tile: the colour of the part that is most
  /// similar to it, the greyer the less it is; grey where a row of no part is.
  package func alignmentTiles(scale: ColourScale) -> [DecodedImage] {
    let grey = RGB(128, 128, 128)
    return tileImages { patch in
      winners[patch].map {
        grey.mixed(with: .ofPart($0), share: 0.1 + 0.9 * scale.share(of: parts[$0].map[patch]))
      } ?? grey
    }
  }

  private func tileImages(_ colour: (Int) -> RGB) -> [DecodedImage] {
    var first = 0
    return item.tiles.map { tile in
      let patches = first..<first + tile.grid.patchCount
      first = patches.upperBound
      return DecodedImage(
        width: tile.grid.columnCount, height: tile.grid.rowCount,
        pixels: patches.map(colour).flatMap { [$0.red, $0.green, $0.blue] }, format: .png)
    }
  }
}
