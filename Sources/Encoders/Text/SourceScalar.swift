/// A scalar on its way from the typed to the normalised text, and the bytes it comes from.
struct SourceScalar {
  /// The scalar.
  var scalar: Unicode.Scalar
  /// First byte in the UTF-8 of the original text.
  var start: Int
  /// Byte after the last. Scalars that replace several others all carry the bytes of all of them.
  var end: Int

  /// The scalars of `text`, each with its own bytes.
  static func scalars(of text: String) -> [SourceScalar] {
    var scalars: [SourceScalar] = []
    scalars.reserveCapacity(text.utf8.count)
    var offset = 0
    for scalar in text.unicodeScalars {
      let end = offset + UTF8.width(scalar)
      scalars.append(SourceScalar(scalar: scalar, start: offset, end: end))
      offset = end
    }
    return scalars
  }
}

// MARK: - Unicode versions

extension Unicode.Scalar {
  /// Whether the reference's regular expressions know this scalar: Oniguruma has Unicode 16, the
  /// standard library of Swift 6.3 has Unicode 17.
  ///
  /// A newer scalar is unassigned to the reference: neither letter nor number. All scalars were
  /// compared once (tokenizers 0.23.3); nothing else differs in `\p{L}`, `\p{N}` and `\s`.
  var isKnownToReferencePatterns: Bool { isInUnicode(16) }

  /// Whether the reference's normaliser knows this scalar: it still has the tables of Unicode 9.
  ///
  /// A newer combining mark does not reorder there, and a newer letter does not compose.
  var isKnownToReferenceComposition: Bool { isInUnicode(9) }

  private func isInUnicode(_ major: Int) -> Bool {
    if value < 0x300 { return true }
    guard let age = properties.age else { return false }
    return age.major <= major && (age.major < major || age.minor == 0)
  }
}
