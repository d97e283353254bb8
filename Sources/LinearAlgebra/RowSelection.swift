extension Matrix {
  /// Copies rows of `source`: row `i` becomes row `indexes[i]` of it.
  ///
  /// Both have the same columns, and the matrix has a row for each index; the two do not overlap.
  package func assign(_ source: Matrix, rows indexes: ArraySlice<Int32>) {
    precondition(
      source.columnCount == columnCount && rowCount == indexes.count, "shapes of selected rows")
    for (row, index) in indexes.enumerated() {
      precondition(index >= 0 && index < source.rowCount, "index of a row")
      (base + row * stride).update(
        from: source.base + Int(index) * source.stride, count: columnCount)
    }
  }

  /// Adds row `i` of `source` to row `indexes[i]` of the matrix, for every `i`, in order.
  ///
  /// Both have the same columns, and `source` has a row for each index; the two do not overlap.
  package func add(_ source: Matrix, toRows indexes: [Int32]) {
    precondition(
      source.columnCount == columnCount && source.rowCount == indexes.count,
      "shapes of added rows")
    for (row, index) in indexes.enumerated() {
      precondition(index >= 0 && index < rowCount, "index of a row")
      let (target, addend) = (base + Int(index) * stride, source.base + row * source.stride)
      for column in 0..<columnCount { target[column] += addend[column] }
    }
  }

  /// Fills the matrix with one value.
  package func fill(_ value: Float) {
    for row in 0..<rowCount { (base + row * stride).update(repeating: value, count: columnCount) }
  }
}
