/// The bytes of an item's pooled vector, version 1, little-endian.
///
/// | bytes | meaning |
/// | --- | --- |
/// | 1 | version |
/// | 1 | encoding: 1 is half precision |
/// | 2 | zero |
/// | 4 | dimension |
/// | 2 each | values |
/// | 4 | CRC-32 of everything before |
enum PooledCodec {
  private static let version: UInt8 = 1
  private static let encoding: UInt8 = 1
  private static let headerByteCount = 8

  /// The stored bytes of `values`.
  static func encode(_ values: [Float]) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(version)
    writer.append(encoding)
    writer.append(UInt16(0))
    writer.append(UInt32(values.count))
    for value in values { writer.append(HalfPlanes.bits(ofHalf: value)) }
    writer.append(Checksum.crc32(writer.bytes.span, count: writer.bytes.count))
    return writer.bytes
  }

  /// Writes the values behind `bytes` into `buffer` from `offset` on and returns their number.
  ///
  /// The buffer grows when it is too short and never shrinks.
  static func decode(
    _ bytes: Span<UInt8>, into buffer: inout [Float], at offset: Int
  ) throws(Damage) -> Int {
    guard bytes.count >= headerByteCount + 4 else { throw .endsEarly }
    guard bytes[0] == version else {
      if bytes[0] > version { throw .newerVersion(bytes[0]) }
      throw .impossible(.version)
    }
    let end = bytes.count - 4
    guard Checksum.crc32(bytes, count: end) == UInt32(littleEndian: bytes, at: end) else {
      throw .checksum
    }
    guard bytes[1] == encoding, bytes[2] == 0, bytes[3] == 0 else { throw .impossible(.encoding) }
    let count = Int(UInt32(littleEndian: bytes, at: 4))
    guard end - headerByteCount == 2 * count else { throw .impossible(.shape) }
    buffer.grow(to: offset + count, with: 0)
    for index in 0..<count {
      let byte = headerByteCount + 2 * index
      buffer[offset + index] = HalfPlanes.value(
        ofHalf: UInt32(bytes[byte]) | UInt32(bytes[byte + 1]) << 8)
    }
    return count
  }
}

extension UInt64 {
  /// The number whose eight bytes lie at `offset`, the least significant one first.
  init(littleEndian bytes: Span<UInt8>, at offset: Int) {
    self =
      UInt64(UInt32(littleEndian: bytes, at: offset))
      | UInt64(UInt32(littleEndian: bytes, at: offset + 4)) << 32
  }
}

extension UInt32 {
  /// The number whose four bytes lie at `offset`, the least significant one first.
  init(littleEndian bytes: Span<UInt8>, at offset: Int) {
    self =
      UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]) << 16
      | UInt32(bytes[offset + 3]) << 24
  }
}

extension PooledCodec {
  /// The same, with an error that names the item.
  static func decode(
    _ bytes: Span<UInt8>, of id: ItemID, into buffer: inout [Float], at offset: Int
  ) throws(StoreError) -> Int {
    do throws(Damage) {
      return try decode(bytes, into: &buffer, at: offset)
    } catch {
      throw StoreError(error, in: "the pooled vector of item \(id)")
    }
  }
}
