import FilipEncoders
import FilipLateInteraction
import SystemPackage

extension EncodedImage {
  /// The tokens that a region of the picture is asked for with: those of the patches whose middle
  /// lies in it, of all tiles; where there is none, of the patch in which the middle of the region
  /// lies.
  ///
  /// They were made in the context of the whole picture. `width` and `height` are those of the
  /// upright original, in whose pixels the region is given.
  /// - Returns: rows of `tokens`, ascending.
  /// - Throws: `QueryError` when the region reaches beyond the picture, or lies where no patch is.
  func tokenRows(
    in region: PixelRegion, width: Int, height: Int, path: FilePath
  ) throws(QueryError) -> [Int] {
    guard region.x + region.width <= Double(width), region.y + region.height <= Double(height)
    else {
      throw QueryError(
        .contradictoryQuery,
        "\(path): the region reaches beyond the picture, which has \(width) × \(height) pixels")
    }
    let patches = tiles.flatMap { tile in
      (0..<tile.grid.patchCount).map { tile.region(ofPatch: $0) }
    }
    var found = patches.indices.filter { region.contains(patches[$0].middle) }
    if found.isEmpty { found = patches.indices.filter { patches[$0].contains(region.middle) } }
    guard !found.isEmpty else {
      throw QueryError(
        .contradictoryQuery,
        "\(path): the model does not see that part of the picture; choose a region nearer to its "
          + "middle")
    }
    return Set(found.map { patch in patchTokens.map { Int($0[patch]) } ?? patch }).sorted()
  }
}

extension PixelRegion {
  fileprivate var middle: (x: Double, y: Double) { (x + width / 2, y + height / 2) }

  /// Right and lower edge are outside.
  fileprivate func contains(_ point: (x: Double, y: Double)) -> Bool {
    point.x >= x && point.x < x + width && point.y >= y && point.y < y + height
  }
}
