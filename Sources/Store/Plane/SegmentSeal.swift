import FilipLateInteraction

/// The checksum of a plane segment, at offset 32.
enum SegmentSeal {
  private static let offset = 32

  /// Writes the checksum of `bytes` into them.
  static func seal(_ bytes: inout [UInt8]) {
    let checksum = Checksum.mixed64(bytes.span, skippingWordAt: offset)
    for index in 0..<8 {
      bytes[offset + index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt64(index)))
    }
  }

  /// Whether the checksum in `bytes` is theirs.
  static func isIntact(_ bytes: Span<UInt8>) -> Bool {
    guard bytes.count >= offset + 8 else { return false }
    let stored =
      UInt64(UInt32(littleEndian: bytes, at: offset))
      | UInt64(UInt32(littleEndian: bytes, at: offset + 4)) << 32
    return stored == Checksum.mixed64(bytes, skippingWordAt: offset)
  }

  /// Calls `body` with a segment whose checksum is right.
  static func read<Result>(
    _ bytes: Span<UInt8>, _ body: (borrowing PlaneSegment) -> Result
  ) throws(Damage) -> Result {
    guard isIntact(bytes) else { throw .checksum }
    do throws(PlaneSegmentError) {
      return try PlaneSegment.read(bytes, body)
    } catch {
      throw Damage(error)
    }
  }
}

extension Damage {
  /// What is wrong with a segment, in the store's words.
  init(_ error: PlaneSegmentError) {
    switch error {
    case .length: self = .endsEarly
    case .newerVersion(let version): self = .newerVersion(version)
    case .header: self = .impossible(.shape)
    case .scale: self = .impossible(.scale)
    case .directory: self = .impossible(.directory)
    }
  }
}
