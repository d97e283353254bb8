internal import FilipLinearAlgebra

/// A tensor of a mapped file under the name that a model knows it by: as it lies there, some of its
/// rows, or its transpose.
///
/// Nothing is read before it is asked for. Elements are counted row-major in `shape`, in whatever
/// order they lie in the file.
struct TensorView: Sendable {
  /// What the model calls it.
  private(set) var name: String
  /// What the file calls it, or the tensor that it is a part of.
  let storedName: String
  /// How its numbers are stored.
  let elementType: TensorElementType
  /// Its extents, outermost first; empty for a single number.
  private(set) var shape: [Int]
  private let file: MappedFile
  /// Elements from one index of an extent to the next.
  private var strides: [Int]
  /// The first element's byte in the file.
  private var start: Int
  /// Bytes of all elements; of use only when they lie in order.
  private var byteCount: Int

  /// Number of elements: the product of the extents.
  var elementCount: Int { shape.reduce(1, *) }
  /// Where the file lies.
  var path: String { file.path }

  /// A tensor whose byte range lies inside `file` and fits its shape, in order.
  init(_ description: TensorDescription, in file: MappedFile) {
    name = description.name
    storedName = description.name
    elementType = description.elementType
    shape = description.shape
    strides = Self.denseStrides(of: shape)
    start = description.byteRange.lowerBound
    byteCount = description.byteRange.count
    self.file = file
  }

