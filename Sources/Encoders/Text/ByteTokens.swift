/// The tokens of single bytes, from which the merges start.
struct ByteTokens: Sendable {
  /// Ids by byte, inside a word and at its end; `nil` where the vocabulary has none.
  private let inner: [Int32?]
  private let last: [Int32?]
  /// Stands for a byte without a token; without it, such a byte falls away.
  private let unknown: Int32?
  /// Whether neighbouring bytes without a token share one `unknown`.
  private let fusesUnknown: Bool

  /// Looks up the tokens of all bytes.
  init(
    vocabulary: Vocabulary, endOfWordSuffix: String, unknown: Int32?, fusesUnknown: Bool
  ) {
    let letters = (UInt8.min...UInt8.max).map { String(Self.letter(for: $0)) }
    inner = letters.map { vocabulary.id(of: $0) }
    last = letters.map { vocabulary.id(of: $0 + endOfWordSuffix) }
    self.unknown = unknown
    self.fusesUnknown = fusesUnknown
  }

  /// The tokens of a word's bytes.
  func tokens(of word: ArraySlice<SourceScalar>) -> [Int32] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(word.count + 16)
    for element in word {
      if element.scalar.isASCII {
        bytes.append(UInt8(truncatingIfNeeded: element.scalar.value))
      } else {
        bytes.append(contentsOf: UTF8.encode(element.scalar) ?? UTF8.encodedReplacementCharacter)
      }
    }
    var tokens: [Int32] = []
    tokens.reserveCapacity(bytes.count)
    var followsUnknown = false
    for (position, byte) in bytes.enumerated() {
      let known = (position == bytes.count - 1 ? last : inner)[Int(byte)]
      if let known {
        tokens.append(known)
      } else if let unknown, !(fusesUnknown && followsUnknown) {
        tokens.append(unknown)
      }
      followsUnknown = known == nil
    }
    return tokens
  }

  /// The visible letter that stands for a byte in the vocabulary, since GPT-2.
  ///
  /// Visible bytes of Latin-1 stand for themselves, the others for U+0100 and up, in order.
  static func letter(for byte: UInt8) -> Unicode.Scalar {
    switch byte {
    case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: Unicode.Scalar(byte)
    case 0x00...0x20: latinExtended(UInt16(byte))
    case 0x7F...0xA0: latinExtended(UInt16(byte) - 0x7F + 33)
    default: latinExtended(67)
    }
  }

  private static func latinExtended(_ offset: UInt16) -> Unicode.Scalar {
    // No surrogate is near; the initialiser cannot know.
    Unicode.Scalar(0x100 + offset) ?? "\u{FFFD}"
  }
}
