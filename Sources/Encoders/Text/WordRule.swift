/// What counts as a word, for the evidence of a search.
enum WordRule: Sendable, Hashable {
  /// Each stretch is a word, less the white space around it.
  case stretches
  /// Stretches hold several words, or parts of a text without any spaces. `sign` stands for a
  /// space.
  case pieces(sign: Unicode.Scalar)

  /// For each token the scalars of its word, or `nil` for one that stands for white space.
  ///
  /// With `pieces`, words end at white space, where letters, digits and other signs meet, and
  /// around each character of a script that is written without spaces; but no word ends inside a
  /// token.
  func words(
    of subwords: ArraySlice<Subword>, in stretch: ArraySlice<SourceScalar>
  ) -> [Range<Int>?] {
    switch self {
    case .stretches:
      var word = stretch.drop { $0.scalar.isReferenceSpace }
      while let last = word.last, last.scalar.isReferenceSpace { word.removeLast() }
      return Array(repeating: word.isEmpty ? nil : word.indices, count: subwords.count)
    case .pieces(let sign): return Self.words(of: subwords, in: stretch, sign: sign)
    }
  }

  private static func words(
    of subwords: ArraySlice<Subword>, in stretch: ArraySlice<SourceScalar>, sign: Unicode.Scalar
  ) -> [Range<Int>?] {
    let first = stretch.startIndex
    let isSpace = stretch.map { $0.scalar == sign || $0.scalar.isReferenceSpace }
    var joinsPrevious = joints(in: stretch)
    for subword in subwords {
      for index in subword.range.dropFirst() { joinsPrevious[index - first] = true }
    }
    for index in stretch.indices.dropFirst()
    where isSpace[index - first] || isSpace[index - 1 - first] {
      joinsPrevious[index - first] = false
    }
    return subwords.map { subword in
      var start = subword.range.lowerBound
      while start < subword.range.upperBound, isSpace[start - first] { start += 1 }
      if start == subword.range.upperBound {
        // A sign that is a token of its own belongs to the word it begins.
        guard subword.range.count == 1, start < stretch.endIndex, !isSpace[start - first],
          stretch[start - 1].scalar == sign
        else { return nil }
      }
      var end = start + 1
      while start > first, joinsPrevious[start - first] { start -= 1 }
      while end < stretch.endIndex, joinsPrevious[end - first] { end += 1 }
      return start..<end
    }
  }

  /// For each scalar whether it continues the word of the one before.
  private static func joints(in stretch: ArraySlice<SourceScalar>) -> [Bool] {
    var joints = [Bool](repeating: false, count: stretch.count)
    guard var base = stretch.first?.scalar else { return joints }
    for index in stretch.indices.dropFirst() {
      let scalar = stretch[index].scalar
      let previous = stretch[index - 1].scalar
      if scalar.extendsPrevious || previous == "\u{200D}" {
        joints[index - stretch.startIndex] = true
        continue
      }
      let joins =
        if scalar.isApostrophe {
          base.kind == .letter && index + 1 < stretch.endIndex
            && stretch[index + 1].scalar.kind == .letter
        } else if previous.isApostrophe, index - 2 >= stretch.startIndex {
          scalar.kind == .letter && stretch[index - 2].scalar.kind == .letter
        } else {
          scalar.kind == base.kind && !scalar.standsAlone && !base.standsAlone
        }
      joints[index - stretch.startIndex] = joins
      base = scalar
    }
    return joints
  }
}

extension Unicode.Scalar {
  /// Whether this belongs to the scalar before it: a mark, a joiner, the colour of an emoji.
  fileprivate var extendsPrevious: Bool {
    guard value >= 0x300 else { return false }
    return properties.generalCategory.isMark || properties.isJoinControl
      || properties.isEmojiModifier
  }

  fileprivate var isApostrophe: Bool { self == "'" || self == "\u{2019}" }

  /// Whether this is written without spaces between words.
  fileprivate var standsAlone: Bool {
    switch value {
    case 0..<0xE00: false
    // Thai and Lao, Burmese, Khmer, Hiragana.
    case 0xE00...0xEFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3040...0x309F: true
    default: properties.isIdeographic
    }
  }
}
