/// A 128-bit hash of a file's bytes: equal files have equal hashes.
public struct ContentHash: Hashable, Sendable {
  /// The upper 64 bits.
  public let high: UInt64
  /// The lower 64 bits.
  public let low: UInt64

  /// A hash from its halves.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// A hash from 16 bytes, the most significant one first.
  ///
  /// - Returns: `nil` for any other number of bytes.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    self.init(
      high: StoreLayout.bigEndian(bytes.span, at: 0), low: StoreLayout.bigEndian(bytes.span, at: 8))
  }

  /// The 16 bytes, the most significant one first.
  public var bytes: [UInt8] { StoreLayout.bigEndian(high) + StoreLayout.bigEndian(low) }
}

extension ContentHash: CustomStringConvertible {
  /// 32 hexadecimal digits.
  public var description: String { Self.digits(high) + Self.digits(low) }

  private static func digits(_ half: UInt64) -> String {
    let digits = String(half, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
