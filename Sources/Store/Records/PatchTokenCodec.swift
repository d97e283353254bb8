/// The bytes of a map from patches to tokens: as few bits a patch as the largest token needs.
///
/// | bytes | meaning |
/// | --- | --- |
/// | 1 | bits a patch, 1…32 |
/// | 4 | number of patches |
/// | ⌈patches · bits / 8⌉ | the tokens, the first in the lowest bits; zero bits at the end |
///
/// 196 patches with 98 tokens take 177 bytes.
enum PatchTokenCodec {
  static func encode(_ tokens: [UInt32]) -> [UInt8] {
    let width = max(1, UInt32.bitWidth - (tokens.max() ?? 0).leadingZeroBitCount)
    var writer = ByteWriter()
    writer.append(UInt8(width))
    writer.append(UInt32(tokens.count))
    var (pending, pendingCount) = (UInt64(0), 0)
    for token in tokens {
      pending |= UInt64(token) << UInt64(pendingCount)
      pendingCount += width
      while pendingCount >= 8 {
        writer.append(UInt8(truncatingIfNeeded: pending))
        pending >>= 8
        pendingCount -= 8
      }
    }
    if pendingCount > 0 { writer.append(UInt8(truncatingIfNeeded: pending)) }
    return writer.bytes
  }

  /// The map behind `bytes`, for an item of `tokenCount` tokens.
  static func decode(_ bytes: [UInt8], tokenCount: Int) throws(Damage) -> [UInt32] {
    var reader = ByteReader(bytes, count: bytes.count)
    let width = Int(try reader.integer(UInt8.self))
    let count = Int(try reader.integer(UInt32.self))
    guard (1...32).contains(width), (count * width + 7) / 8 == reader.remainingCount else {
      throw .impossible(.patchTokens)
    }
    var tokens: [UInt32] = []
    tokens.reserveCapacity(count)
    var (pending, pendingCount) = (UInt64(0), 0)
    let mask = UInt64(1) << UInt64(width) - 1
    for _ in 0..<count {
      while pendingCount < width {
        pending |= UInt64(try reader.integer(UInt8.self)) << UInt64(pendingCount)
        pendingCount += 8
      }
      let token = UInt32(pending & mask)
      guard token < tokenCount else { throw .impossible(.patchTokens) }
      tokens.append(token)
      pending >>= UInt64(width)
      pendingCount -= width
    }
    guard pending == 0 else { throw .impossible(.patchTokens) }
    return tokens
  }
}
