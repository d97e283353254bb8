package import FilipLinearAlgebra

extension ScreenCodebook {
  /// How many centroids serve an index of so many tokens.
  ///
  /// A power of four, so that cells and centroids of a cell are equally many.
  package static func centroidCount(forTokens count: Int) -> Int {
    switch count {
    case ..<4_096: 64
    case ..<16_384: 256
    case ..<131_072: 1_024
    case ..<1_048_576: 4_096
    default: 16_384
    }
  }

  /// How many tokens to learn centroids from: more did not make the screen better.
  ///
  /// The sample is never larger than 512 MiB.
  package static func sampleCount(forCentroids count: Int, dimension: Int) -> Int {
    min(64 * count, max(count, (512 << 20) / (4 * dimension)))
  }

  /// Learns centroids from tokens by spherical k-means in two levels.
  ///
  /// `sample` has rotated tokens as rows, in any order. The same sample and seed give the same
  /// centroids on machines with the same OpenBLAS kernels.
  /// - Parameter tokenCount: tokens of the index that the sample was drawn from.
  /// - Precondition: the sample has rows, and the values are finite.
  /// - Complexity: some ten times sample × √centroids dot products.
  package init(
    learningFrom sample: Matrix, centroidCount: Int, tokenCount: Int, seed: UInt64 = 0
  ) {
    precondition(sample.rowCount > 0, "tokens to learn from")
    precondition(
      centroidCount > 0 && centroidCount <= Self.largestCentroidCount, "number of centroids")
    let cellCount = Self.cellCount(forCentroids: centroidCount)
    let cellSize = centroidCount / cellCount
    var generator = SplitMix64(state: seed)
    var means = SphericalMeans(dimension: sample.columnCount)
    let cells = means.learn(from: sample, count: cellCount, &generator)
    cells.roundToHalves()
    let members = means.rows(of: sample, nearestTo: cells)
    let centroids = Matrix(rowCount: cellCount * cellSize, columnCount: sample.columnCount)
    for cell in 0..<cellCount {
      let target = centroids.rows(cell * cellSize..<(cell + 1) * cellSize)
      guard !members[cell].isEmpty else {
        target.assign(everyRow: cells.rows(cell..<cell + 1))
        continue
      }
      let rows = Matrix(rowCount: members[cell].count, columnCount: sample.columnCount)
      rows.assign(sample, rows: members[cell][...])
      target.assign(means.learn(from: rows, count: cellSize, &generator))
    }
    centroids.roundToHalves()
    self.init(
      id: Self.id(tokenCount: tokenCount, cells: cells, centroids: centroids),
      tokenCount: tokenCount, cells: cells, centroids: centroids)
  }

  /// The largest power of two that divides the number and is at most its square root.
  private static func cellCount(forCentroids count: Int) -> Int {
    var cellCount = 1
    while cellCount * cellCount * 4 <= count, count % (cellCount * 2) == 0 { cellCount *= 2 }
    return cellCount
  }
}

/// Spherical k-means (Dhillon and Modha, 2001) with memory that serves one run after the other.
private struct SphericalMeans {
  private static let roundCount = 8
  /// Tokens per mean that are looked at; more cost time and change little.
  private static let sampleCount = 256
  private static let batchCount = 4096
  private var nearest: NearestRow

  init(dimension: Int) {
    nearest = NearestRow(dimension: dimension, batchCount: Self.batchCount)
  }

  /// `count` unit vectors that the rows lie close to.
  ///
  /// A mean that no row is nearest to stays where it was.
  mutating func learn(
    from all: Matrix, count: Int, _ generator: inout SplitMix64
  ) -> Matrix {
    let rows = some(of: all, count: Self.sampleCount * count, &generator)
    let means = some(of: rows, count: count, &generator, repeating: true)
    means.normalizeRows()
    let sums = Matrix(rowCount: count, columnCount: rows.columnCount)
    for _ in 0..<Self.roundCount {
      sums.fill(0)
      var memberCounts = [Int](repeating: 0, count: count)
      for start in stride(from: 0, to: rows.rowCount, by: Self.batchCount) {
        let batch = rows.rows(start..<min(start + Self.batchCount, rows.rowCount))
        let places = nearest.find(batch, in: means).places
        sums.add(batch, toRows: places)
        for place in places { memberCounts[Int(place)] += 1 }
      }
      sums.normalizeRows()
      for (mean, memberCount) in memberCounts.enumerated() where memberCount > 0 {
        means.rows(mean..<mean + 1).assign(sums.rows(mean..<mean + 1))
      }
    }
    return means
  }

  /// For each of the means, the rows that it is nearest to.
  mutating func rows(of rows: Matrix, nearestTo means: Matrix) -> [[Int32]] {
    var members = [[Int32]](repeating: [], count: means.rowCount)
    for start in stride(from: 0, to: rows.rowCount, by: Self.batchCount) {
      let batch = rows.rows(start..<min(start + Self.batchCount, rows.rowCount))
      for (row, place) in nearest.find(batch, in: means).places.enumerated() {
        members[Int(place)].append(Int32(start + row))
      }
    }
    return members
  }

  /// A copy of at most `count` different rows, or of some of them again to make it as many.
  private func some(
    of rows: Matrix, count: Int, _ generator: inout SplitMix64, repeating: Bool = false
  ) -> Matrix {
    var indexes = (0..<Int32(rows.rowCount)).map { $0 }
    let differentCount = min(count, indexes.count)
    for position in 0..<differentCount {
      indexes.swapAt(position, Int.random(in: position..<indexes.count, using: &generator))
    }
    if repeating, count > indexes.count {
      for position in indexes.count..<count { indexes.append(indexes[position - differentCount]) }
    }
    let selected = indexes[..<(repeating ? count : differentCount)]
    let copy = Matrix(rowCount: selected.count, columnCount: rows.columnCount)
    copy.assign(rows, rows: selected)
    return copy
  }
}

extension Matrix {
  /// Rounds every value to what is stored of it.
  fileprivate func roundToHalves() {
    let rounded = Matrix(
      floats(widening: binary16(rounding: elements)), rowCount: rowCount, columnCount: columnCount)
    assign(rounded)
  }
}
