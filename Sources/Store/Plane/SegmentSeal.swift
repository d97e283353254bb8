import FilipLateInteraction

/// The checksum of a plane segment, at offset 32.
enum SegmentSeal {
  private static let offset = 32

  /// Writes the checksum of `bytes` into them.
  static func seal(_ bytes: inout [UInt8]) { Checksum.seal(&bytes, at: offset) }

  /// Whether the checksum in `bytes` is theirs.
  static func isIntact(_ bytes: Span<UInt8>) -> Bool { Checksum.isSealed(bytes, at: offset) }

  /// The checksum in `bytes`, right or wrong; `nil` where they are too few.
  static func checksum(in bytes: Span<UInt8>) -> UInt64? {
    bytes.count >= offset + 8 ? UInt64(littleEndian: bytes, at: offset) : nil
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
