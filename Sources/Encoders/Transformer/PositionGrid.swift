internal import FilipLateInteraction
internal import FilipLinearAlgebra

/// The learned positions of a square of patches, which other grids take resized.
struct PositionGrid: Sendable {
  /// (side², width), row by row from the top left.
  private let positions: Matrix
  private let side: Int

  /// The positions of a square.
  ///
  /// - Precondition: there are `side * side` rows.
  init(_ positions: Matrix, side: Int) {
    precondition(positions.rowCount == side * side && side > 0, "positions of a square")
    self.positions = positions
    self.side = side
  }

  /// Writes the positions of `grid` to `rows`, (patches, width).
  ///
  /// Resized as PyTorch's `interpolate` does with `mode="bilinear", antialias=True,
  /// align_corners=False`; columns first, then rows. Not kept for the next image of that grid: it
  /// costs a ten-thousandth of the tower.
  /// - Complexity: side · columns · (side + rows) · width multiply-adds.
  func write(_ grid: PatchGrid, into rows: Matrix, workspace: EncoderWorkspace) {
    guard grid != PatchGrid(rowCount: side, columnCount: side) else {
      return rows.assign(positions)
    }
    let width = positions.columnCount
    let (across, down) = (
      Self.weights(from: side, to: grid.columnCount), Self.weights(from: side, to: grid.rowCount)
    )
    let between = workspace.matrix(
      .positions, rowCount: side * grid.columnCount, columnCount: width)
    for row in 0..<side {
      multiply(
        across, positions.rows(row * side..<(row + 1) * side),
        into: between.rows(row * grid.columnCount..<(row + 1) * grid.columnCount))
    }
    let line = grid.columnCount * width
    multiply(
      down, between.reshaped(rowCount: side, columnCount: line),
      into: rows.reshaped(rowCount: grid.rowCount, columnCount: line))
  }

  /// How much of each source place every target place takes, (target, source); rows sum to 1.
  ///
  /// A triangle around the target's place, as wide as two target places where the side shrinks and
  /// two source places where it grows.
  static func weights(from source: Int, to target: Int) -> Matrix {
    let scale = Float(source) / Float(target)
    let reach = max(scale, 1)
    let weights = Matrix(rowCount: target, columnCount: source)
    for row in 0..<target {
      let center = scale * (Float(row) + 0.5)
      let triangle = (0..<source).map { max(0, 1 - abs((Float($0) + 0.5 - center) / reach)) }
      let sum = triangle.reduce(0, +)
      for (column, weight) in triangle.enumerated() { weights[row, column] = weight / sum }
    }
    return weights
  }
}
