/// A value of the table `meta` with its checksum: the bytes, then their CRC-32.
///
/// Other tables can be compared with each other; of a number or a name that stands only once,
/// nothing but a checksum tells whether it is what was written. The format marker is the same
/// in every format and has none, nor has the program's name; the codebook has its own.
enum MetaValue {
  private static let checksumByteCount = 4

  /// The stored bytes of `value`.
  static func seal(_ value: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(contentsOf: value)
    writer.append(Checksum.crc32(value.span, count: value.count))
    return writer.bytes
  }

  /// The stored bytes of a number.
  static func seal(_ number: UInt64) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(number)
    return seal(writer.bytes)
  }

  /// The value behind stored bytes.
  static func open(_ bytes: [UInt8]) throws(Damage) -> [UInt8] {
    let count = bytes.count - checksumByteCount
    guard count >= 0 else { throw .endsEarly }
    guard Checksum.crc32(bytes.span, count: count) == UInt32(littleEndian: bytes.span, at: count)
    else { throw .checksum }
    return Array(bytes[..<count])
  }

  /// The number behind stored bytes.
  static func number(_ bytes: [UInt8]) throws(Damage) -> UInt64 {
    let value = try open(bytes)
    guard value.count == 8 else { throw .impossible(.number) }
    return UInt64(littleEndian: value.span, at: 0)
  }

  /// The text behind stored bytes.
  static func text(_ bytes: [UInt8]) throws(Damage) -> String {
    guard let text = String(validating: try open(bytes), as: UTF8.self) else {
      throw .impossible(.text)
    }
    return text
  }
}
