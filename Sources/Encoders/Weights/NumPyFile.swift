/// A memory-mapped `.npy` file: one array, as `numpy.save` writes it.
///
/// Layout: `\x93NUMPY`, two version bytes, the header's length (2 bytes in version 1, 4 in 2 and 3,
/// little-endian), the header (a Python dictionary of `descr`, `fortran_order` and `shape`), then
/// the elements. Little-endian floats of 16 or 32 bits and integers of 32 or 64 bits in C order are
/// read; everything else is refused by its name. Nothing in the file is trusted.
package enum NumPyFile {
  /// The bytes every file begins with.
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// The longest header that is read; ten times NumPy's own limit.
  private static let headerLimit = 100_000

  /// Whether the name ends in `.npy`.
  package static func hasName(_ path: String) -> Bool { path.hasSuffix(".npy") }

  /// Opens and checks the array in the file at `path`.
  ///
  /// - Throws: `.unreadableFile`; `.malformedFile` when the header is damaged or its shape is not
  ///   that of the bytes that follow; `.unsupportedElementType` for other numbers than the above.
  package static func open(_ path: String) throws(EncoderError) -> StoredTensor {
    let file = try MappedFile(path: path)
    let headerRange = try self.headerRange(of: file)
    var reader = NumPyHeaderReader(Array(file.bytes[headerRange]))
    guard let header = reader.read() else {
      throw EncoderError.malformed(path, "the header is no description of an array")
    }
    if header.isFortranOrder, header.shape.count > 1 {
      throw EncoderError(
        .malformedFile,
        "\(path): the array is in Fortran order; save numpy.ascontiguousarray(array) instead")
    }
    let elementType = try elementType(of: header.type, path: path)
    guard let byteCount = byteCount(of: header.shape, elementType) else {
      throw EncoderError.malformed(path, "the shape \(describe(shape: header.shape)) is impossible")
    }
    let presentCount = file.bytes.count - headerRange.upperBound
    guard byteCount == presentCount else {
      throw EncoderError.malformed(
        path,
        "\(presentCount) bytes follow the header, not the \(byteCount) of \(elementType) "
          + describe(shape: header.shape))
    }
    return StoredTensor(
      TensorDescription(
        name: "array", elementType: elementType, shape: header.shape,
        byteRange: headerRange.upperBound..<file.bytes.count),
      in: file)
  }

  /// The bytes that precede the elements of an array in C order, as NumPy itself writes them:
  /// version 1.0, padded to a multiple of 64 bytes.
  ///
  /// - Precondition: `type` is one that is read here.
  package static func header(_ elementType: TensorElementType, shape: [Int]) -> [UInt8] {
    let types = ["F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"]
    guard let type = types[elementType.name] else { preconditionFailure("element type of .npy") }
    let extents = shape.map { "\($0)," }.joined(separator: " ")
    let tuple = shape.count == 1 ? "(\(extents))" : "(\(extents.dropLast()))"
    var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(tuple), }"
    text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
    let length = text.utf8.count
    return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
  }

  /// Where the header's text lies.
  private static func headerRange(of file: MappedFile) throws(EncoderError) -> Range<Int> {
    let bytes = file.bytes
    guard bytes.count >= 10, bytes.prefix(magic.count).elementsEqual(magic) else {
      throw EncoderError.malformed(file.path, "it does not begin like a .npy file")
    }
    let version = bytes[6]
    guard (1...3).contains(version), bytes[7] == 0 else {
      throw EncoderError(
        .malformedFile,
        "\(file.path): version \(version).\(bytes[7]) of the .npy format is not known; save it "
          + "with numpy.save")
    }
    let start = version == 1 ? 10 : 12
    guard bytes.count >= start else {
      throw EncoderError.malformed(file.path, "it ends inside the header")
    }
    let length = (8..<start).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
    guard length <= headerLimit, length <= bytes.count - start else {
      throw EncoderError.malformed(file.path, "a header of \(length) bytes does not fit the file")
    }
    return start..<start + length
  }

  private static func elementType(
    of name: String, path: String
  ) throws(EncoderError) -> TensorElementType {
    switch name {
    case "<f4": return .float32
    case "<f2": return .float16
    case "<i8": return .int64
    case "<i4": return .int32
    default:
      throw EncoderError(
        .unsupportedElementType,
        "\(path): elements of type \(name) are not read; save them as little-endian float32, "
          + "float16, int64 or int32 (array.astype)")
    }
  }

  /// Bytes of the elements, or `nil` when they, or those of one row of an array without rows, are
  /// too many to count.
  private static func byteCount(of shape: [Int], _ elementType: TensorElementType) -> Int? {
    guard !describesTooMany(shape: shape) else { return nil }
    return shape.reduce(elementType.byteCount ?? 1, *)
  }
}

