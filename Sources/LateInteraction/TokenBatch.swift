internal import FilipLinearAlgebra

/// The tokens of several images, one after another, ready for one matrix product.
///
/// Its memory is reused: `removeAll` keeps the capacity.
public struct TokenBatch: ~Copyable {
  /// Number of columns.
  public let dimension: Int
  /// Where each image's rows begin; one entry more than there are images.
  public private(set) var offsets: [Int] = [0]
  private var storage: FloatStorage

  /// An empty batch with room for `tokenCapacity` tokens.
  public init(dimension: Int, tokenCapacity: Int = 0) {
    precondition(dimension > 0 && tokenCapacity >= 0, "shape of a batch")
    self.dimension = dimension
    storage = FloatStorage(count: dimension * tokenCapacity)
  }

  /// Number of images.
  public var count: Int { offsets.count - 1 }

  /// Number of tokens of all images.
  public var tokenCount: Int { offsets[offsets.count - 1] }

  /// Forgets all images.
  public mutating func removeAll() {
    offsets.removeLast(offsets.count - 1)
  }

  /// Adds one image.
  /// - Precondition: `tokens` has the batch's dimension.
  public mutating func append(_ tokens: TokenMatrix) {
    precondition(tokens.dimension == dimension, "one dimension per batch")
    append(rows: tokens.elements[...], tokenCount: tokens.tokenCount)
  }

  /// Adds one image whose rows, normalised, are `rows`.
  /// - Precondition: `rows.count == tokenCount * dimension`.
  public mutating func append(rows: ArraySlice<Float>, tokenCount count: Int) {
    precondition(rows.count == count * dimension, "element count of an image's rows")
    append(tokenCount: count) { floats in
      _ = floats.update(fromContentsOf: rows)
    }
  }

  /// Adds one image whose rows `fill` writes: `tokenCount × dimension` floats, row-major.
  ///
  /// Nothing is added when `fill` throws.
  package mutating func append<E: Error>(
    tokenCount count: Int, fill: (UnsafeMutableBufferPointer<Float>) throws(E) -> Void
  ) throws(E) {
    precondition(count >= 0, "count of tokens")
    let start = tokenCount
    reserve(start + count)
    try storage.withMutableFloats(start * dimension..<(start + count) * dimension, fill)
    offsets.append(start + count)
  }

  private mutating func reserve(_ tokens: Int) {
    guard tokens * dimension > storage.count else { return }
    let grown = FloatStorage(count: max(tokens, 2 * tokenCount) * dimension)
    grown.copy(from: storage, count: tokenCount * dimension)
    storage = grown
  }

  /// All rows, `(tokenCount, dimension)`.
  var matrix: Matrix {
    Matrix(storage: storage, rowCount: tokenCount, columnCount: dimension)
  }
}
