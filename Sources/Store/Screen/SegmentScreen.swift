import FilipLateInteraction

/// The screen of one segment of the scan plane: for each of its tokens the number of a centroid.
///
/// It belongs to the segment as it was, and to one codebook. When either has changed it is stale,
/// and as good as none.
package struct SegmentScreen: Sendable, Equatable {
  /// The segment's id.
  package var segment: UInt64
  /// The checksum of the segment that the codes were made for.
  package var segmentChecksum: UInt64
  /// The id of the codebook that the codes were made with.
  package var codebook: UInt64
  /// Image `i` has the tokens `bounds[i]..<bounds[i + 1]`; from zero, ascending.
  package var bounds: [UInt32]
  /// The number of each token's centroid.
  package var codes: [UInt16]

  /// A screen; `bounds` ends with the number of codes.
  package init(
    segment: UInt64, segmentChecksum: UInt64, codebook: UInt64, bounds: [UInt32], codes: [UInt16]
  ) {
    precondition(bounds.first == 0 && bounds.last.map(Int.init) == codes.count, "bounds of images")
    self.segment = segment
    self.segmentChecksum = segmentChecksum
    self.codebook = codebook
    self.bounds = bounds
    self.codes = codes
  }
}

/// How a screen is stored, little-endian:
///
/// | offset | bytes | meaning |
/// | --- | --- | --- |
/// | 0 | 1 + 3 | version 1; zero |
/// | 4 | 4 × 3 | images, tokens, zero |
/// | 16 | 8 | id of the codebook |
/// | 24 | 8 | checksum of the segment |
/// | 32 | 8 | checksum of all other bytes |
/// | 40 | 4 × (images + 1) | bounds |
/// | … | 2 × tokens | codes |
enum ScreenCodec {
  static let version: UInt8 = 1
  private static let headerByteCount = 40
  private static let checksumOffset = 32

  /// The stored bytes of a screen.
  static func encode(_ screen: SegmentScreen) -> [UInt8] {
    var writer = ByteWriter()
    for byte in [version, 0, 0, 0] { writer.append(byte) }
    for count in [screen.bounds.count - 1, screen.codes.count, 0] {
      writer.append(UInt32(count))
    }
    for number in [screen.codebook, screen.segmentChecksum, 0] { writer.append(number) }
    for bound in screen.bounds { writer.append(bound) }
    for code in screen.codes { writer.append(code) }
    var bytes = writer.bytes
    Checksum.seal(&bytes, at: checksumOffset)
    return bytes
  }

  /// What stored bytes say about themselves.
  struct Header {
    var imageCount: Int
    var tokenCount: Int
    var codebook: UInt64
    var segmentChecksum: UInt64

    /// The header of bytes that have the length it says.
    init(_ bytes: Span<UInt8>) throws(Damage) {
      guard bytes.count >= headerByteCount else { throw .endsEarly }
      guard bytes[0] == version else {
        throw bytes[0] > version ? .newerVersion(bytes[0]) : .impossible(.version)
      }
      imageCount = Int(UInt32(littleEndian: bytes, at: 4))
      tokenCount = Int(UInt32(littleEndian: bytes, at: 8))
      codebook = UInt64(littleEndian: bytes, at: 16)
      segmentChecksum = UInt64(littleEndian: bytes, at: 24)
      guard bytes.count == codeOffset + 2 * tokenCount else { throw .impossible(.shape) }
    }

    fileprivate var codeOffset: Int { headerByteCount + 4 * (imageCount + 1) }
  }

  /// Calls `body` with the bounds and codes behind a header; neither is verified.
  static func withParts<Result>(
    _ bytes: Span<UInt8>, _ header: Header,
    _ body: (_ bounds: Span<UInt32>, _ codes: Span<UInt16>) -> Result
  ) -> Result {
    let end = header.codeOffset
    return withIntegers(bytes.extracting(headerByteCount..<end)) { bounds in
      withIntegers(bytes.extracting(end..<bytes.count)) { codes in body(bounds, codes) }
    }
  }

  /// Verifies the checksum, and what it cannot know; the codes only where they are of `codebook`.
  static func verify(
    _ bytes: Span<UInt8>, codebook: ScreenCodebook? = nil
  ) throws(Damage) -> Header {
    let header = try Header(bytes)
    guard Checksum.isSealed(bytes, at: checksumOffset) else { throw .checksum }
    let isRising = withParts(bytes, header) { bounds, codes in
      var isRising = bounds[0] == 0 && Int(bounds[bounds.count - 1]) == codes.count
      for index in 1..<bounds.count where bounds[index - 1] > bounds[index] { isRising = false }
      return isRising
    }
    guard isRising else { throw .impossible(.directory) }
    guard let codebook, codebook.id == header.codebook else { return header }
    let count = codebook.centroidCount
    let areCodes = withParts(bytes, header) { _, codes in
      for index in 0..<codes.count where Int(codes[index]) >= count { return false }
      return true
    }
    guard areCodes else { throw .impossible(.centroid) }
    return header
  }

  /// Calls `body` with little-endian integers where they lie, or with a copy where LMDB put them on
  /// an odd boundary, as it may with short values.
  private static func withIntegers<Value: FixedWidthInteger & BitwiseCopyable, Result>(
    _ bytes: Span<UInt8>, _ body: (Span<Value>) -> Result
  ) -> Result {
    let size = MemoryLayout<Value>.size
    // Safe because the buffer is read within its bounds, and as integers only where it is aligned.
    return bytes.withUnsafeBytes { raw in
      if UInt(littleEndian: 1) == 1, let start = raw.baseAddress,
        Int(bitPattern: start) % MemoryLayout<Value>.alignment == 0
      {
        let integers = UnsafeBufferPointer(
          start: start.assumingMemoryBound(to: Value.self), count: raw.count / size)
        return body(integers.span)
      }
      let copy = (0..<raw.count / size).map {
        Value(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * size, as: Value.self))
      }
      return body(copy.span)
    }
  }
}