/// What a header says.
private struct NumPyHeader {
  var type: String
  var isFortranOrder: Bool
  var shape: [Int]
}

/// Reads the one form of Python dictionary that NumPy writes.
private struct NumPyHeaderReader {
  private let bytes: [UInt8]
  private var index = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The header, or `nil` when it is anything else.
  mutating func read() -> NumPyHeader? {
    var type: String?
    var order: Bool?
    var shape: [Int]?
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = string(), take(":") else { return nil }
      switch key {
      case "descr" where type == nil:
        // A list here describes records: named as a whole, so that the refusal can say it.
        type = string() ?? record()
        if type == nil { return nil }
      case "fortran_order" where order == nil:
        if take("True") { order = true } else if take("False") { order = false } else { return nil }
      case "shape" where shape == nil:
        shape = tuple()
        if shape == nil { return nil }
      default: return nil
      }
      guard take(",") || peek() == UInt8(ascii: "}") else { return nil }
    }
    skipSpaces()
    guard index == bytes.count, let type, let order, let shape else { return nil }
    return NumPyHeader(type: type, isFortranOrder: order, shape: shape)
  }

  private mutating func skipSpaces() {
    while index < bytes.count, [0x20, 0x0A].contains(bytes[index]) { index += 1 }
  }

  private mutating func peek() -> UInt8? {
    skipSpaces()
    return index < bytes.count ? bytes[index] : nil
  }

  private mutating func take(_ text: String) -> Bool {
    skipSpaces()
    guard bytes[index...].starts(with: text.utf8) else { return false }
    index += text.utf8.count
    return true
  }

  /// A string in single or double quotes, without escapes.
  private mutating func string() -> String? {
    guard let quote = peek(), [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(quote),
      let end = bytes[(index + 1)...].firstIndex(of: quote)
    else { return nil }
    let content = bytes[index + 1..<end]
    guard !content.contains(UInt8(ascii: "\\")) else { return nil }
    index = end + 1
    return String(validating: content, as: UTF8.self)
  }

  /// A list up to its closing bracket, as written, at most some 60 characters of it.
  private mutating func record() -> String? {
    guard peek() == UInt8(ascii: "[") else { return nil }
    let start = index
    var depth = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "[") { depth += 1 }
      if bytes[index] == UInt8(ascii: "]") { depth -= 1 }
      index += 1
      if depth == 0 { break }
    }
    guard depth == 0 else { return nil }
    return String(decoding: bytes[start..<min(index, start + 60)], as: UTF8.self)
  }

  /// `()`, `(3,)`, `(3, 4)`: counts.
  private mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var extents: [Int] = []
    while !take(")") {
      guard let extent = count() else { return nil }
      extents.append(extent)
      if take(",") { continue }
      // Without a comma a single number in brackets is no tuple.
      guard extents.count > 1, take(")") else { return nil }
      return extents
    }
    return extents
  }

  private mutating func count() -> Int? {
    skipSpaces()
    let digits = bytes[index...].prefix { (0x30...0x39).contains($0) }
    guard !digits.isEmpty, let count = Int(String(decoding: digits, as: UTF8.self)) else {
      return nil
    }
    index += digits.count
    return count
  }
}
