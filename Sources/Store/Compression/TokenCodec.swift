public import FilipLateInteraction

/// The bytes of an item's tokens, version 1, little-endian.
///
/// | bytes | meaning |
/// | --- | --- |
/// | 1 | version |
/// | 1 | encoding: 1 is half precision in two planes |
/// | 1 | zstd's level; for whoever wonders, no reader needs it |
/// | 1 | number of the dictionary: 0, there is none |
/// | 4 + 4 | token count, dimension |
/// | 4 | bytes before compression |
/// | 4 | CRC-32 of the 16 bytes before |
/// | rest | one zstd frame with checksum: all low bytes, then all high bytes |
///
/// Half precision keeps a token's values to 2⁻¹¹ of their size; a token that was normalised comes
/// back with a length within 10⁻³ of one.
enum TokenCodec {
  static let version: UInt8 = 1
  static let encoding: UInt8 = 1
  static let headerByteCount = 20
  /// The most values that an item's tokens can have.
  static let largestElementCount = Int(UInt32.max) / 2

  /// The shape that a stored value claims, checked against its own length and checksum.
  static func shape(of bytes: Span<UInt8>) throws(Damage) -> TokenShape {
    guard bytes.count > headerByteCount else { throw .endsEarly }
    guard bytes[0] == version else {
      if bytes[0] > version { throw .newerVersion(bytes[0]) }
      throw .impossible(.version)
    }
    guard Checksum.crc32(bytes, count: 16) == UInt32(littleEndian: bytes, at: 16) else {
      throw .checksum
    }
    guard bytes[1] == encoding, bytes[3] == 0 else { throw .impossible(.encoding) }
    let shape = TokenShape(
      tokenCount: Int(UInt32(littleEndian: bytes, at: 4)),
      dimension: Int(UInt32(littleEndian: bytes, at: 8)))
    let (count, overflows) = shape.tokenCount.multipliedReportingOverflow(by: shape.dimension)
    guard !overflows, count <= largestElementCount,
      count * 2 == Int(UInt32(littleEndian: bytes, at: 12))
    else {
      throw .impossible(.shape)
    }
    // Four bytes of zstd make a block of at most 128 KiB: no memory for what claims to be more.
    guard count * 2 <= (bytes.count - headerByteCount) << 15 else { throw .impossible(.shape) }
    return shape
  }
}

/// How many tokens, and how wide.
public struct TokenShape: Hashable, Sendable {
  /// Number of rows.
  public var tokenCount: Int
  /// Number of columns.
  public var dimension: Int

  /// A shape of `tokenCount` rows of `dimension` values.
  public init(tokenCount: Int, dimension: Int) {
    self.tokenCount = tokenCount
    self.dimension = dimension
  }

  /// Number of values.
  public var elementCount: Int { tokenCount * dimension }
}

/// Turns tokens into stored bytes; its memory serves one item after the other.
struct TokenEncoder: ~Copyable {
  private var compressor = BlockCompressor()
  private var planes: [UInt8] = []

  /// The stored bytes of `tokens`.
  ///
  /// The same tokens give the same bytes with the same version of zstd.
  mutating func encode(_ tokens: TokenMatrix) throws(Damage) -> [UInt8] {
    let byteCount = 2 * tokens.elements.count
    guard tokens.elements.count <= TokenCodec.largestElementCount else { throw .impossible(.shape) }
    var writer = ByteWriter()
    writer.append(TokenCodec.version)
    writer.append(TokenCodec.encoding)
    writer.append(UInt8(BlockCompressor.levelNumber))
    writer.append(UInt8(0))
    writer.append(UInt32(tokens.tokenCount))
    writer.append(UInt32(tokens.dimension))
    writer.append(UInt32(byteCount))
    writer.append(Checksum.crc32(writer.bytes.span, count: 16))
    var bytes = writer.bytes
    HalfPlanes.split(tokens.elements, into: &planes)
    try compressor.compress(planes, boundary: tokens.elements.count, into: &bytes)
    return bytes
  }

  /// Writes the tokens that were encoded last, rounded as they will be read back, into `buffer`.
  ///
  /// The buffer grows when it is too short and never shrinks.
  func readBack(_ shape: TokenShape, into buffer: inout [Float]) {
    buffer.grow(to: shape.elementCount, with: 0)
    HalfPlanes.join(planes, count: shape.elementCount, into: &buffer, at: 0)
  }
}

/// Turns stored bytes into tokens; its memory serves one item after the other.
///
/// One decoder per thread.
public struct TokenDecoder: ~Copyable {
  private var decompressor = BlockDecompressor()
  private var planes: [UInt8] = []

  /// A decoder; it takes about 150 kilobytes and grows to the largest item it meets.
  public init() {}

  /// Writes the tokens behind `bytes` into `buffer` from `offset` on, row after row.
  ///
  /// The buffer grows when it is too short and never shrinks. Rows are normalised to within 10⁻³.
  /// - Throws: `StoreError` `.damaged`, naming `id`, when the bytes are not what was written, and
  ///   `.formatTooNew` when a newer program wrote them. The buffer then holds nothing useful from
  ///   `offset` on.
  public mutating func decode(
    _ bytes: Span<UInt8>, of id: ItemID, into buffer: inout [Float], at offset: Int = 0
  ) throws(StoreError) -> TokenShape {
    precondition(offset >= 0, "offset of tokens")
    do throws(Damage) {
      return try decode(bytes, into: &buffer, at: offset)
    } catch {
      throw StoreError(error, in: "the tokens of item \(id)")
    }
  }

  /// The tokens behind `bytes`.
  public mutating func decode(
    _ bytes: Span<UInt8>, of id: ItemID
  ) throws(StoreError) -> TokenMatrix {
    var elements: [Float] = []
    let shape = try decode(bytes, of: id, into: &elements)
    return TokenMatrix(
      unchecked: elements, tokenCount: shape.tokenCount, dimension: shape.dimension)
  }

  mutating func decode(
    _ bytes: Span<UInt8>, into buffer: inout [Float], at offset: Int
  ) throws(Damage) -> TokenShape {
    let shape = try TokenCodec.shape(of: bytes)
    let count = shape.elementCount
    planes.grow(to: 2 * count, with: 0)
    buffer.grow(to: offset + count, with: 0)
    try decompressor.decompress(
      bytes, from: TokenCodec.headerByteCount, byteCount: 2 * count, into: &planes)
    HalfPlanes.join(planes, count: count, into: &buffer, at: offset)
    return shape
  }
}

extension Array {
  /// Appends `value` until there are `count` elements; does nothing when there are.
  mutating func grow(to count: Int, with value: Element) {
    guard self.count < count else { return }
    append(contentsOf: repeatElement(value, count: count - self.count))
  }
}
