/// Many images' tokens as small codes, end to end, read in place: format in ARCHITECTURE.md, "The
/// scan plane".
///
/// It looks into memory that belongs to somebody else and is valid only inside the closure that
/// received it.
@safe package struct PlaneSegment: ~Copyable {
  private let start: UnsafeRawPointer
  private let geometry: PlaneGeometry
  /// The largest `‖x − x̂₄‖ / s` of a token; zero with eight bits, where `reaches` say more.
  package let largestRelativeError4: Float
  /// The largest `‖x̂₈‖` of a token; with four bits, of `x̂₄`.
  package let largestNorm8: Float
  /// The largest `‖x̂₄‖` of a token.
  package let largestNorm4: Float

  /// Calls `body` with the segment that `bytes` hold.
  ///
  /// Everything is checked that could lead out of bounds or to what is not a number; whether the
  /// codes are those that were written is for a checksum to say.
  /// - Complexity: O(tokens + images), little next to reading the codes.
  /// - Throws: `PlaneSegmentError`, and what `body` throws.
  package static func withSegment<Success>(
    _ bytes: Span<UInt8>, _ body: (borrowing PlaneSegment) throws -> Success
  ) throws -> Success {
    try read(bytes) { segment -> Result<Success, any Error> in
      do {
        return .success(try body(segment))
      } catch {
        return .failure(error)
      }
    }.get()
  }

  /// The same for a closure that cannot fail.
  package static func read<Success>(
    _ bytes: Span<UInt8>, _ body: (borrowing PlaneSegment) -> Success
  ) throws(PlaneSegmentError) -> Success {
    try bytes.withUnsafeBytes { (bytes) throws(PlaneSegmentError) in
      guard let start = bytes.baseAddress, bytes.count >= PlaneGeometry.smallestByteCount else {
        throw .length
      }
      let segment = PlaneSegment(
        start: start, geometry: try geometry(start),
        largestRelativeError4: try bound(start, at: 16),
        largestNorm8: try bound(start, at: 20), largestNorm4: try bound(start, at: 24))
      guard segment.geometry.byteCount == bytes.count else { throw .length }
      try segment.checkScales()
      try segment.checkDirectory()
      return body(segment)
    }
  }
}

// MARK: - Counts and images

extension PlaneSegment {
  /// Number of dimensions.
  package var dimension: Int { geometry.dimension }
  /// How finely the dimensions are kept.
  package var bits: PlaneBits { geometry.bits }
  /// Number of images, dead ones included.
  package var imageCount: Int { geometry.imageCount }
  /// Number of tokens of all images.
  package var tokenCount: Int { geometry.tokenCount }
  /// Groups of eight dimensions.
  package var groupCount: Int { geometry.groupCount }
  /// The item whose tokens the image at that ordinal has.
  package func id(_ image: Int) -> UInt64 {
    precondition(image >= 0 && image < imageCount, "ordinal of an image")
    return UInt64(littleEndian: load(entry(image)))
  }

  /// Where the tokens of an image begin; `imageCount` gives where those of the last one end.
  package func firstToken(_ image: Int) -> Int {
    precondition(image >= 0 && image <= imageCount, "ordinal of an image")
    guard image < imageCount else { return tokenCount }
    return Int(UInt32(littleEndian: load(entry(image) + 8)))
  }

  /// Replaces `bounds` by where the tokens of each image of the range begin, and those of the last
  /// one end.
  func writeFirstTokens(of images: Range<Int>, into bounds: inout [UInt32]) {
    precondition(images.lowerBound >= 0 && images.upperBound <= imageCount, "ordinals of images")
    bounds.removeAll(keepingCapacity: true)
    for image in images { bounds.append(UInt32(littleEndian: load(entry(image) + 8))) }
    bounds.append(UInt32(firstToken(images.upperBound)))
  }

  /// The tokens of an image.
  package func tokens(of image: Int) -> Range<Int> { firstToken(image)..<firstToken(image + 1) }

  /// The largest `‖x − x̂₈‖` of an image's tokens; with four bits, `‖x − x̂₄‖`.
  package func largestError8(_ image: Int) -> Float {
    precondition(image >= 0 && image < imageCount, "ordinal of an image")
    return Float(bitPattern: UInt32(littleEndian: load(entry(image) + 12)))
  }
}

// MARK: - Codes

extension PlaneSegment {
  /// The high nibbles: `64 · groupCount` bytes for every sixteen tokens, on no particular boundary.
  package var high: UnsafeRawPointer { start + geometry.highOffset }

  /// The low nibbles, the same way; `nil` with four bits.
  package var low: UnsafeRawPointer? { bits == .eight ? start + geometry.lowOffset : nil }

  /// The tokens' scales, bfloat16, sixteen for every sixteen tokens.
  package var scales: UnsafeRawPointer { start + geometry.scaleOffset }

  /// The tokens' reaches, sixteen for every sixteen tokens; `nil` with four bits. See `PlaneReach`.
  package var reaches: UnsafeRawPointer? {
    bits == .eight ? start + geometry.reachOffset : nil
  }

