/// The sum of the tokens of every box of patches, in time that does not depend on the box (Crow,
/// SIGGRAPH 1984), a table for each dimension.
///
///     S[r, c] = Σ of the tokens in rows 0..<r and columns 0..<c
///     sum of rows r₀..<r₁, columns c₀..<c₁ = S[r₁, c₁] − S[r₀, c₁] − S[r₁, c₀] + S[r₀, c₀]
///
/// Sums are of doubles: over a thousand patches they are right to some 10⁻¹³.
package struct SummedAreaTable: Sendable {
  /// Width of the tokens.
  package let dimension: Int
  private let grid: PatchGrid
  /// `(rowCount + 1, columnCount + 1, dimension)`, row-major.
  private let sums: [Double]

  /// The table of a tile.
  /// - Complexity: O(patches × dimension) time and memory.
  package init(_ tile: TileTokens) {
    let (grid, dimension) = (tile.grid, tile.tokens.dimension)
    let width = (grid.columnCount + 1) * dimension
    var sums = [Double](repeating: 0, count: (grid.rowCount + 1) * width)
    for row in 0..<grid.rowCount {
      for column in 0..<grid.columnCount {
        let token = tile.tokens[tile.tokenOfPatch[row * grid.columnCount + column]]
        // The place of S[row + 1, column + 1]; what it is made of lies above and to the left.
        var place = (row + 1) * width + (column + 1) * dimension
        for value in token {
          sums[place] =
            Double(value) + sums[place - dimension] + sums[place - width]
            - sums[place - width - dimension]
          place += 1
        }
      }
    }
    (self.grid, self.dimension, self.sums) = (grid, dimension, sums)
  }

  /// Replaces `sum` by the sum of the tokens of a box, `dimension` values.
  /// - Precondition: the box lies in the grid.
  /// - Complexity: O(dimension).
  package func writeSum(of box: PatchBox, into sum: inout [Double]) {
    precondition(
      box.rows.upperBound <= grid.rowCount && box.columns.upperBound <= grid.columnCount,
      "box in the grid")
    func place(_ row: Int, _ column: Int) -> Int {
      (row * (grid.columnCount + 1) + column) * dimension
    }
    let aboveLeft = place(box.rows.lowerBound, box.columns.lowerBound)
    let aboveRight = place(box.rows.lowerBound, box.columns.upperBound)
    let belowLeft = place(box.rows.upperBound, box.columns.lowerBound)
    let belowRight = place(box.rows.upperBound, box.columns.upperBound)
    sum.removeAll(keepingCapacity: true)
    for index in 0..<dimension {
      sum.append(
        sums[belowRight + index] - sums[aboveRight + index] - sums[belowLeft + index]
          + sums[aboveLeft + index])
    }
  }
}
