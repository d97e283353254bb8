package import FilipLinearAlgebra

/// A memory-mapped `.safetensors` file.
///
/// Layout: 8 bytes with the header's length (little-endian), the header (a JSON object from tensor
/// name to `dtype`, `shape` and `data_offsets`), then the data. Nothing in the file is trusted:
/// every number is checked when the file is opened, so reading a listed tensor cannot leave it.
package final class SafetensorsFile: Sendable {
  /// Where the file lies.
  package var path: String { file.path }
  /// All tensors, by name.
  package let tensors: [String: TensorDescription]
  /// The free text entries that the file's writer left, if any.
  package let metadata: [String: String]

  private let file: MappedFile

  /// The longest header that is read, as in the format's own library.
  private static let headerLimit = 100_000_000

  /// Opens and checks the file at `path`.
  ///
  /// - Throws: `.unreadableFile`; `.malformedFile` when the header is damaged or speaks of bytes
  ///   that are not there.
  package init(path: String) throws(EncoderError) {
    file = try MappedFile(path: path)
    let header = try Self.header(of: file)
    let dataStart = 8 + header.byteCount
    var tensors: [String: TensorDescription] = [:]
    var metadata: [String: String] = [:]
    for member in header.object.members {
      if member.key == "__metadata__" {
        for entry in member.value.object?.members ?? [] {
          metadata[entry.key] = entry.value.string
        }
        continue
      }
      let entry = TensorEntry(name: member.key, value: member.value, path: path)
      tensors[member.key] = try entry.description(
        dataStart: dataStart, dataByteCount: file.bytes.count - dataStart)
    }
    self.tensors = tensors
    self.metadata = metadata
  }

  private static func header(
    of file: MappedFile
  ) throws(EncoderError) -> (object: JSONObject, byteCount: Int) {
    let bytes = file.bytes
    guard bytes.count >= 8 else {
      throw EncoderError.malformed(file.path, "too short for a safetensors file")
    }
    var length: UInt64 = 0
    for index in (0..<8).reversed() { length = length << 8 | UInt64(bytes[index]) }
    guard length >= 2, length <= UInt64(headerLimit), length <= UInt64(bytes.count - 8) else {
      throw EncoderError.malformed(file.path, "a header of \(length) bytes does not fit the file")
    }
    let count = Int(length)
    do throws(JSONError) {
      let value = try JSONValue(parsing: Array(bytes[8..<8 + count]))
      guard let object = value.object else { throw JSONError(.wrongType, at: 0) }
      return (object, count)
    } catch {
      throw EncoderError.malformed(file.path, "the header has \(error)")
    }
  }

  /// A tensor to be read a few rows at a time, or `nil` when there is none of the name.
  package func stored(_ name: String) -> StoredTensor? {
    tensors[name].map { StoredTensor($0, in: file) }
  }

  /// The stored bytes of a tensor of this file, through `body`.
  func withBytes<Result>(of tensor: TensorDescription, _ body: (RawSpan) -> Result) -> Result {
    // Safe because init checked that the range lies inside the mapping, which `file` keeps alive.
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[tensor.byteRange])
    return withExtendedLifetime(file) { body(bytes.bytes) }
  }

  /// The floats of a tensor, row-major, in place when they are stored as 32-bit floats on a
  /// 4-byte boundary; otherwise converted.
  ///
  /// A tensor (n, …) becomes n rows; a vector or a single number becomes one.
  /// - Throws: `.unsupportedElementType`.
  package func matrix(of tensor: TensorDescription) throws(EncoderError) -> Matrix {
    let format = try floatFormat(of: tensor)
    let rowCount = tensor.shape.count > 1 ? tensor.shape[0] : 1
    let columnCount = rowCount == 0 ? 0 : tensor.elementCount / rowCount
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[tensor.byteRange])
    if format == .float32, let start = bytes.baseAddress, Int(bitPattern: start) % 4 == 0 {
      // Safe because the bytes are inside the mapping, aligned, and the storage keeps it alive.
      let floats = start.assumingMemoryBound(to: Float.self)
      let storage = FloatStorage(borrowing: floats, count: tensor.elementCount, owner: file)
      return Matrix(storage: storage, rowCount: rowCount, columnCount: columnCount)
    }
    let matrix = Matrix(rowCount: rowCount, columnCount: columnCount)
    withBytes(of: tensor) { matrix.decode($0, as: format) }
    return matrix
  }

  /// Lets the system take back the memory of a tensor that is not needed for now.
  func release(_ tensor: TensorDescription) { file.release(tensor.byteRange) }

  /// How to read a tensor's numbers as floats.
  ///
  /// - Throws: `.unsupportedElementType` for integers, doubles and 8-bit floats.
  func floatFormat(of tensor: TensorDescription) throws(EncoderError) -> FloatFormat {
    switch tensor.elementType {
    case .float32: return .float32
    case .float16: return .float16
    case .brainFloat16: return .brainFloat16
    default:
      throw EncoderError(
        .unsupportedElementType,
        "\(path): tensor \(tensor.name) is stored as \(tensor.elementType), expected F32, F16 or "
          + "BF16; convert the checkpoint to one of these")
    }
  }
}

/// One member of a header, not yet believed.
private struct TensorEntry {
  let name: String
  let value: JSONValue
  let path: String

  func description(
    dataStart: Int, dataByteCount: Int
  ) throws(EncoderError) -> TensorDescription {
    guard let typeName = value["dtype"]?.string, let extents = value["shape"]?.array,
      let offsets = value["data_offsets"]?.array, offsets.count == 2
    else { throw problem("lacks its dtype, shape or data_offsets") }
    guard let begin = offsets[0].integer, let end = offsets[1].integer,
      begin >= 0, begin <= end, end <= dataByteCount
    else { throw problem("lies outside the file") }
    let elementType = TensorElementType(name: typeName)
    var shape: [Int] = []
    for extent in extents {
      guard let extent = extent.integer, let count = Int(exactly: extent), count >= 0 else {
        throw problem("has a shape that is not a list of counts")
      }
      shape.append(count)
    }
    guard !describesTooMany(shape: shape) else { throw problem("has an impossible shape") }
    if let width = elementType.byteCount {
      guard shape.reduce(width, *) == Int(end - begin) else {
        throw problem(
          "has \(end - begin) bytes, not those of \(elementType) \(describe(shape: shape))")
      }
    }
    return TensorDescription(
      name: name, elementType: elementType, shape: shape,
      byteRange: dataStart + Int(begin)..<dataStart + Int(end))
  }

  private func problem(_ text: String) -> EncoderError {
    EncoderError.malformed(path, "tensor \(name) \(text)")
  }
}
