/// Finds the words of a normalised text as CLIP does:
/// `'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`.
///
/// Everything that matches is a word; what remains is white space and falls away.
struct WordSplitter: Sendable {
  /// The pattern in words.
  static let pattern = #"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#
  /// The same with the special tokens in front, as transformers 5 writes it.
  static let patternWithSpecialTokens = #"<\|startoftext\|>|<\|endoftext\|>|"# + pattern

  /// Whether `<|startoftext|>` and `<|endoftext|>` are found before anything else.
  var findsSpecialTokens: Bool
  /// Whether the pattern of GPT-2 runs over the words once more.
  ///
  /// It finds nothing new, except in a special token that is spelled out in another case: three
  /// words instead of one.
  var splitsAgain: Bool

  private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map {
    Array($0.unicodeScalars)
  }
  private static let specialTokens = ["<|startoftext|>", "<|endoftext|>"].map {
    Array($0.unicodeScalars)
  }

  /// The words of `scalars`, as ranges in order.
  func words(in scalars: [SourceScalar]) -> [Range<Int>] {
    var words: [Range<Int>] = []
    var position = 0
    while position < scalars.count {
      let scalar = scalars[position].scalar
      let start = position
      if scalar == "<", findsSpecialTokens,
        let length = Self.length(of: Self.specialTokens, in: scalars, at: position)
      {
        position += length
        if splitsAgain {
          words += [start..<start + 2, start + 2..<position - 2, position - 2..<position]
          continue
        }
      } else if let length = Self.contractionLength(in: scalars, at: position) {
        position += length
      } else {
        let kind = scalar.kind
        position += 1
        if kind == .space { continue }
        if kind != .number {
          while position < scalars.count, scalars[position].scalar.kind == kind { position += 1 }
        }
      }
      words.append(start..<position)
    }
    return words
  }

  /// Length of the end of a contraction that stands at `position`, such as `'ll`.
  static func contractionLength(in scalars: [SourceScalar], at position: Int) -> Int? {
    guard scalars[position].scalar == "'" else { return nil }
    return length(of: contractions, in: scalars, at: position)
  }

  /// Length of the first of `literals` that stands at `position`.
  private static func length(
    of literals: [[Unicode.Scalar]], in scalars: [SourceScalar], at position: Int
  ) -> Int? {
    literals.first { literal in
      scalars[position...].lazy.map(\.scalar).starts(with: literal)
    }?.count
  }
}

// MARK: - Classes of scalars

extension Unicode.Scalar {
  /// What the pattern takes a scalar for.
  enum Kind {
    /// `\p{L}`
    case letter
    /// `\p{N}`
    case number
    /// `\s`
    case space
    /// Anything else, unassigned scalars included.
    case other
  }

  /// What the pattern takes this scalar for.
  var kind: Kind {
    switch value {
    case 0x41...0x5A, 0x61...0x7A: return .letter
    case 0x30...0x39: return .number
    case 0x09...0x0D, 0x20: return .space
    case 0..<0x80: return .other
    default: break
    }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      return isKnownToReferencePatterns ? .letter : .other
    case .decimalNumber, .letterNumber, .otherNumber:
      return isKnownToReferencePatterns ? .number : .other
    default: return properties.isWhitespace ? .space : .other
    }
  }

  /// `\s`
  var isReferenceSpace: Bool { kind == .space }

  /// `\w`, for added tokens that stand only as whole words.
  var isReferenceWordScalar: Bool {
    guard isKnownToReferencePatterns else { return false }
    let category = properties.generalCategory
    return properties.isAlphabetic || category.isMark || category == .decimalNumber
      || category == .connectorPunctuation || properties.isJoinControl
  }
}

extension Unicode.GeneralCategory {
  /// `\p{M}`
  var isMark: Bool {
    switch self {
    case .nonspacingMark, .spacingMark, .enclosingMark: true
    default: false
    }
  }
}
