/// A rectangle of whole patches in a grid.
package struct PatchBox: Sendable, Hashable {
  /// Its rows, counted from the top.
  package var rows: Range<Int>
  /// Its columns, counted from the left.
  package var columns: Range<Int>

  /// A rectangle of these rows and columns.
  package init(rows: Range<Int>, columns: Range<Int>) {
    (self.rows, self.columns) = (rows, columns)
  }

  /// Number of patches.
  package var patchCount: Int { rows.count * columns.count }
}

extension PatchGrid {
  /// The boxes that a search for parts of images looks at, smaller ones first, then from the top and
  /// from the left.
  ///
  /// Sides are 1, 2, 3, 4, 6, 8, 12, 16, … patches, shapes 1:1, 2:1 and 1:2 of them. Neighbours
  /// overlap by half, the last of a line touches the edge, and the whole grid is a box too. A grid of
  /// 8 × 8 has 347 of them, one of 16 × 16 has 1,663.
  /// - Complexity: O(b log b) for b boxes, some seven for each patch.
  package var boxes: [PatchBox] {
    guard patchCount > 0 else { return [] }
    var boxes: [PatchBox] = []
    for side in Self.sides(upTo: max(rowCount, columnCount)) {
      for (height, width) in [(side, side), (side, 2 * side), (2 * side, side)] {
        for top in Self.starts(of: height, in: rowCount) {
          for left in Self.starts(of: width, in: columnCount) {
            boxes.append(PatchBox(rows: top..<top + height, columns: left..<left + width))
          }
        }
      }
    }
    let whole = PatchBox(rows: 0..<rowCount, columns: 0..<columnCount)
    if !boxes.contains(whole) { boxes.append(whole) }
    func order(_ box: PatchBox) -> (Int, Int, Int, Int) {
      (box.patchCount, box.rows.lowerBound, box.columns.lowerBound, box.rows.count)
    }
    return boxes.sorted { order($0) < order($1) }
  }

  /// 1, and 2, 3, 4, 6, 8, 12, …: each the double of the last but one.
  private static func sides(upTo most: Int) -> [Int] {
    var sides = [1, 2, 3]
    while let last = sides.last, last < most { sides.append(2 * sides[sides.count - 2]) }
    return sides.filter { $0 <= most }
  }

  /// Where boxes of one extent begin in a line of patches; none when they do not fit.
  private static func starts(of extent: Int, in count: Int) -> [Int] {
    guard extent <= count else { return [] }
    return Array(stride(from: 0, to: count - extent, by: max(1, extent / 2))) + [count - extent]
  }
}

extension ImageTile {
  /// The part of the original that a box of patches covers.
  /// - Precondition: the box is not empty and lies in the grid.
  package func region(of box: PatchBox) -> PixelRegion {
    precondition(
      !box.rows.isEmpty && !box.columns.isEmpty && box.rows.upperBound <= grid.rowCount
        && box.columns.upperBound <= grid.columnCount, "box in the grid")
    let first = region(
      ofPatch: box.rows.lowerBound * grid.columnCount + box.columns.lowerBound)
    return PixelRegion(
      x: first.x, y: first.y, width: first.width * Double(box.columns.count),
      height: first.height * Double(box.rows.count))
  }
}
