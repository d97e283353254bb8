/// The tokens of one image or one text: `tokenCount` rows of `dimension` floats, row-major,
/// each row L2-normalised (those of a query that was projected are shorter, see `TokenProjection`).
///
/// Padding never enters: a text of five tokens has five rows. A `TokenMatrix` may be empty; it
/// never holds a value that is not a number.
public struct TokenMatrix: Sendable, Equatable {
  /// Number of rows.
  public let tokenCount: Int
  /// Number of columns: the width of the joint space (256 in FILIP).
  public let dimension: Int
  /// All values, `(tokenCount, dimension)`, row-major.
  public let elements: [Float]

  /// Normalises the rows of `elements` and keeps them.
  ///
  /// A row of zeros stays zero: it matches nothing.
  /// - Precondition: `elements.count == tokenCount * dimension`.
  /// - Throws: `TokenMatrixError` when a value is infinite or not a number.
  public init(
    normalizing elements: [Float], tokenCount: Int, dimension: Int
  ) throws(TokenMatrixError) {
    precondition(tokenCount >= 0 && dimension > 0, "shape of tokens")
    precondition(elements.count == tokenCount * dimension, "element count of tokens")
    var rows = elements
    for token in 0..<tokenCount {
      let range = token * dimension..<(token + 1) * dimension
      var squares = 0.0
      for index in range { squares += Double(rows[index]) * Double(rows[index]) }
      guard squares.isFinite else { throw TokenMatrixError(token: token) }
      guard squares > 0 else { continue }
      let scale = 1 / squares.squareRoot()
      for index in range { rows[index] = Float(Double(rows[index]) * scale) }
    }
    self.init(unchecked: rows, tokenCount: tokenCount, dimension: dimension)
  }

  /// Keeps rows that are normalised already, such as those read back from a store.
  package init(unchecked elements: [Float], tokenCount: Int, dimension: Int) {
    precondition(elements.count == tokenCount * dimension, "element count of tokens")
    self.tokenCount = tokenCount
    self.dimension = dimension
    self.elements = elements
  }

  /// One row.
  public subscript(token: Int) -> ArraySlice<Float> {
    precondition(token >= 0 && token < tokenCount, "token index")
    return elements[token * dimension..<(token + 1) * dimension]
  }
}

/// A token with a value that is infinite or not a number.
public struct TokenMatrixError: Error, Equatable, CustomStringConvertible {
  /// The first offending row.
  public let token: Int

  /// An error that names `token`.
  public init(token: Int) { self.token = token }

  /// One line that names the token.
  public var description: String {
    "token \(token) holds a value that is infinite or not a number"
  }
}
