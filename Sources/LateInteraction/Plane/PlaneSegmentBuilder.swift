/// Builds one plane segment, image after image.
package struct PlaneSegmentBuilder {
  /// The version of the format that is written.
  static let version: UInt8 = 1
  /// Tokens of more dimensions cannot be in a segment.
  package static let largestDimension = PlaneGeometry.largestDimension

  struct Entry {
    var id: UInt64
    var firstToken: UInt32
    var largestError: Float
  }

  /// Number of dimensions.
  package let dimension: Int
  /// How finely the dimensions are kept.
  package let bits: PlaneBits
  /// Number of tokens of all images.
  package private(set) var tokenCount = 0
  let groupCount: Int
  private var quantizer: TokenQuantizer
  private(set) var high: [UInt8] = []
  private(set) var low: [UInt8] = []
  private(set) var scales: [UInt16] = []
  /// Empty with four bits.
  private(set) var reaches: [UInt8] = []
  private(set) var directory: [Entry] = []
  private(set) var largestRelativeError4: Float = 0
  private(set) var largestNorm8: Float = 0
  private(set) var largestNorm4: Float = 0

  /// An empty segment of tokens of `dimension` values, at most 65,536.
  package init(dimension: Int, bits: PlaneBits) {
    precondition(
      dimension > 0 && dimension <= PlaneGeometry.largestDimension, "dimension of a segment")
    self.dimension = dimension
    self.bits = bits
    groupCount = (dimension + 7) / 8
    quantizer = TokenQuantizer(dimension: dimension)
  }

  /// The images of `segment`, to be continued.
  package init(resuming segment: borrowing PlaneSegment) {
    self.init(dimension: segment.dimension, bits: segment.bits)
    tokenCount = segment.tokenCount
    (high, low, scales, reaches) = segment.withParts { high, low, scales, reaches in
      (
        Array(high), Array(low),
        (0..<scales.count / 2).map { index in
          UInt16(
            littleEndian: scales.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
        }, Array(reaches)
      )
    }
    directory = (0..<segment.imageCount).map { image in
      Entry(
        id: segment.id(image), firstToken: UInt32(segment.firstToken(image)),
        largestError: segment.largestError8(image))
    }
    largestRelativeError4 = segment.largestRelativeError4
    largestNorm8 = segment.largestNorm8
    largestNorm4 = segment.largestNorm4
  }

  /// Number of images.
  package var imageCount: Int { directory.count }

  /// The item whose tokens the image at that ordinal has.
  package func id(_ image: Int) -> UInt64 { directory[image].id }

  /// Number of tokens of an image.
  package func tokenCount(of image: Int) -> Int {
    let isLast = image + 1 == directory.count
    let end = isLast ? tokenCount : Int(directory[image + 1].firstToken)
    return end - Int(directory[image].firstToken)
  }

  /// Bytes of the segment, padding included.
  package var byteCount: Int { geometry.byteCount }

  /// Bytes that the segment would have with one more image.
  package func byteCount(addingTokens count: Int) -> Int {
    PlaneGeometry(
      dimension: dimension, bits: bits, imageCount: imageCount + 1, tokenCount: tokenCount + count
    ).byteCount
  }

  /// Bytes that a segment of so many images and tokens has, padding included.
  package static func byteCount(
    dimension: Int, bits: PlaneBits, imageCount: Int, tokenCount: Int
  ) -> Int {
    PlaneGeometry(
      dimension: dimension, bits: bits, imageCount: imageCount, tokenCount: tokenCount
    ).byteCount
  }

  private var geometry: PlaneGeometry {
    PlaneGeometry(
      dimension: dimension, bits: bits, imageCount: imageCount, tokenCount: tokenCount)
  }
}

// MARK: - Adding images

extension PlaneSegmentBuilder {
  /// Adds an image: `tokenCount` rows of `dimension` values, at least one.
  /// - Precondition: the values are finite and at most 2⁶³ in size.
  /// - Complexity: O(tokens · d · log d).
  package mutating func append(id: UInt64, rows: ArraySlice<Float>, tokenCount count: Int) {
    precondition(count > 0 && rows.count == count * dimension, "shape of an image's tokens")
    directory.append(Entry(id: id, firstToken: UInt32(tokenCount), largestError: 0))
    reserve(tokenCount + count)
    rows.withUnsafeBufferPointer { rows in
      guard let start = rows.baseAddress else { return }
      for token in 0..<count {
        let measure = quantizer.quantize(start + token * dimension)
        store(quantizer.codes, at: tokenCount + token)
        scales[tokenCount + token] = measure.scale
        if bits == .eight {
          reaches[tokenCount + token] =
            PlaneReach(
              atLeast: measure.relativeError4, dimension: dimension
            ).byte
        }
        raise(measure)
      }
    }
    tokenCount += count
  }

  /// Adds an image of `segment` with the codes that it has there, so that it keeps its scores.
  /// - Precondition: both segments have the same dimension and bits.
  package mutating func append(_ image: Int, of segment: borrowing PlaneSegment) {
    precondition(segment.dimension == dimension && segment.bits == bits, "segments of one kind")
    let tokens = segment.tokens(of: image)
    directory.append(
      Entry(
        id: segment.id(image), firstToken: UInt32(tokenCount),
        largestError: segment.largestError8(image)))
    reserve(tokenCount + tokens.count)
    segment.withParts { sourceHigh, sourceLow, _, _ in
      for (index, token) in tokens.enumerated() {
        copyLane(from: sourceHigh, token, to: &high, tokenCount + index, groupCount: groupCount)
        if bits == .eight {
          copyLane(from: sourceLow, token, to: &low, tokenCount + index, groupCount: groupCount)
        }
      }
    }
    for (index, token) in tokens.enumerated() {
      scales[tokenCount + index] = segment.scale(token)
      if let reach = segment.reach(token) { reaches[tokenCount + index] = reach }
    }
    tokenCount += tokens.count
    // Which token a segment's largest values belong to is not known; they bound this one's.
    largestRelativeError4 = max(largestRelativeError4, segment.largestRelativeError4)
    largestNorm8 = max(largestNorm8, segment.largestNorm8)
    largestNorm4 = max(largestNorm4, segment.largestNorm4)
  }

  /// Makes room for `count` tokens; blocks begin as zeros.
  private mutating func reserve(_ count: Int) {
    precondition(count <= Int(UInt32.max), "tokens of a segment")
    let blockCount = (count + PlaneGeometry.tokensPerBlock - 1) / PlaneGeometry.tokensPerBlock
    let byteCount = blockCount * groupCount * PlaneGeometry.groupByteCount
    high.append(contentsOf: repeatElement(0, count: byteCount - high.count))
    if bits == .eight { low.append(contentsOf: repeatElement(0, count: byteCount - low.count)) }
    let scaleCount = blockCount * PlaneGeometry.tokensPerBlock
    scales.append(contentsOf: repeatElement(0, count: scaleCount - scales.count))
    if bits == .eight {
      reaches.append(contentsOf: repeatElement(0, count: scaleCount - reaches.count))
    }
  }

  private mutating func raise(_ measure: TokenQuantizer.Measure) {
    let error = bits == .eight ? measure.error8 : measure.error4
    let last = directory.count - 1
    directory[last].largestError = max(directory[last].largestError, error)
    if bits == .four {
      largestRelativeError4 = max(largestRelativeError4, measure.relativeError4)
    }
    largestNorm8 = max(largestNorm8, bits == .eight ? measure.norm8 : measure.norm4)
    largestNorm4 = max(largestNorm4, measure.norm4)
  }

  /// Writes the codes of a token into its lane of its block, four bytes of each nibble a group.
  private mutating func store(_ codes: [UInt8], at token: Int) {
    let (groupCount, hasLow) = (groupCount, bits == .eight)
    codes.withUnsafeBytes { codes in
      high.withUnsafeMutableBytes { high in
        low.withUnsafeMutableBytes { low in
          for group in 0..<groupCount {
            let first = codes.loadUnaligned(fromByteOffset: 8 * group, as: UInt32.self)
            let second = codes.loadUnaligned(fromByteOffset: 8 * group + 4, as: UInt32.self)
            let offset = lane(of: token, group, groupCount)
            high.storeBytes(
              of: first >> 4 & 0x0F0F_0F0F | second & 0xF0F0_F0F0, toByteOffset: offset,
              as: UInt32.self)
            guard hasLow else { continue }
            low.storeBytes(
              of: first & 0x0F0F_0F0F | second << 4 & 0xF0F0_F0F0, toByteOffset: offset,
              as: UInt32.self)
          }
        }
      }
    }
  }
}

/// Where the four bytes of a token's group begin.
func lane(of token: Int, _ group: Int, _ groupCount: Int) -> Int {
  let block = token / PlaneGeometry.tokensPerBlock
  return (block * groupCount + group) * PlaneGeometry.groupByteCount
    + token % PlaneGeometry.tokensPerBlock * 4
}

/// Copies the nibbles of a token to another lane.
private func copyLane(
  from source: UnsafeRawBufferPointer, _ token: Int, to target: inout [UInt8], _ newToken: Int,
  groupCount: Int
) {
  target.withUnsafeMutableBytes { target in
    for group in 0..<groupCount {
      target.storeBytes(
        of: source.loadUnaligned(
          fromByteOffset: lane(of: token, group, groupCount), as: UInt32.self),
        toByteOffset: lane(of: newToken, group, groupCount), as: UInt32.self)
    }
  }
}

// MARK: - The finished segment

extension PlaneSegmentBuilder {
  /// The segment with zeros in place of the checksum.
  package func bytes() -> [UInt8] {
    let geometry = geometry
    var bytes: [UInt8] = []
    bytes.reserveCapacity(geometry.byteCount)
    bytes += [Self.version, bits.rawValue, 0, 0]
    for count in [dimension, imageCount, tokenCount] { bytes.append(littleEndian: UInt32(count)) }
    for bound in [largestRelativeError4, largestNorm8, largestNorm4] {
      bytes.append(littleEndian: bound.bitPattern)
    }
    bytes += repeatElement(0, count: PlaneGeometry.headerByteCount - bytes.count)
    bytes += high
    bytes += low
    for scale in scales { bytes.append(littleEndian: scale) }
    bytes += reaches
    for entry in directory {
      bytes.append(littleEndian: entry.id)
      bytes.append(littleEndian: entry.firstToken)
      bytes.append(littleEndian: entry.largestError.bitPattern)
    }
    bytes += repeatElement(0, count: geometry.byteCount - bytes.count)
    return bytes
  }
}

extension [UInt8] {
  fileprivate mutating func append(littleEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
