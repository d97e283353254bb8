internal import FilipLinearAlgebra

/// A rotation `R` of tokens that spreads each of them evenly over its dimensions, so that one scale
/// serves a whole token.
///
/// With `m` the largest power of two up to `dimension`: the first `m` dimensions get signs and the
/// normalised Hadamard transform; when some are left over, so do the last `m` with other signs. The
/// signs are the top bits of SplitMix64 seeded with the dimension, one number each, 1 for minus.
///
/// The rotation is fixed by the dimension. Its arithmetic is in Double and in one order, so that a
/// token has the same codes on every machine.
package struct TokenRotation: Sendable {
  /// Number of dimensions.
  package let dimension: Int
  /// `m`, at most `dimension`.
  private let width: Int
  /// `± 1/√m`, for the first `m` dimensions.
  private let firstSigns: [Double]
  /// The same for the last `m`; empty when those are the first.
  private let lastSigns: [Double]

  /// The rotation of `dimension` dimensions.
  package init(dimension: Int) {
    precondition(dimension > 0, "dimension of a rotation")
    self.dimension = dimension
    let width = 1 << (Int.bitWidth - 1 - dimension.leadingZeroBitCount)
    self.width = width
    let size = 1 / Double(width).squareRoot()
    var generator = SplitMix64(state: UInt64(dimension))
    firstSigns = (0..<width).map { _ in generator.next() >> 63 == 0 ? size : -size }
    lastSigns =
      width == dimension
      ? [] : (0..<width).map { _ in generator.next() >> 63 == 0 ? size : -size }
  }

  /// Writes `R row` to `rotated`, which becomes as long as the row.
  /// - Precondition: `row` has `dimension` values.
  /// - Complexity: O(d log d).
  package func rotate(_ row: ArraySlice<Float>, into rotated: inout [Double]) {
    precondition(row.count == dimension, "length of a row")
    if rotated.count != dimension { rotated = [Double](repeating: 0, count: dimension) }
    row.withUnsafeBufferPointer { row in
      rotated.withUnsafeMutableBufferPointer { rotated in
        guard let source = row.baseAddress, let target = rotated.baseAddress else { return }
        rotate(source, into: target)
      }
    }
  }

  /// Replaces `row` by `Rᵀ row`: what was rotated comes back, to within rounding.
  /// - Precondition: `row` has `dimension` values.
  package func rotateBack(_ row: inout [Double]) {
    precondition(row.count == dimension, "length of a row")
    row.withUnsafeMutableBufferPointer { row in
      guard let row = row.baseAddress else { return }
      if !lastSigns.isEmpty {
        hadamard(row + dimension - width)
        multiply(row + dimension - width, by: lastSigns)
      }
      hadamard(row)
      multiply(row, by: firstSigns)
    }
  }

  /// The same for memory that holds `dimension` values.
  func rotate(_ row: UnsafePointer<Float>, into rotated: UnsafeMutablePointer<Double>) {
    for index in 0..<dimension { rotated[index] = Double(row[index]) }
    multiply(rotated, by: firstSigns)
    hadamard(rotated)
    guard !lastSigns.isEmpty else { return }
    multiply(rotated + dimension - width, by: lastSigns)
    hadamard(rotated + dimension - width)
  }

  private func multiply(_ values: UnsafeMutablePointer<Double>, by signs: [Double]) {
    signs.withUnsafeBufferPointer { signs in
      for index in 0..<signs.count { values[index] *= signs[index] }
    }
  }

  private func hadamard(_ values: UnsafeMutablePointer<Double>) {
    FilipLinearAlgebra.hadamard(UnsafeMutableBufferPointer(start: values, count: width))
  }
}