  /// A tensor whose element (i, j, …) is number `offset + i · strides[0] + j · strides[1] + …` of
  /// those in the bytes `storage` of `file`.
  ///
  /// `nil` when an element lies outside the storage, or when the tensor has more elements than it:
  /// then some stand for several, and no memory should be taken for them.
  /// - Precondition: `storage` lies inside the file; the element type has a size.
  init?(
    name: String, elementType: TensorElementType, shape: [Int], strides: [Int], offset: Int,
    storage: Range<Int>, file: MappedFile
  ) {
    guard let width = elementType.byteCount else { preconditionFailure("element type with a size") }
    precondition(storage.upperBound <= file.bytes.count, "storage inside its file")
    let available = storage.count / width
    guard shape.count == strides.count, offset >= 0, offset <= available,
      shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }),
      !describesTooMany(shape: shape), shape.reduce(1, *) <= available
    else { return nil }
    var last = offset
    if !shape.contains(0) {
      for (extent, stride) in zip(shape, strides) {
        let (reach, isTooFar) = (extent - 1).multipliedReportingOverflow(by: stride)
        guard !isTooFar, reach <= available - last else { return nil }
        last += reach
      }
      guard last < available else { return nil }
    }
    self.name = name
    storedName = name
    self.elementType = elementType
    self.shape = shape
    self.strides = strides
    start = storage.lowerBound + offset * width
    byteCount = shape.reduce(width, *)
    self.file = file
  }

  private static func denseStrides(of shape: [Int]) -> [Int] {
    var strides: [Int] = []
    var stride = 1
    for extent in shape.reversed() {
      strides.append(stride)
      stride *= max(1, extent)
    }
    return strides.reversed()
  }

  /// Whether the elements lie in the file in their order, without gaps.
  private var isDense: Bool {
    let dense = Self.denseStrides(of: shape)
    return shape.contains(0)
      || shape.indices.allSatisfy { shape[$0] == 1 || strides[$0] == dense[$0] }
  }

  // MARK: - Windows

  /// The same under another name.
  func renamed(_ name: String) -> TensorView {
    var view = self
    view.name = name
    return view
  }

  /// The indices `range` of the first extent.
  ///
  /// - Precondition: there is such an extent, and the elements have a size.
  func rows(_ range: Range<Int>) -> TensorView {
    guard let width = elementType.byteCount else { preconditionFailure("element type with a size") }
    precondition(range.lowerBound >= 0 && range.upperBound <= shape[0], "range of rows")
    var view = self
    // Without elements the extents may be too large to count with, and there is nowhere to go.
    if !shape.contains(0) { view.start += range.lowerBound * strides[0] * width }
    view.shape[0] = range.count
    view.byteCount = view.shape.reduce(width, *)
    return view
  }

  /// A matrix with rows and columns exchanged.
  ///
  /// - Precondition: there are two extents, and the elements have a size.
  func transposed() -> TensorView {
    precondition(shape.count == 2 && elementType.byteCount != nil, "a matrix")
    var view = self
    view.shape.reverse()
    view.strides.reverse()
    return view
  }

  // MARK: - Reading

  /// The floats, row-major, in place when they are stored so as 32-bit floats on a 4-byte boundary;
  /// otherwise converted.
  ///
  /// A tensor (n, …) becomes n rows; a vector or a single number becomes one.
  /// - Throws: `.unsupportedElementType`.
  func matrix() throws(EncoderError) -> Matrix {
    let format = try floatFormat
    let rowCount = shape.count > 1 ? shape[0] : 1
    let columnCount = rowCount == 0 ? 0 : elementCount / rowCount
    if isDense, format == .float32, let address = file.bytes.baseAddress.map({ $0 + start }),
      Int(bitPattern: address) % 4 == 0
    {
      // Safe because the bytes are inside the mapping, aligned, and the storage keeps it alive.
      let floats = address.assumingMemoryBound(to: Float.self)
      let storage = FloatStorage(borrowing: floats, count: elementCount, owner: file)
      return Matrix(storage: storage, rowCount: rowCount, columnCount: columnCount)
    }
    let matrix = Matrix(rowCount: rowCount, columnCount: columnCount)
    guard columnCount > 0 else { return matrix }
    if isDense {
      withStoredBytes { matrix.decode($0, as: format) }
    } else {
      for row in 0..<rowCount {
        let bytes = bytes(ofElements: row * columnCount..<(row + 1) * columnCount)
        matrix.rows(row..<row + 1).decode(bytes.span.bytes, as: format)
      }
    }
    return matrix
  }

  /// Lets the system take back the memory of a tensor that is not needed for now; of one whose
  /// elements do not lie in order nothing.
  func release() {
    if isDense { file.release(start..<start + byteCount) }
  }

  /// Copies row `index` of a matrix to `target`, (1, columns).
  ///
  /// - Precondition: there are two extents, and the numbers are of `format`.
  func copyRow(_ index: Int, as format: FloatFormat, to target: Matrix) {
    precondition(shape.count == 2 && index >= 0 && index < shape[0], "row index")
    let row = rows(index..<index + 1)
    if row.isDense {
      row.withStoredBytes { target.decode($0, as: format) }
    } else {
      target.decode(row.bytes(ofElements: 0..<shape[1]).span.bytes, as: format)
    }
  }

  /// Up to `count` bytes of elements from either end, in the order of the elements; nothing when
  /// the elements have no size.
  func edges(byteCount count: Int) -> (first: [UInt8], last: [UInt8]) {
    guard let width = elementType.byteCount else { return ([], []) }
    let edge = min(elementCount, count / width)
    guard isDense else {
      return (bytes(ofElements: 0..<edge), bytes(ofElements: elementCount - edge..<elementCount))
    }
    return withStoredBytes { bytes in
      (
        bytes.extracting(first: edge * width).withUnsafeBytes { Array($0) },
        bytes.extracting(last: edge * width).withUnsafeBytes { Array($0) }
      )
    }
  }

  /// How to read the numbers as floats.
  ///
  /// - Throws: `.unsupportedElementType` for integers, doubles and 8-bit floats.
  var floatFormat: FloatFormat {
    get throws(EncoderError) {
      switch elementType {
      case .float32: return .float32
      case .float16: return .float16
      case .brainFloat16: return .brainFloat16
      default:
        throw EncoderError(
          .unsupportedElementType,
          "\(path): tensor \(storedName) is stored as \(elementType), expected F32, F16 or BF16; "
            + "convert the checkpoint to one of these")
      }
    }
  }

  /// The stored bytes of a dense tensor.
  private func withStoredBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
    // Safe because the bytes lie inside the mapping, which `file` keeps alive.
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[start..<start + byteCount])
    return withExtendedLifetime(file) { body(bytes.bytes) }
  }

  /// The bytes of some elements, put into their order.
  ///
  /// - Complexity: elements · extents.
  private func bytes(ofElements range: Range<Int>) -> [UInt8] {
    guard let width = elementType.byteCount else { return [] }
    return withExtendedLifetime(file) {
      [UInt8](unsafeUninitializedCapacity: range.count * width) { target, count in
        for (position, index) in range.enumerated() {
          var rest = index
          var offset = start
          for axis in shape.indices.reversed() {
            offset += rest % shape[axis] * strides[axis] * width
            rest /= shape[axis]
          }
          for byte in 0..<width {
            // Safe because the initialiser made sure that every element lies inside the mapping.
            target.initializeElement(at: position * width + byte, to: file.bytes[offset + byte])
          }
        }
        count = range.count * width
      }
    }
  }
}
