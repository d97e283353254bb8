/// A table of SentencePiece that says which texts become which others, such as NFKC.
///
/// The blob of a `precompiled_charsmap`: the byte count of a trie, the trie (a double array of
/// Darts-clone, 32 bits per unit), and all replacements as C strings.
struct CharsMap: Sendable {
  /// Units of the trie.
  private let units: [UInt32]
  /// The UTF-8 of the replacements, each ended by a zero.
  private let texts: [UInt8]

  /// Reads a blob; `nil` when it is damaged.
  init?(bytes: [UInt8]) {
    guard bytes.count > 4 else { return nil }
    let unitByteCount = Int(Self.word(of: bytes, at: 0))
    guard unitByteCount > 0, unitByteCount % 4 == 0, unitByteCount <= bytes.count - 4 else {
      return nil
    }
    units = stride(from: 4, to: 4 + unitByteCount, by: 4).map { Self.word(of: bytes, at: $0) }
    texts = Array(bytes[(4 + unitByteCount)...])
    guard String(validating: texts, as: UTF8.self) != nil else { return nil }
  }

  private static func word(of bytes: [UInt8], at offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
  }

  /// A place in the trie.
  struct Place {
    fileprivate var node = 0
  }

  /// The place before the first byte.
  var root: Place { Place(node: units[0].trieOffset) }

  /// Follows a byte; `false` when nothing continues so.
  ///
  /// - Parameter value: where in the texts the replacement of what was followed starts, if it has
  ///   one.
  func follow(_ byte: UInt8, from place: inout Place, value: inout Int?) -> Bool {
    value = nil
    let node = place.node ^ Int(byte)
    guard byte != 0, node < units.count, units[node].trieLabel == UInt32(byte) else { return false }
    place.node = node ^ units[node].trieOffset
    guard place.node < units.count else { return false }
    if units[node].trieHasLeaf { value = Int(units[place.node] & 0x7FFF_FFFF) }
    return true
  }

  /// The replacement that starts at `start`.
  func text(at start: Int) -> [Unicode.Scalar] {
    guard start < texts.count else { return [] }
    let end = texts[start...].firstIndex(of: 0) ?? texts.count
    return Array(String(decoding: texts[start..<end], as: UTF8.self).unicodeScalars)
  }

  /// What replaces `scalars`: the replacement of the shortest of their beginnings that has one.
  ///
  /// That the rest is lost is how the `tokenizers` library reads such a table.
  func replacement(of scalars: ArraySlice<SourceScalar>) -> [Unicode.Scalar]? {
    var place = root
    var value: Int?
    for element in scalars {
      for byte in UTF8.encode(element.scalar) ?? UTF8.encodedReplacementCharacter {
        guard follow(byte, from: &place, value: &value) else { return nil }
        if let value { return text(at: value) }
      }
    }
    return nil
  }

  /// The longest run of scalars from `position` that has a replacement, as SentencePiece looks for
  /// it.
  func longestMatch(
    in scalars: [SourceScalar], at position: Int
  ) -> (scalarCount: Int, text: [Unicode.Scalar])? {
    var place = root
    var value: Int?
    var match: (end: Int, value: Int)?
    search: for index in position..<scalars.count {
      for byte in UTF8.encode(scalars[index].scalar) ?? UTF8.encodedReplacementCharacter {
        guard follow(byte, from: &place, value: &value) else { break search }
      }
      if let value { match = (index + 1, value) }
    }
    return match.map { ($0.end - position, text(at: $0.value)) }
  }
}

extension UInt32 {
  /// Whether a unit of the trie ends a key.
  fileprivate var trieHasLeaf: Bool { self >> 8 & 1 == 1 }
  /// The byte that leads to a unit; the top bit marks units that hold values.
  fileprivate var trieLabel: UInt32 { self & (1 << 31 | 0xFF) }
  /// Where the children of a unit are, relative to it.
  fileprivate var trieOffset: Int { Int(self >> 10) << Int((self & (1 << 9)) >> 6) }
}

// MARK: - Base64

/// The bytes of a text in base64, or `nil` when it is none.
func base64Bytes(_ text: String) -> [UInt8]? {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(text.utf8.count / 4 * 3)
  var bits: UInt32 = 0
  var bitCount = 0
  var paddingCount = 0
  for character in text.utf8 {
    let value: UInt8
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - 71
    case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character + 4
    case UInt8(ascii: "+"): value = 62
    case UInt8(ascii: "/"): value = 63
    case UInt8(ascii: "="):
      paddingCount += 1
      continue
    default: return nil
    }
    guard paddingCount == 0 else { return nil }
    bits = bits << 6 | UInt32(value)
    bitCount += 6
    if bitCount >= 8 {
      bitCount -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
    }
  }
  return text.utf8.count % 4 == 0 && paddingCount <= 2 ? bytes : nil
}

/// Bytes in base64.
func base64Text(_ bytes: [UInt8]) -> String {
  let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var text: [UInt8] = []
  text.reserveCapacity((bytes.count + 2) / 3 * 4)
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    let bits = group.reduce(0) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
    for place in 0..<4 {
      let isFilled = place <= group.count
      text.append(isFilled ? letters[Int(bits >> UInt32(18 - 6 * place) & 63)] : UInt8(ascii: "="))
    }
  }
  return String(decoding: text, as: UTF8.self)
}
