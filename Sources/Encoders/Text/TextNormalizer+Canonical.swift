// `_nfc` and `_nfd` are the standard library's own normalisers, those behind `String.==`. They
// are behind an SPI name because its spelling is not final, not because they are unfinished:
// swift-foundation, which ships in the same toolchain, builds on them too. The public way to them
// is all of Foundation, 40 MB for two functions. Should the names change, this file does not
// compile, and the golden tests check what they return.
@_spi(_Unicode) import Swift

extension TextNormalizer {
  // MARK: - Composition and decomposition

  /// NFC or NFD with the tables of the reference.
  ///
  /// Works on stretches that nothing composes or reorders across, so that scalars outside a
  /// changed stretch keep their own bytes.
  static func normalizeCanonically(
    _ scalars: [SourceScalar], composes: Bool
  ) -> [SourceScalar] {
    var result: [SourceScalar] = []
    result.reserveCapacity(scalars.count)
    var start = 0
    while start < scalars.count {
      let first = scalars[start].scalar
      var end = start + 1
      if first.isKnownToReferenceComposition {
        while end < scalars.count, joinsPrevious(scalars[end].scalar) { end += 1 }
      }
      // No scalar below U+0300 composes on its own, none below U+00C0 comes apart.
      let unchanged: UInt32 = composes ? 0x300 : 0xC0
      if end == start + 1, first.value < unchanged || !first.isKnownToReferenceComposition {
        result.append(scalars[start])
      } else {
        append(scalars[start..<end], composed: composes, to: &result)
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

  private static func append(
    _ stretch: ArraySlice<SourceScalar>, composed: Bool, to result: inout [SourceScalar]
  ) {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: reorder(stretch.map(\.scalar)))
    let normalized = composed ? Array(String(text)._nfc) : Array(String(text)._nfd)
    if normalized.elementsEqual(stretch.lazy.map(\.scalar)) {
      result.append(contentsOf: stretch)
      return
    }
    let start = stretch[stretch.startIndex].start
    let end = stretch[stretch.endIndex - 1].end
    for scalar in normalized {
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
}
