/// The steps that a tokenizer takes before it looks for words.
struct TextNormalizer: Sendable {
  /// One step.
  enum Step: Sendable {
    /// Canonical composition (NFC).
    case composition
    /// Canonical decomposition (NFD).
    case decomposition
    /// Each run of white space becomes one space.
    case whitespace
    /// Lower case, scalar by scalar: a sigma at the end of a word is no exception.
    case lowercase
    /// Lower case as Python's `str.lower()` has it: a sigma at the end of a word is one.
    case wordLowercase
    /// Whatever matches becomes the scalars given.
    case replacement(ScalarPattern, with: [Unicode.Scalar])
    /// White space at the ends falls away.
    case strip(left: Bool, right: Bool)
    /// Combining marks fall away.
    case accentRemoval
    /// What BERT does.
    case bert(BERTNormalization)
    /// A table of replacements, applied as the `tokenizers` library does.
    case charsMap(CharsMap)
    /// Scalars put before the text, unless it is empty.
    case prefix([Unicode.Scalar])
    /// What SentencePiece itself does.
    case sentencePiece(SentencePieceNormalization)
  }

  /// The steps in order.
  var steps: [Step]

  /// The normalised text.
  func normalize(_ scalars: [SourceScalar]) -> [SourceScalar] {
    var scalars = scalars
    for step in steps {
      switch step {
      case .composition: scalars = Self.normalizeCanonically(scalars, composes: true)
      case .decomposition: scalars = Self.normalizeCanonically(scalars, composes: false)
      case .whitespace: scalars = Self.collapseWhitespace(scalars)
      case .lowercase: scalars = Self.lowercase(scalars)
      case .wordLowercase: scalars = Self.lowercaseWords(scalars)
      case .replacement(let pattern, let content):
        scalars = Self.replace(pattern, in: scalars, by: content)
      case .strip(let left, let right): scalars = Self.strip(scalars, left: left, right: right)
      case .accentRemoval: scalars = Self.removeMarks(scalars) { $0.isReferenceMark }
      case .bert(let normalization): scalars = normalization.normalize(scalars)
      case .charsMap(let map): scalars = Self.apply(map, to: scalars)
      case .prefix(let prefix): scalars = Self.prepend(prefix, to: scalars)
      case .sentencePiece(let normalization): scalars = normalization.normalize(scalars)
      }
    }
    return scalars
  }

  // MARK: - White space and case

  private static func collapseWhitespace(_ scalars: [SourceScalar]) -> [SourceScalar] {
    var result: [SourceScalar] = []
    result.reserveCapacity(scalars.count)
    var isInRun = false
    for element in scalars {
      let isSpace = element.scalar.isReferenceSpace
      if isSpace, isInRun {
        result[result.count - 1].end = element.end
      } else if isSpace {
        result.append(SourceScalar(scalar: " ", start: element.start, end: element.end))
      } else {
        result.append(element)
      }
      isInRun = isSpace
    }
    return result
  }

  static func lowercase(_ scalars: [SourceScalar]) -> [SourceScalar] {
    var result: [SourceScalar] = []
    result.reserveCapacity(scalars.count)
    for element in scalars {
      switch element.scalar.value {
      case 0x41...0x5A:
        let lower = Unicode.Scalar(UInt8(element.scalar.value | 0x20))
        result.append(SourceScalar(scalar: lower, start: element.start, end: element.end))
      case 0..<0x80: result.append(element)
      default:
        for scalar in element.scalar.properties.lowercaseMapping.unicodeScalars {
          result.append(SourceScalar(scalar: scalar, start: element.start, end: element.end))
        }
      }
    }
    return result
  }

  /// Lower case with `ς` for a capital sigma that ends a word (Unicode 16, table 3-17).
  private static func lowercaseWords(_ scalars: [SourceScalar]) -> [SourceScalar] {
    var result = lowercase(scalars)
    guard scalars.contains(where: { $0.scalar == "Σ" }) else { return result }
    var isFinal = scalars.indices.filter { scalars[$0].scalar == "Σ" }.map { position in
      let isIgnored = { (element: SourceScalar) in element.scalar.properties.isCaseIgnorable }
      let before = scalars[..<position].last { !isIgnored($0) }
      let after = scalars[(position + 1)...].first { !isIgnored($0) }
      return before?.scalar.properties.isCased == true && after?.scalar.properties.isCased != true
    }.makeIterator()
    let sources = Set(scalars.lazy.filter { $0.scalar == "Σ" }.map(\.start))
    for position in result.indices where sources.contains(result[position].start) {
      if result[position].scalar == "σ", isFinal.next() == true { result[position].scalar = "ς" }
    }
    return result
  }

  // MARK: - Replacing

  static func replace(
    _ pattern: ScalarPattern, in scalars: [SourceScalar], by content: [Unicode.Scalar]
  ) -> [SourceScalar] {
    var result: [SourceScalar] = []
    result.reserveCapacity(scalars.count)
    var position = 0
    while position < scalars.count {
      guard let length = pattern.matchLength(in: scalars, at: position) else {
        result.append(scalars[position])
        position += 1
        continue
      }
      let start = scalars[position].start
      position += length
      let end = scalars[position - 1].end
      for scalar in content { result.append(SourceScalar(scalar: scalar, start: start, end: end)) }
    }
    return result
  }

  private static func strip(
    _ scalars: [SourceScalar], left: Bool, right: Bool
  ) -> [SourceScalar] {
    var kept = scalars[...]
    if left { kept = kept.drop { $0.scalar.isReferenceSpace } }
    if right {
      while let last = kept.last, last.scalar.isReferenceSpace { kept.removeLast() }
    }
    return Array(kept)
  }

  private static func prepend(
    _ prefix: [Unicode.Scalar], to scalars: [SourceScalar]
  ) -> [SourceScalar] {
    guard let start = scalars.first?.start else { return [] }
    return prefix.map { SourceScalar(scalar: $0, start: start, end: start) } + scalars
  }

  /// Takes marks out; the scalar before a mark keeps the mark's bytes.
  static func removeMarks(
    _ scalars: [SourceScalar], isMark: (Unicode.Scalar) -> Bool
  ) -> [SourceScalar] {
    var result: [SourceScalar] = []
    result.reserveCapacity(scalars.count)
    for element in scalars {
      if element.scalar.value < 0x300 || !isMark(element.scalar) {
        result.append(element)
      } else if let last = result.last, last.end == element.start {
        result[result.count - 1].end = element.end
      }
    }
    return result
  }
}
