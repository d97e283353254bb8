internal import FilipLinearAlgebra

/// The words of a query as the scan plane compares them: rotated, eight bits each.
///
/// With `R` the rotation, word `w` becomes `q̂_w = s_w · c_w`, where `c_w` are integers from −127 to
/// 127 and `s_w = max|R q_w| / 127`.
package struct PlaneQuery: Sendable {
  /// Number of words.
  package let wordCount: Int
  /// Number of dimensions.
  let dimension: Int
  /// `c_w`, in the kernels' order.
  let codes: PlaneQueryCodes
  /// `s_w`.
  let scales: [Double]
  /// `Σ_i c_wi`, which turns codes that start at zero into signed ones.
  let sums: [Int]
  /// `‖R q_w − q̂_w‖`, rounded up.
  let errors: [Double]
  /// `‖q_w‖`, rounded up.
  let norms: [Double]

  /// Rotates and quantises the rows of `tokens`.
  /// - Complexity: O(words · d · log d).
  package init(_ tokens: TokenMatrix) {
    wordCount = tokens.tokenCount
    dimension = tokens.dimension
    let rotation = TokenRotation(dimension: tokens.dimension)
    var codes = [Int8](repeating: 0, count: tokens.tokenCount * tokens.dimension)
    var scales: [Double] = []
    var sums: [Int] = []
    var errors: [Double] = []
    var norms: [Double] = []
    var row = [Double](repeating: 0, count: tokens.dimension)
    for word in 0..<tokens.tokenCount {
      rotation.rotate(tokens[word], into: &row)
      let scale = row.reduce(0) { max($0, abs($1)) } / 127
      var (sum, squaredError, squares) = (0, 0.0, 0.0)
      for (index, value) in row.enumerated() {
        let code = scale > 0 ? (value / scale).rounded() : 0
        codes[word * tokens.dimension + index] = Int8(code)
        sum += Int(code)
        squaredError += (value - code * scale) * (value - code * scale)
        squares += value * value
      }
      scales.append(scale)
      sums.append(sum)
      errors.append(Self.roundedUp(squaredError.squareRoot()))
      norms.append(Self.roundedUp(squares.squareRoot()))
    }
    self.codes = PlaneQueryCodes(
      rows: codes, dimension: tokens.dimension,
      initial: [Int32](repeating: 0, count: tokens.tokenCount))
    (self.scales, self.sums, self.errors, self.norms) = (scales, sums, errors, norms)
  }

  /// Room for the rounding of the rotation and of the sums above.
  private static func roundedUp(_ value: Double) -> Double { value * (1 + 1e-12) + 1e-12 }
}
