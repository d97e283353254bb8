/// What is wrong with stored bytes; turned into a `StoreError` where the item is known.
enum Damage: Error, Equatable {
  /// The bytes end before the value does.
  case endsEarly
  /// Bytes are left over after the value.
  case trailingBytes
  /// The checksum does not match.
  case checksum
  /// The version is one that a later program may write.
  case newerVersion(UInt8)
  /// There is a field that a later program may write, and that must be known.
  case newerField(UInt8)
  /// A field holds a value that it cannot have.
  case impossible(Field)
  /// There is nothing where something should be.
  case missing
  /// zstd refused the compressed part.
  case compression

  /// A part of a stored value, named for messages.
  enum Field: String {
    case version, kind, encoding, shape, text, tiles, spans, contentHash, tag, fingerprint,
      identifiers
    case place, ordinals, scale, directory, layout, patchTokens, centroid, tags, facts, number
  }
}

extension Damage: CustomStringConvertible {
  var description: String {
    switch self {
    case .endsEarly: "it ends early"
    case .trailingBytes: "bytes are left over"
    case .checksum: "its checksum does not match"
    case .newerVersion(let version): "unknown version \(version)"
    case .newerField(let field): "unknown field \(field)"
    case .impossible(let field): "impossible \(field.rawValue)"
    case .missing: "it is missing"
    case .compression: "it cannot be decompressed"
    }
  }
}
