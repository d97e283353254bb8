internal import FilipLinearAlgebra

/// A tensor of a mapped file, read a few rows at a time.
///
/// Rows go along the first extent; the elements of a row are all others together. Nothing is loaded
/// before it is asked for, and what was read may be dropped by the system again, so a tensor larger
/// than the memory can be walked through.
package struct StoredTensor: Sendable {
  /// Name, number format, shape and place in the file.
  package let description: TensorDescription
  private let file: MappedFile

  /// A tensor whose byte range lies inside `file` and fits its shape.
  init(_ description: TensorDescription, in file: MappedFile) {
    self.description = description
    self.file = file
  }

  /// Where the file lies.
  package var path: String { file.path }
  /// Extents, outermost first.
  package var shape: [Int] { description.shape }
  /// The first extent; 1 for a single number.
  package var rowCount: Int { shape.first ?? 1 }
  /// Elements of one row.
  package var rowWidth: Int { shape.dropFirst().reduce(1, *) }

  /// The rows of `range` as floats, row-major.
  ///
  /// - Precondition: the range lies inside the tensor.
  /// - Throws: `.unsupportedElementType` for anything but F32, F16 and BF16.
  package func floats(_ range: Range<Int>) throws(EncoderError) -> [Float] {
    let format = try floatFormat
    let matrix = Matrix(rowCount: range.count, columnCount: rowWidth)
    withBytes(of: range, elementByteCount: format.byteCount) { matrix.decode($0, as: format) }
    return matrix.elements
  }

  /// The rows of `range` as integers, row-major.
  ///
  /// - Precondition: the range lies inside the tensor.
  /// - Throws: `.unsupportedElementType` for anything but I64 and I32.
  package func integers(_ range: Range<Int>) throws(EncoderError) -> [Int] {
    let width = description.elementType == .int64 ? 8 : 4
    guard [.int64, .int32].contains(description.elementType) else {
      throw unsupported("I64 or I32")
    }
    return withBytes(of: range, elementByteCount: width) { bytes in
      (0..<bytes.byteCount / width).map { index in
        let offset = index * width
        // Safe because the offset is that of one of the elements, and any bits are an integer.
        return width == 8
          ? Int(
            Int64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Int64.self)))
          : Int(
            Int32(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Int32.self)))
      }
    }
  }

  /// Whether the numbers are IEEE binary16.
  package var isHalfPrecision: Bool { description.elementType == .float16 }

  /// Makes sure that `floats` will not throw.
  ///
  /// - Throws: `.unsupportedElementType` for anything but F32, F16 and BF16.
  package func requireFloats() throws(EncoderError) { _ = try floatFormat }

  private var floatFormat: FloatFormat {
    get throws(EncoderError) {
      switch description.elementType {
      case .float32: return .float32
      case .float16: return .float16
      case .brainFloat16: return .brainFloat16
      default: throw unsupported("F32, F16 or BF16")
      }
    }
  }

  private func withBytes<Result>(
    of rows: Range<Int>, elementByteCount: Int, _ body: (RawSpan) -> Result
  ) -> Result {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "range of rows")
    let rowByteCount = rowWidth * elementByteCount
    let start = description.byteRange.lowerBound
    let range = start + rows.lowerBound * rowByteCount..<start + rows.upperBound * rowByteCount
    // Safe because the tensor's range lies inside the mapping, which `file` keeps alive.
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
    return withExtendedLifetime(file) { body(bytes.bytes) }
  }

  private func unsupported(_ expected: String) -> EncoderError {
    EncoderError(
      .unsupportedElementType,
      "\(path): tensor \(description.name) is stored as \(description.elementType), expected "
        + "\(expected); convert it")
  }
}
