/// Where the scan plane has an item's tokens: 12 bytes, little-endian.
///
/// An item whose image has no tokens is in no segment; its place says segment 0 and, for the
/// ordinal, the dimension that its tokens would have.
struct PlanePlace: Hashable {
  /// The segment's id; 0 for none.
  var segment: UInt64
  /// The image's number within the segment.
  var ordinal: UInt32

  /// The place of an image without tokens.
  static func empty(dimension: Int) -> PlanePlace {
    PlanePlace(segment: 0, ordinal: UInt32(clamping: dimension))
  }

  /// Whether the image is in no segment.
  var isEmpty: Bool { segment == 0 }

  /// The stored bytes.
  var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.append(segment)
    writer.append(ordinal)
    return writer.bytes
  }
}

extension PlanePlace {
  /// The place behind stored bytes.
  init(_ bytes: Span<UInt8>) throws(Damage) {
    guard bytes.count == 12 else { throw .impossible(.place) }
    segment =
      UInt64(UInt32(littleEndian: bytes, at: 0))
      | UInt64(UInt32(littleEndian: bytes, at: 4)) << 32
    ordinal = UInt32(littleEndian: bytes, at: 8)
  }
}

/// The images of a segment that were removed or replaced: their ordinals, ascending, four
/// little-endian bytes each.
enum DeadOrdinals {
  /// The stored bytes of ascending ordinals.
  static func encode(_ ordinals: [UInt32]) -> [UInt8] {
    var writer = ByteWriter()
    for ordinal in ordinals { writer.append(ordinal) }
    return writer.bytes
  }

  /// The ordinals behind stored bytes.
  static func decode(_ bytes: Span<UInt8>) throws(Damage) -> [UInt32] {
    guard bytes.count.isMultiple(of: 4) else { throw .impossible(.ordinals) }
    var ordinals: [UInt32] = []
    ordinals.reserveCapacity(bytes.count / 4)
    for offset in stride(from: 0, to: bytes.count, by: 4) {
      let ordinal = UInt32(littleEndian: bytes, at: offset)
      if let last = ordinals.last, last >= ordinal { throw .impossible(.ordinals) }
      ordinals.append(ordinal)
    }
    return ordinals
  }
}
