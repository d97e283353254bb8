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

  /// Whether BERT's normaliser drops this scalar: a control, a format or a private one, in the
  /// tables of Unicode 8. Tab and line ends are the caller's to keep.
  var isReferenceControl: Bool {
    guard isInUnicode(8) else { return false }
    switch properties.generalCategory {
    case .control, .format, .privateUse: return true
    default: return false
    }
  }

  /// Whether BERT's normaliser takes this scalar for an accent: `\p{Mn}` of Unicode 8.
  ///
  /// Four scalars have changed sides since.
  var isReferenceNonspacingMark: Bool {
    switch value {
    case 0x1734: return true
    case 0x1885, 0x1886, 0xA9BD: return false
    default: return properties.generalCategory == .nonspacingMark && isInUnicode(8)
    }
  }

  /// Whether the step StripAccents drops this scalar: `\p{M}` of Unicode 9.
  var isReferenceMark: Bool {
    switch value {
    case 0x1CF2, 0x1CF3: return true
    case 0x111C9: return false
    default: return properties.generalCategory.isMark && isInUnicode(9)
    }
  }

  /// Whether BERT takes this scalar for a word of its own: `\p{P}` of Unicode 8, and whatever else
  /// of ASCII is neither letter, digit nor space.
  var isReferencePunctuation: Bool {
    switch value {
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E, 0x166D, 0x111C9: return true
    case 0..<0x80: return false
    default: break
    }
    switch properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      return isInUnicode(8)
    default: return false
    }
  }

  private func isInUnicode(_ major: Int) -> Bool {
    if value < 0x300 { return true }
    guard let age = properties.age else { return false }
    return age.major <= major && (age.major < major || age.minor == 0)
  }
}
