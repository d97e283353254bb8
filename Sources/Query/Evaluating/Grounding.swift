import FilipLateInteraction
import FilipStore

/// Whether the place that responds to a query is where its object lies.
///
/// What responds is read off the mean of all words' similarities, patch by patch: the best patch, and
/// the patches joined to it that are nearer to the best similarity than to the worst.
package struct Grounding: Sendable, Hashable {
  /// Whether the middle of the best patch lies in a true box or within half a patch of one (the
  /// pointing game; Zhang et al., ECCV 2016, who allow 15 pixels).
  package var pointsInside: Bool
  /// The intersection over union of the box around what responds and the true box that fits best.
  package var overlap: Double

  /// Compares the response of an item with true boxes, which are fractions of its sides.
  /// - Returns: `nil` when the item's size or patches are not known.
  init?(_ similarities: ExactSimilarities, _ item: ItemRecord, boxes: [PixelRegion]) {
    guard item.width > 0, item.height > 0, similarities.wordCount > 0,
      similarities.patchCount == item.tokenCount, let tile = item.tiles.first
    else { return nil }
    let means = (0..<similarities.patchCount).map { patch in
      let sum = (0..<similarities.wordCount).reduce(0.0) {
        $0 + similarities.values[$1 * similarities.patchCount + patch]
      }
      return Float(sum / Double(similarities.wordCount))
    }
    // Of several tiles the first one sees the whole picture.
    let map = Array(item.expandedToPatches(means).prefix(tile.grid.patchCount))
    guard let response = ResponseRegion(map, grid: tile.grid) else { return nil }
    let best = tile.region(ofPatch: response.peak)
    let box = tile.region(of: PatchBox(rows: response.rows, columns: response.columns))
    let truths = Self.inPixels(boxes, of: item)
    pointsInside = Self.points(best, into: truths)
    overlap = truths.map { $0.intersectionOverUnion(box) }.max() ?? 0
  }

  /// The share of an item's patches that would count as pointing inside.
  static func pointingByChance(in item: ItemRecord, boxes: [PixelRegion]) -> Double {
    guard let tile = item.tiles.first, tile.grid.patchCount > 0 else { return 0 }
    let truths = inPixels(boxes, of: item)
    let rightCount = (0..<tile.grid.patchCount).count {
      points(tile.region(ofPatch: $0), into: truths)
    }
    return Double(rightCount) / Double(tile.grid.patchCount)
  }

  /// Whether the middle of a patch lies in a box, or within half a patch of one.
  private static func points(_ patch: PixelRegion, into boxes: [PixelRegion]) -> Bool {
    boxes.contains {
      $0.grown(byWidth: patch.width / 2, height: patch.height / 2)
        .contains(x: patch.x + patch.width / 2, y: patch.y + patch.height / 2)
    }
  }

  private static func inPixels(_ boxes: [PixelRegion], of item: ItemRecord) -> [PixelRegion] {
    boxes.map {
      PixelRegion(
        x: $0.x * Double(item.width), y: $0.y * Double(item.height),
        width: $0.width * Double(item.width), height: $0.height * Double(item.height))
    }
  }
}

/// The patches around the best one that respond too.
struct ResponseRegion: Equatable {
  /// The best patch; of equals the first.
  var peak: Int
  /// The box around the region, in patches.
  var rows: Range<Int>
  var columns: Range<Int>

  /// The patches that touch the best one, corners included, and each other, and whose value is at
  /// least half-way from the least to the largest.
  /// - Returns: `nil` when values and grid do not fit.
  init?(_ values: [Float], grid: PatchGrid) {
    guard values.count == grid.patchCount, let least = values.min(), let most = values.max(),
      let peak = values.firstIndex(of: most)
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
