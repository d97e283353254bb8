internal import FilipLinearAlgebra

/// The centroids that stand for tokens where images are only screened: each token has the number of
/// the one it is most similar to.
///
/// Centroids are unit vectors in the rotated space of the scan plane. They are grouped in cells of
/// equal size around coarser centroids, so that the nearest is found among a few cells. A cell of
/// much alike tokens has as many centroids as one of few and rare tokens: those are the ones that
/// tell images apart.
package struct ScreenCodebook: Sendable {
  /// Tokens have no more different numbers.
  package static let largestCentroidCount = 1 << 16

  /// A number that tells codebooks apart: a hash of their content.
  package let id: UInt64
  /// Tokens of the index that the centroids were learnt for, which may be more than were looked at.
  package let tokenCount: Int
  /// `(cells, dimension)`, unit rows.
  let cells: Matrix
  /// `(cells · cellSize, dimension)`, unit rows, cell after cell.
  let centroids: Matrix

  /// Takes over centroids that nobody changes any more.
  init(id: UInt64, tokenCount: Int, cells: Matrix, centroids: Matrix) {
    precondition(
      cells.rowCount > 0 && centroids.rowCount > 0
        && centroids.rowCount % cells.rowCount == 0
        && centroids.rowCount <= Self.largestCentroidCount
        && cells.columnCount == centroids.columnCount, "shapes of centroids")
    self.id = id
    self.tokenCount = tokenCount
    self.cells = cells
    self.centroids = centroids
  }

  /// Number of dimensions.
  package var dimension: Int { centroids.columnCount }
  /// Number of centroids.
  package var centroidCount: Int { centroids.rowCount }
  /// Number of cells.
  package var cellCount: Int { cells.rowCount }
  /// Centroids of each cell.
  package var cellSize: Int { centroidCount / cellCount }

  /// The rows of one cell.
  func centroids(ofCell cell: Int) -> Matrix {
    centroids.rows(cell * cellSize..<(cell + 1) * cellSize)
  }
}
