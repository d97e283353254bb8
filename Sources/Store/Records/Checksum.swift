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

  private static let crc32Table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in
      value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1
    }
  }
}
