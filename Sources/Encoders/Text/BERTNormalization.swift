/// How BERT and its kin prepare a text.
struct BERTNormalization: Sendable {
  /// Controls fall away, white space becomes spaces.
  var cleansText: Bool
  /// Each Chinese character stands between spaces, and so becomes a word.
  var separatesChinese: Bool
  /// Letters lose their accents.
  var stripsAccents: Bool
  /// Letters become small.
  var lowercases: Bool

  /// The normalised text.
  func normalize(_ scalars: [SourceScalar]) -> [SourceScalar] {
    var scalars = scalars
    if cleansText { scalars = Self.clean(scalars) }
    if separatesChinese { scalars = Self.separateChinese(scalars) }
    if stripsAccents {
      scalars = TextNormalizer.removeMarks(
        TextNormalizer.normalizeCanonically(scalars, composes: false)
      ) { $0.isReferenceNonspacingMark }
    }
    if lowercases { scalars = TextNormalizer.lowercase(scalars) }
    return scalars
  }

  private static func clean(_ scalars: [SourceScalar]) -> [SourceScalar] {
    scalars.compactMap { element in
      switch element.scalar {
      case "\t", "\n", "\r": break
      case "\0", "\u{FFFD}": return nil
      default:
        if element.scalar.isReferenceControl { return nil }
        guard element.scalar.isReferenceSpace else { return element }
      }
      return SourceScalar(scalar: " ", start: element.start, end: element.end)
    }
  }

  private static func separateChinese(_ scalars: [SourceScalar]) -> [SourceScalar] {
    var result: [SourceScalar] = []
    result.reserveCapacity(scalars.count)
    for element in scalars {
      guard isChinese(element.scalar) else {
        result.append(element)
        continue
      }
      result.append(SourceScalar(scalar: " ", start: element.start, end: element.start))
      result.append(element)
      result.append(SourceScalar(scalar: " ", start: element.end, end: element.end))
    }
    return result
  }

  /// The blocks of Chinese characters that BERT's authors listed.
  private static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
      0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
