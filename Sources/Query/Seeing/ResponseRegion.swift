import FilipLateInteraction
import FilipStore

/// The patches around the best one that respond too.
struct ResponseRegion: Equatable {
  /// The best patch; of equals the first, unless one was named.
  var peak: Int
  /// The box around the region, in patches.
  var rows: Range<Int>
  var columns: Range<Int>

  /// The patches that touch the best one, corners included, and each other, and whose value is at
  /// least half-way from the least to the largest.
  /// - Parameter peak: which of equally good patches is the best one.
  /// - Returns: `nil` when values and grid do not fit.
  init?(_ values: [Float], grid: PatchGrid, around peak: Int? = nil) {
    guard values.count == grid.patchCount, let least = values.min(), let most = values.max(),
      let peak = peak ?? values.firstIndex(of: most)
    else { return nil }
    let threshold = (least + most) / 2
    self.peak = peak
    var seen = Set([peak])
    var waiting = [peak]
    var (rows, columns) = (
      peak / grid.columnCount...peak / grid.columnCount,
      peak % grid.columnCount...peak % grid.columnCount
    )
    while let patch = waiting.popLast() {
      let (row, column) = patch.quotientAndRemainder(dividingBy: grid.columnCount)
      rows = min(rows.lowerBound, row)...max(rows.upperBound, row)
      columns = min(columns.lowerBound, column)...max(columns.upperBound, column)
      for y in max(0, row - 1)...min(grid.rowCount - 1, row + 1) {
        for x in max(0, column - 1)...min(grid.columnCount - 1, column + 1) {
          let neighbour = y * grid.columnCount + x
          if values[neighbour] >= threshold, seen.insert(neighbour).inserted {
            waiting.append(neighbour)
          }
        }
      }
    }
    self.rows = Range(rows)
    self.columns = Range(columns)
  }
}

extension ImageTile {
  /// The part of the original that the box around a response covers.
  func region(of response: ResponseRegion) -> PixelRegion {
    region(of: PatchBox(rows: response.rows, columns: response.columns))
  }
}

extension ItemRecord {
  /// The tile that a patch belongs to, and the patches of that tile, both counted tile after tile;
  /// `nil` for a patch that lies nowhere.
  package func tile(ofPatch patch: Int) -> (index: Int, patches: Range<Int>)? {
    var first = 0
    for (index, tile) in tiles.enumerated() {
      let patches = first..<first + tile.grid.patchCount
      if patches.contains(patch) { return (index, patches) }
      first = patches.upperBound
    }
    return nil
  }

  /// The box around what responds near a patch, as far as it lies in the picture.
  ///
  /// `map` has a value for every patch; those of the patch's own tile are looked at.
  /// - Returns: `nil` for a patch that lies nowhere.
  func response(_ map: [Float], around patch: Int) -> PixelRegion? {
    guard let (index, patches) = tile(ofPatch: patch),
      let response = ResponseRegion(
        Array(map[patches]), grid: tiles[index].grid, around: patch - patches.lowerBound)
    else { return nil }
    return tiles[index].region(of: response).clipped(toWidth: Int(width), height: Int(height))
  }
}

extension PixelRegion {
  /// The part of the region that lies in a picture of that size; a model may see more than that,
  /// where its input is filled up with black.
  func clipped(toWidth width: Int, height: Int) -> PixelRegion {
    let (left, top) = (min(max(x, 0), Double(width)), min(max(y, 0), Double(height)))
    return PixelRegion(
      x: left, y: top, width: max(0, min(x + self.width, Double(width)) - left),
      height: max(0, min(y + self.height, Double(height)) - top))
  }
}
