#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The angles by which rotary positions turn queries and keys (Su et al., 2021, "RoFormer").
///
/// Dimensions i and i + headWidth / 2 of a head are a point in the plane, which place p turns by
/// `p / base^(2 i / headWidth)`: the halves of a head, as in the Hugging Face library, not
/// neighbours.
package struct RotaryTable: Sendable {
  /// (places, headWidth / 2).
  let cosines: Matrix
  /// (places, headWidth / 2).
  let sines: Matrix

  /// The angles of the first `placeCount` places.
  ///
  /// - Precondition: `headWidth` is even.
  /// - Complexity: a sine and a cosine for each place and pair of dimensions.
  package init(placeCount: Int, headWidth: Int, base: Float) {
    precondition(headWidth.isMultiple(of: 2), "heads of an even width")
    let half = headWidth / 2
    cosines = Matrix(rowCount: placeCount, columnCount: half)
    sines = Matrix(rowCount: placeCount, columnCount: half)
    for pair in 0..<half {
      let frequency = Float(1 / pow(Double(base), Double(2 * pair) / Double(headWidth)))
      for place in 0..<placeCount {
        let angle = Float(place) * frequency
        cosines[place, pair] = cosf(angle)
        sines[place, pair] = sinf(angle)
      }
    }
  }
}

extension Matrix {
  /// Turns every head of every row, the row's number being its place.
  ///
  /// Columns are heads side by side.
  /// - Precondition: the table has as many places as there are rows, and heads of a width that
  ///   divides the columns.
  package func rotateHeads(by table: RotaryTable) {
    let half = table.cosines.columnCount
    precondition(table.cosines.rowCount >= rowCount, "places of the rows")
    precondition(columnCount.isMultiple(of: 2 * half), "columns of whole heads")
    for row in 0..<rowCount {
      let cosines = table.cosines.base + row * table.cosines.stride
      let sines = table.sines.base + row * table.sines.stride
      for head in Swift.stride(from: 0, to: columnCount, by: 2 * half) {
        let left = base + row * stride + head
        let right = left + half
        for pair in 0..<half {
          let (x, y) = (left[pair], right[pair])
          left[pair] = x * cosines[pair] - y * sines[pair]
          right[pair] = y * cosines[pair] + x * sines[pair]
        }
      }
    }
  }
}
