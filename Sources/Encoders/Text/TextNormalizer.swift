// `_nfc` is the standard library's own normaliser, the one behind `String.==`. It is behind an SPI
// name because its spelling is not final, not because it is unfinished: swift-foundation, which
// ships in the same toolchain, builds on it too. The public way to it is all of Foundation, 40 MB
// for this one function. Should the name change, this file does not compile, and the golden tests
// check what it returns.
@_spi(_Unicode) import Swift

/// The steps that a tokenizer takes before it looks for words.
struct TextNormalizer: Sendable {
  /// One step.
  enum Step: Sendable {
    /// Canonical composition.
    case composition
    /// Each run of white space becomes one space.
    case whitespace
    /// Lower case, scalar by scalar: a sigma at the end of a word is no exception.
    case lowercase
  }

  /// The steps in order.
  var steps: [Step]

  /// The normalised text.
  func normalize(_ scalars: [SourceScalar]) -> [SourceScalar] {
    var scalars = scalars
    for step in steps {
      switch step {
      case .composition: scalars = Self.compose(scalars)
      case .whitespace: scalars = Self.collapseWhitespace(scalars)
      case .lowercase: scalars = Self.lowercase(scalars)
      }
    }
    return scalars
  }

  // MARK: - Composition

  /// NFC with the tables of the reference.
  ///
  /// Works on stretches that nothing composes or reorders across, so that scalars outside a
  /// changed stretch keep their own bytes.
  private static func compose(_ scalars: [SourceScalar]) -> [SourceScalar] {
    var result: [SourceScalar] = []
    result.reserveCapacity(scalars.count)
    var start = 0
    while start < scalars.count {
      let first = scalars[start].scalar
      var end = start + 1
      if first.isKnownToReferenceComposition {
        while end < scalars.count, joinsPrevious(scalars[end].scalar) { end += 1 }
      }
      // No scalar below U+0300 changes on its own.
      if end == start + 1, first.value < 0x300 || !first.isKnownToReferenceComposition {
        result.append(scalars[start])
      } else {
        appendComposed(scalars[start..<end], to: &result)
      }
      start = end
    }
    return result
  }

  /// Whether a scalar may compose with, or move before, what precedes it.
  ///
  /// Wider than necessary: up to Unicode 9, whatever joins is a mark or a jamo.
  private static func joinsPrevious(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x300, scalar.isKnownToReferenceComposition else { return false }
    // Vowels and final consonants of Hangul.
    if 0x1160...0x11FF ~= scalar.value { return true }
    return scalar.properties.generalCategory.isMark
  }

  private static func appendComposed(
    _ stretch: ArraySlice<SourceScalar>, to result: inout [SourceScalar]
  ) {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: reorder(stretch.map(\.scalar)))
    let composed = Array(String(text)._nfc)
    if composed.elementsEqual(stretch.lazy.map(\.scalar)) {
      result.append(contentsOf: stretch)
      return
    }
    let start = stretch[stretch.startIndex].start
    let end = stretch[stretch.endIndex - 1].end
    for scalar in composed {
      result.append(SourceScalar(scalar: scalar, start: start, end: end))
    }
  }

  /// Sorts marks as NFC does, and takes apart the three that the standard library leaves in place.
  ///
  /// Both before `_nfc`, which does not reorder around the vowels U+0F73, U+0F75 and U+0F81, and
  /// which sorts by insertion: ten thousand marks on one letter would take seconds.
  private static func reorder(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard scalars.count > 1 else { return scalars }
    var result: [Unicode.Scalar] = []
    var marks: [(order: UInt8, position: Int, scalar: Unicode.Scalar)] = []
    func flush() {
      marks.sort { ($0.order, $0.position) < ($1.order, $1.position) }
      result += marks.map(\.scalar)
      marks.removeAll()
    }
    for scalar in scalars {
      let parts: [Unicode.Scalar] =
        switch scalar {
        case "\u{F73}": ["\u{F71}", "\u{F72}"]
        case "\u{F75}": ["\u{F71}", "\u{F74}"]
        case "\u{F81}": ["\u{F71}", "\u{F80}"]
        default: [scalar]
        }
      for part in parts {
        let order = part.properties.canonicalCombiningClass.rawValue
        if order == 0 {
          flush()
          result.append(part)
        } else {
          marks.append((order, marks.count, part))
        }
      }
    }
    flush()
    return result
  }

  // MARK: - Other steps

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

  private static func lowercase(_ scalars: [SourceScalar]) -> [SourceScalar] {
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
}
