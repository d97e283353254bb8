/// Where the parts of a plane segment lie, by its counts.
struct PlaneGeometry: Equatable {
  /// Tokens of a block.
  static let tokensPerBlock = 16
  /// Dimensions of a group.
  static let dimensionsPerGroup = 8
  /// Bytes that a group of a block takes in each of the two nibble planes.
  static let groupByteCount = 64
  /// Bytes before the codes.
  static let headerByteCount = 48
  /// Bytes of an image's entry in the directory.
  static let entryByteCount = 16
  /// Shorter segments are padded: LMDB stores values of a page and more apart from the others.
  static let smallestByteCount = 4096
  /// Segments of more dimensions are not written and not read.
  static let largestDimension = 1 << 16

  let dimension: Int
  let bits: PlaneBits
  let imageCount: Int
  let tokenCount: Int

  /// Groups of eight dimensions.
  var groupCount: Int { (dimension + Self.dimensionsPerGroup - 1) / Self.dimensionsPerGroup }
  /// Blocks of sixteen tokens.
  var blockCount: Int { (tokenCount + Self.tokensPerBlock - 1) / Self.tokensPerBlock }
  /// Bytes of the high nibbles, and of the low ones.
  var nibbleByteCount: Int { Self.groupByteCount * groupCount * blockCount }

  /// Offset of the high nibbles.
  var highOffset: Int { Self.headerByteCount }
  /// Offset of the low nibbles; where there are none, of what follows.
  var lowOffset: Int { highOffset + nibbleByteCount }
  /// Offset of the scales.
  var scaleOffset: Int { lowOffset + (bits == .eight ? nibbleByteCount : 0) }
  /// Offset of the reaches, which there are with eight bits.
  var reachOffset: Int { scaleOffset + 2 * Self.tokensPerBlock * blockCount }
  /// Offset of the directory.
  var directoryOffset: Int {
    reachOffset + (bits == .eight ? Self.tokensPerBlock * blockCount : 0)
  }
  /// Bytes of the segment, padding included.
  var byteCount: Int {
    max(directoryOffset + Self.entryByteCount * imageCount, Self.smallestByteCount)
  }
}
