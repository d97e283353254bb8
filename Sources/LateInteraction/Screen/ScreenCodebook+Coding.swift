internal import FilipLinearAlgebra

/// How a codebook is stored, little-endian:
///
/// | offset | bytes | meaning |
/// | --- | --- | --- |
/// | 0 | 1 + 3 | version 1; zero |
/// | 4 | 4 × 3 | dimension d, cells, centroids |
/// | 16 | 8 | tokens of the index that it was learnt for |
/// | 24 | 8 | hash of the rest, which is the codebook's id |
/// | 32 | 2 × d × cells | cells, binary16 |
/// | … | 2 × d × centroids | centroids, binary16, cell after cell |
extension ScreenCodebook {
  static let version: UInt8 = 1
  private static let headerByteCount = 32
  private static let idOffset = 24
  private static let largestDimension = 1 << 16

  /// The codebook as bytes.
  package func bytes() -> [UInt8] {
    Self.bytes(id: id, tokenCount: tokenCount, cells: cells, centroids: centroids)
  }

  /// The id of a codebook: equal ones have the same, others but for one in 2⁶⁴ another.
  static func id(tokenCount: Int, cells: Matrix, centroids: Matrix) -> UInt64 {
    hash(bytes(id: 0, tokenCount: tokenCount, cells: cells, centroids: centroids).span)
  }

  private static func bytes(
    id: UInt64, tokenCount: Int, cells: Matrix, centroids: Matrix
  ) -> [UInt8] {
    var bytes: [UInt8] = [version, 0, 0, 0]
    bytes.reserveCapacity(
      headerByteCount + 2 * (cells.rowCount + centroids.rowCount) * cells.columnCount)
    for count in [cells.columnCount, cells.rowCount, centroids.rowCount] {
      bytes.append(littleEndian: UInt32(count))
    }
    bytes.append(littleEndian: UInt64(tokenCount))
    bytes.append(littleEndian: id)
    for half in binary16(rounding: cells.elements) { bytes.append(littleEndian: half) }
    for half in binary16(rounding: centroids.elements) { bytes.append(littleEndian: half) }
    return bytes
  }

  /// From `h` = the byte count on, every little-endian word `w` of eight bytes makes `h` into
  /// `(h ^ w) · 0x9E3779B97F4A7C15` and then `h ^ h >> 32`, modulo 2⁶⁴. The last word is filled up
  /// with zeros, and the id counts as zero.
  private static func hash(_ bytes: Span<UInt8>) -> UInt64 {
    bytes.withUnsafeBytes { bytes in
      var hash = UInt64(bytes.count)
      for offset in stride(from: 0, to: bytes.count, by: 8) {
        var word: UInt64 = 0
        if offset + 8 > bytes.count {
          for byte in bytes[offset...].reversed() { word = word << 8 | UInt64(byte) }
        } else if offset != idOffset {
          word = UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
        hash ^= hash >> 32
      }
      return hash
    }
  }

  /// The id that stored bytes claim, without a look at the rest; `nil` for bytes of another version.
  package static func id(of bytes: Span<UInt8>) -> UInt64? {
    guard bytes.count >= headerByteCount, bytes[0] == version else { return nil }
    return integer(bytes, at: idOffset)
  }

  /// The codebook that bytes hold.
  /// - Throws: `ScreenCodebookError`.
  package init(_ bytes: Span<UInt8>) throws(ScreenCodebookError) {
    guard bytes.count >= Self.headerByteCount else { throw .length }
    guard bytes[0] == Self.version else {
      throw bytes[0] > Self.version ? .newerVersion(bytes[0]) : .header
    }
    let dimension = Int(Self.integer(bytes, at: 4) as UInt32)
    let cellCount = Int(Self.integer(bytes, at: 8) as UInt32)
    let centroidCount = Int(Self.integer(bytes, at: 12) as UInt32)
    let tokenCount: UInt64 = Self.integer(bytes, at: 16)
    guard dimension > 0, dimension <= Self.largestDimension, cellCount > 0,
      centroidCount > 0, centroidCount <= Self.largestCentroidCount,
      centroidCount % cellCount == 0, tokenCount <= UInt64(Int.max)
    else { throw .header }
    let valueCount = (cellCount + centroidCount) * dimension
    guard bytes.count == Self.headerByteCount + 2 * valueCount else { throw .length }
    let values = Matrix(rowCount: cellCount + centroidCount, columnCount: dimension)
    values.decode(bytes.bytes.extracting(Self.headerByteCount..<bytes.count), as: .float16)
    let (cells, centroids) = (
      values.rows(0..<cellCount), values.rows(cellCount..<values.rowCount)
    )
    let id = Self.hash(bytes)
    guard id == Self.integer(bytes, at: Self.idOffset) else { throw .hash }
    guard Self.areFinite(bytes) else { throw .value }
    self.init(id: id, tokenCount: Int(tokenCount), cells: cells, centroids: centroids)
  }

  /// Whether no binary16 behind the header has the exponent of infinity.
  private static func areFinite(_ bytes: Span<UInt8>) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var largest: UInt16 = 0
      for offset in stride(from: headerByteCount, to: bytes.count, by: 2) {
        let half = bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
        largest = max(largest, UInt16(littleEndian: half) & 0x7FFF)
      }
      return largest < 0x7C00
    }
  }

  private static func integer<Value: FixedWidthInteger>(
    _ bytes: Span<UInt8>, at offset: Int
  ) -> Value {
    var value: Value = 0
    for index in (0..<Value.bitWidth / 8).reversed() {
      value = value << 8 | Value(truncatingIfNeeded: bytes[offset + index])
    }
    return value
  }
}

extension [UInt8] {
  fileprivate mutating func append(littleEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
