/// Checksums over short values; zstd brings its own for the long ones.
enum Checksum {
  /// CRC-32 of the first `count` bytes: finds every change of up to 32 bits in a row.
  ///
  /// The polynomial is that of zlib and PNG (ISO 3309).
  static func crc32(_ bytes: Span<UInt8>, count: Int) -> UInt32 {
    var crc = ~UInt32(0)
    for index in 0..<count {
      crc = crc32Table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[index])] ^ crc >> 8
    }
    return ~crc
  }

  /// The 128-bit FNV-1a hash; good enough where collisions are looked for and handled.
  static func fnv1a(_ bytes: [UInt8]) -> UInt128 {
    var hash: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D
    for byte in bytes { hash = (hash ^ UInt128(byte)) &* 0x0100_0000_0000_0000_0000_013B }
    return hash
  }

  /// A 64-bit checksum of long values: finds every change that lies within eight bytes in a row
  /// from a multiple of eight on, and others but for one in 2⁶⁴.
  ///
  /// From `h` = the byte count on, every little-endian word `w` makes `h` into
  /// `(h ^ w) · 0x9E3779B97F4A7C15` and then `h ^ h >> 32`, modulo 2⁶⁴. Each step can be undone, so
  /// a difference never disappears. The last word is what is left after whole ones, none to seven
  /// bytes, filled up with zeros; the whole one at `skipped`, a multiple of eight, is left out.
  static func mixed64(_ bytes: Span<UInt8>, skippingWordAt skipped: Int) -> UInt64 {
    let end = bytes.count - bytes.count % 8
    let words = bytes.bytes
    var hash = UInt64(bytes.count)
    for offset in stride(from: 0, to: end, by: 8) where offset != skipped {
      // Safe because the offset lies at least eight bytes before the end.
      let word = unsafe words.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
      hash = mix(hash, UInt64(littleEndian: word))
    }
    var rest: UInt64 = 0
    for index in end..<bytes.count { rest |= UInt64(bytes[index]) << (8 * UInt64(index - end)) }
    return mix(hash, rest)
  }

  /// Whether the `mixed64` checksums at `offset` of four values of one length are theirs.
  ///
  /// A step of a checksum waits for the one before. Those of several values do not wait for each
  /// other: four take as long as one.
  /// - Precondition: the values are as long as each other, a multiple of eight bytes.
  static func areSealed(
    _ first: Span<UInt8>, _ second: Span<UInt8>, _ third: Span<UInt8>, _ fourth: Span<UInt8>,
    at offset: Int
  ) -> Bool {
    let count = first.count
    precondition(
      count.isMultiple(of: 8) && count >= offset + 8 && second.count == count
        && third.count == count && fourth.count == count, "values of one length")
    let seed = UInt64(count)
    var hashes = (seed, seed, seed, seed)
    let (a, b, c, d) = (first.bytes, second.bytes, third.bytes, fourth.bytes)
    for position in stride(from: 0, to: count, by: 8) where position != offset {
      // Safe because the position lies at least eight bytes before the end of each.
      let words = unsafe (
        a.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self),
        b.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self),
        c.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self),
        d.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self)
      )
      hashes.0 = mix(hashes.0, UInt64(littleEndian: words.0))
      hashes.1 = mix(hashes.1, UInt64(littleEndian: words.1))
      hashes.2 = mix(hashes.2, UInt64(littleEndian: words.2))
      hashes.3 = mix(hashes.3, UInt64(littleEndian: words.3))
    }
    return mix(hashes.0, 0) == UInt64(littleEndian: first, at: offset)
      && mix(hashes.1, 0) == UInt64(littleEndian: second, at: offset)
      && mix(hashes.2, 0) == UInt64(littleEndian: third, at: offset)
      && mix(hashes.3, 0) == UInt64(littleEndian: fourth, at: offset)
  }

  /// Writes the `mixed64` checksum of `bytes` into them, at `offset`.
  static func seal(_ bytes: inout [UInt8], at offset: Int) {
    let checksum = mixed64(bytes.span, skippingWordAt: offset)
    for index in 0..<8 {
      bytes[offset + index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt64(index)))
    }
  }

  /// Whether the checksum at `offset` of `bytes` is theirs.
  static func isSealed(_ bytes: Span<UInt8>, at offset: Int) -> Bool {
    guard bytes.count >= offset + 8 else { return false }
    return UInt64(littleEndian: bytes, at: offset) == mixed64(bytes, skippingWordAt: offset)
  }

  private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
    let product = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
    return product ^ product >> 32
  }

  private static let crc32Table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in
      value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1
    }
  }
}
