/// Reads little-endian numbers from bytes that are not trusted: what lies outside them is `nil`.
struct ByteCursor {
  private let bytes: UnsafeRawBufferPointer
  /// Where the next number begins; may lie outside.
  var offset: Int

  /// Begins at `offset` of bytes that outlive the cursor.
  init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
    self.bytes = bytes
    self.offset = offset
  }

  /// The number at the offset, which moves behind it.
  mutating func next<Integer: FixedWidthInteger>(_: Integer.Type) -> Integer? {
    let width = Integer.bitWidth / 8
    guard let range = range(count: width) else { return nil }
    offset += width
    // Safe because the range lies inside the bytes, and any bits are an integer.
    return Integer(
      littleEndian: bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: Integer.self))
  }

  /// The `count` bytes at the offset, if they are there.
  func range(count: Int) -> Range<Int>? {
    guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else {
      return nil
    }
    return offset..<offset + count
  }

  /// The text of `count` bytes at the offset, which moves behind it; `nil` also when it is no
  /// UTF-8.
  mutating func text(count: Int) -> String? {
    guard let range = range(count: count) else { return nil }
    offset = range.upperBound
    return String(validating: bytes[range], as: UTF8.self)
  }
}
