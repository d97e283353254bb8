/// What filters look at, of one item: 32 bytes, little-endian, made from its record.
///
/// | bytes | meaning |
/// | --- | --- |
/// | 8 | time, see `ItemRecord.time`; 0 when unknown |
/// | 8 | file size |
/// | 4 + 4 | width, height; 0 when unknown |
/// | 1 | format, see `FactFilter.formatCode`; 0 when unknown |
/// | 1 | kind; 0 where there is no item |
/// | 2 | flags |
/// | 4 | zero |
package struct ItemFacts: Hashable, Sendable {
  /// What an item has, one bit each; the others are for later programs to set, and to be ignored.
  package struct Flags: OptionSet, Hashable, Sendable {
    /// The bits.
    package let rawValue: UInt16
    /// Flags from their bits.
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Tokens: it can be found.
    package static let tokens = Flags(rawValue: 1)
    /// A time.
    package static let time = Flags(rawValue: 2)
    /// A time that is the picture's, not the file's.
    package static let timeTaken = Flags(rawValue: 4)
    /// A place.
    package static let place = Flags(rawValue: 8)
    /// A camera or a lens.
    package static let camera = Flags(rawValue: 16)
    /// A tag.
    package static let tags = Flags(rawValue: 32)
  }

  static let byteCount = 32

  /// Nanoseconds since 1970.
  package var time: Int64
  /// Bytes of the file.
  package var fileSize: UInt64
  /// Pixels from left to right.
  package var width: UInt32
  /// Pixels from top to bottom.
  package var height: UInt32
  /// The format's number.
  package var format: UInt8
  /// The kind's raw value; 0 where there is no item.
  package var kind: UInt8
  /// What the item has.
  package var flags: Flags

  /// The facts of a record.
  init(_ item: ItemRecord) {
    time = item.time ?? 0
    fileSize = item.fileSize
    width = item.width
    height = item.height
    format = FactFilter.formatCode(item.format)
    kind = item.kind.rawValue
    flags = []
    if item.unreadableReason == nil { flags.insert(.tokens) }
    if item.time != nil { flags.insert(.time) }
    if item.takenTime != nil { flags.insert(.timeTaken) }
    if item.place != nil { flags.insert(.place) }
    if item.camera != nil || item.lens != nil { flags.insert(.camera) }
    if !item.tags.isEmpty { flags.insert(.tags) }
  }

  /// The facts at `offset` of a block.
  /// - Precondition: 32 bytes follow the offset.
  init(_ block: Span<UInt8>, at offset: Int) {
    precondition(offset >= 0 && offset + Self.byteCount <= block.count, "row of a block of facts")
    let bytes = block.bytes
    // Safe because the 32 bytes were just shown to be there.
    time = unsafe Int64(
      littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Int64.self))
    fileSize = unsafe UInt64(
      littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset + 8, as: UInt64.self))
    width = unsafe UInt32(
      littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset + 16, as: UInt32.self)
    )
    height = unsafe UInt32(
      littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset + 20, as: UInt32.self)
    )
    format = block[offset + 24]
    kind = block[offset + 25]
    flags = Flags(rawValue: UInt16(block[offset + 26]) | UInt16(block[offset + 27]) << 8)
  }

  /// The stored bytes.
  var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.append(time)
    writer.append(fileSize)
    writer.append(width)
    writer.append(height)
    writer.append(format)
    writer.append(kind)
    writer.append(flags.rawValue)
    writer.append(UInt32(0))
    return writer.bytes
  }
}