  /// Replaces `rows` by the decoded tokens of an image, `(tokens, d)`, rotated as they are stored.
  ///
  /// They are exact: `s` has eight bits and the codes have eight.
  /// - Precondition: the segment has that many bits.
  package func decode(_ image: Int, bits: PlaneBits, into rows: inout [Float]) {
    precondition(bits == .four || self.bits == .eight, "bits of a segment")
    let tokens = tokens(of: image)
    rows.removeAll(keepingCapacity: true)
    rows.reserveCapacity(tokens.count * dimension)
    for token in tokens {
      let scale = Float(bitPattern: UInt32(scale(token)) << 16)
      for index in 0..<dimension {
        let (offset, shift) = place(token, index)
        let nibble = Int(high.load(fromByteOffset: offset, as: UInt8.self) >> shift & 15)
        if bits == .eight, let low {
          let lower = Int(low.load(fromByteOffset: offset, as: UInt8.self) >> shift & 15)
          rows.append(scale * Float(16 * nibble + lower - 128))
        } else {
          rows.append(scale * (Float(16 * nibble) - 120.5))
        }
      }
    }
  }

  /// The scale of a token as it is stored.
  func scale(_ token: Int) -> UInt16 {
    precondition(token >= 0 && token < tokenCount, "index of a token")
    return UInt16(littleEndian: load(geometry.scaleOffset + 2 * token))
  }

  /// What bounds a token's `‖x − x̂₄‖`, as it is stored; with four bits the segment's largest does.
  func reach(_ token: Int) -> UInt8? {
    precondition(token >= 0 && token < tokenCount, "index of a token")
    return reaches?.load(fromByteOffset: token, as: UInt8.self)
  }

  /// Where the nibbles of a token's dimension lie: the byte, and the half of it.
  private func place(_ token: Int, _ index: Int) -> (offset: Int, shift: UInt8) {
    let group = token / PlaneGeometry.tokensPerBlock * groupCount + index / 8
    let lane = token % PlaneGeometry.tokensPerBlock
    return (64 * group + 4 * lane + index % 4, index % 8 < 4 ? 0 : 4)
  }

  /// The codes, the scales and the reaches with the last block's padding, to be copied whole.
  func withParts<Result>(
    _ body: (
      _ high: UnsafeRawBufferPointer, _ low: UnsafeRawBufferPointer,
      _ scales: UnsafeRawBufferPointer, _ reaches: UnsafeRawBufferPointer
    ) -> Result
  ) -> Result {
    let count = geometry.nibbleByteCount
    return body(
      UnsafeRawBufferPointer(start: high, count: count),
      UnsafeRawBufferPointer(start: low, count: low == nil ? 0 : count),
      UnsafeRawBufferPointer(
        start: scales, count: geometry.reachOffset - geometry.scaleOffset),
      UnsafeRawBufferPointer(
        start: reaches, count: geometry.directoryOffset - geometry.reachOffset))
  }
}

// MARK: - Checking

extension PlaneSegment {
  /// What the header says, if it can be.
  private static func geometry(
    _ start: UnsafeRawPointer
  ) throws(PlaneSegmentError) -> PlaneGeometry {
    let version = start.load(as: UInt8.self)
    guard version == PlaneSegmentBuilder.version else {
      if version > PlaneSegmentBuilder.version { throw .newerVersion(version) }
      throw .header
    }
    func number(at offset: Int) -> Int {
      Int(UInt32(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
    guard let bits = PlaneBits(rawValue: start.load(fromByteOffset: 1, as: UInt8.self)) else {
      throw .header
    }
    let geometry = PlaneGeometry(
      dimension: number(at: 4), bits: bits, imageCount: number(at: 8), tokenCount: number(at: 12))
    guard geometry.dimension > 0, geometry.dimension <= PlaneGeometry.largestDimension,
      geometry.imageCount <= geometry.tokenCount
    else { throw .header }
    return geometry
  }

  /// An error or a norm; none that is written comes near the largest allowed here.
  private static func bound(
    _ start: UnsafeRawPointer, at offset: Int
  ) throws(PlaneSegmentError) -> Float {
    let bits = UInt32(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    let value = Float(bitPattern: bits)
    guard value >= 0, value <= 0x1p100 else { throw .header }
    return value
  }

  private borrowing func checkScales() throws(PlaneSegmentError) {
    // The bits of what is negative or not a number are larger than those of any scale.
    let bound = SIMD16<UInt16>(repeating: PlaneScale.largest.bits)
    var refused = SIMDMask<SIMD16<Int16>>(repeating: false)
    for block in 0..<geometry.blockCount {
      let values = scales.loadUnaligned(fromByteOffset: 32 * block, as: SIMD16<UInt16>.self)
      refused .|= values .> bound
    }
    guard !any(refused) else { throw .scale }
  }

  private borrowing func checkDirectory() throws(PlaneSegmentError) {
    guard imageCount > 0 || tokenCount == 0 else { throw .directory }
    for image in 0..<imageCount {
      let (first, next) = (firstToken(image), firstToken(image + 1))
      guard image > 0 || first == 0, first < next else { throw .directory }
      let error = largestError8(image)
      guard error >= 0, error <= 0x1p100 else { throw .directory }
    }
  }

  @inline(__always)
  private func entry(_ image: Int) -> Int {
    geometry.directoryOffset + PlaneGeometry.entryByteCount * image
  }

  @inline(__always)
  private func load<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> Value {
    start.loadUnaligned(fromByteOffset: offset, as: Value.self)
  }
}
