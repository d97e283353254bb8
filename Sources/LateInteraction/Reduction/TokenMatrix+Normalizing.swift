extension TokenMatrix {
  /// Normalises rows that are known to be finite; a row of zeros stays zero.
  /// - Precondition: `values` holds whole rows.
  init(normalizingFinite values: [Double], dimension: Int) {
    precondition(values.count.isMultiple(of: dimension), "whole rows")
    var rows: [Float] = []
    rows.reserveCapacity(values.count)
    for start in stride(from: 0, to: values.count, by: dimension) {
      let row = values[start..<start + dimension]
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      rows += row.lazy.map { Float(length > 0 ? $0 / length : 0) }
    }
    self.init(unchecked: rows, tokenCount: values.count / dimension, dimension: dimension)
  }
}
