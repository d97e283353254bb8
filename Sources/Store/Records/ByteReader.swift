/// Takes little-endian values off the front of bytes that may be damaged.
///
/// Every step checks that the bytes suffice and throws where they do not.
struct ByteReader {
  private let bytes: [UInt8]
  private var position = 0
  private let end: Int

  /// Reads the first `count` of `bytes`.
  init(_ bytes: [UInt8], count: Int) {
    precondition(count <= bytes.count, "byte count of a reader")
    self.bytes = bytes
    end = count
  }

  /// Bytes not yet taken.
  var remainingCount: Int { end - position }

  /// The next `count` bytes.
  mutating func take(_ count: Int) throws(Damage) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remainingCount else { throw .endsEarly }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// The next integer of the given width.
  mutating func integer<Value: FixedWidthInteger>(
    _ type: Value.Type = Value.self
  ) throws(Damage) -> Value {
    var value: Value = 0
    for byte in try take(Value.bitWidth / 8).reversed() {
      value = value << 8 | Value(truncatingIfNeeded: byte)
    }
    return value
  }

  /// The next floating-point number.
  mutating func double() throws(Damage) -> Double { Double(bitPattern: try integer()) }
}

/// Appends little-endian values to bytes.
struct ByteWriter {
  /// What was written so far.
  private(set) var bytes: [UInt8] = []

  /// Appends `value`, the least significant byte first.
  mutating func append(_ value: some FixedWidthInteger) {
    for shift in stride(from: 0, to: type(of: value).bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  /// Appends the bits of `value`.
  mutating func append(_ value: Double) { append(value.bitPattern) }

  /// Appends bytes as they are.
  mutating func append(contentsOf other: some Collection<UInt8>) { bytes += other }
}
