/// One entry of a weight file's table: what a tensor is and where its bytes lie.
package struct TensorDescription: Sendable, Hashable {
  /// Its name in the file.
  package let name: String
  /// How its numbers are stored.
  package let elementType: TensorElementType
  /// Its extents, outermost first; empty for a single number.
  package let shape: [Int]
  /// Its bytes, counted from the start of the file.
  package let byteRange: Range<Int>

  /// Number of elements: the product of the extents.
  package var elementCount: Int { shape.reduce(1, *) }
}

/// `[3, 16]` as people write it.
func describe(shape: [Int]) -> String {
  "(" + shape.map { String($0) }.joined(separator: ", ") + ")"
}

/// Whether the extents other than zero, of elements of up to 8 bytes, make more bytes than can be
/// counted. A tensor of such a shape may be empty, but its rows could not be spoken of.
func describesTooMany(shape: [Int]) -> Bool {
  var count = 8
  for extent in shape {
    let product = count.multipliedReportingOverflow(by: max(1, extent))
    if product.overflow { return true }
    count = product.partialValue
  }
  return false
}
