/// For each segment of rows and each column, the largest value and the row it stands in.
///
/// Shapes: `values` (rows, columns); segment `i` is rows `offsets[i]..<offsets[i + 1]`; `maxima`
/// (segments, columns). An empty segment yields `-infinity`. Values must be numbers.
/// - Complexity: one comparison per value.
package func maximumPerSegment(_ values: Matrix, offsets: [Int], into maxima: Matrix) {
  precondition(
    maxima.rowCount == offsets.count - 1 && maxima.columnCount == values.columnCount
      && offsets.last == values.rowCount && offsets.first == 0, "shapes of segment maxima")
  let columns = values.columnCount
  for segment in 0..<maxima.rowCount {
    let target = maxima.base + segment * maxima.stride
    for column in 0..<columns { target[column] = -.infinity }
    precondition(offsets[segment] <= offsets[segment + 1], "ascending offsets")
    for row in offsets[segment]..<offsets[segment + 1] {
      let source = values.base + row * values.stride
      for column in 0..<columns where source[column] > target[column] {
        target[column] = source[column]
      }
    }
  }
}

/// The largest value of each row. Values must be numbers; rows may not be empty.
/// - Complexity: one comparison per value.
package func maximumPerRow(_ values: Matrix) -> [Float] {
  precondition(values.columnCount > 0, "a row to take the maximum of")
  return (0..<values.rowCount).map { row in
    let source = values.base + row * values.stride
    var best = source[0]
    for column in 1..<max(values.columnCount, 1) where source[column] > best {
      best = source[column]
    }
    return best
  }
}
