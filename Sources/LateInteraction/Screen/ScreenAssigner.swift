package import FilipLinearAlgebra

/// Gives tokens the numbers of their centroids. Keeps work space; use one per thread.
package final class ScreenAssigner {
  /// Cells whose centroids are looked at; the nearest centroid of all is seldom in another.
  private static let probeCount = 4
  private static let batchCount = 8192

  /// The codebook whose centroids tokens are assigned to.
  package let codebook: ScreenCodebook
  private var nearest: NearestRow
  private let gathered: Matrix

  /// An assigner to the centroids of a codebook.
  package init(_ codebook: ScreenCodebook) {
    self.codebook = codebook
    nearest = NearestRow(dimension: codebook.dimension, batchCount: Self.batchCount)
    gathered = Matrix(rowCount: Self.batchCount, columnCount: codebook.dimension)
  }

  /// Number of dimensions of the tokens.
  package var dimension: Int { codebook.dimension }

  /// For each row, a rotated token, the number of the centroid that is most similar to it among
  /// those of the four nearest cells. Of equal ones the lower number.
  /// - Complexity: per token, cells + 4 · centroids of a cell dot products.
  package func codes(of rows: Matrix) -> [UInt16] {
    precondition(rows.columnCount == codebook.dimension, "dimension of tokens")
    var codes: [UInt16] = []
    codes.reserveCapacity(rows.rowCount)
    for start in stride(from: 0, to: rows.rowCount, by: Self.batchCount) {
      codes += batchCodes(of: rows.rows(start..<min(start + Self.batchCount, rows.rowCount)))
    }
    return codes
  }

  private func batchCodes(of batch: Matrix) -> [UInt16] {
    var codes = [UInt16](repeating: 0, count: batch.rowCount)
    var best = [Float](repeating: -.infinity, count: batch.rowCount)
    let visits = visits(of: batch)
    for cell in 0..<codebook.cellCount {
      let visitors = visits.rows[visits.starts[cell]..<visits.starts[cell + 1]]
      guard !visitors.isEmpty else { continue }
      let rows = gathered.rows(0..<visitors.count)
      rows.assign(batch, rows: visitors)
      let answer = nearest.find(rows, in: codebook.centroids(ofCell: cell))
      let firstCentroid = cell * codebook.cellSize
      for (index, row) in visitors.enumerated()
      where answer.similarities[index] > best[Int(row)] {
        best[Int(row)] = answer.similarities[index]
        codes[Int(row)] = UInt16(firstCentroid + Int(answer.places[index]))
      }
    }
    return codes
  }

  /// The rows that visit a cell, cell after cell: from `starts[cell]` to `starts[cell + 1]`.
  private func visits(of batch: Matrix) -> (rows: [Int32], starts: [Int]) {
    let probeCount = min(Self.probeCount, codebook.cellCount)
    let probes = nearest.findSeveral(probeCount, for: batch, in: codebook.cells)
    var starts = [Int](repeating: 0, count: codebook.cellCount + 1)
    for places in probes { for cell in places { starts[Int(cell) + 1] += 1 } }
    for cell in 0..<codebook.cellCount { starts[cell + 1] += starts[cell] }
    var ends = starts
    var rows = [Int32](repeating: 0, count: probeCount * batch.rowCount)
    for places in probes {
      for (row, cell) in places.enumerated() {
        rows[ends[Int(cell)]] = Int32(row)
        ends[Int(cell)] += 1
      }
    }
    return (rows, starts)
  }
}
