// For the composition of letters and marks; see the note in `Encoders/Text/TextNormalizer.swift`.
@_spi(_Unicode) import Swift

/// A word that a user gave to images, to find them by.
///
/// Upper and lower case differ; the ways to spell an accented letter do not: the text is in NFC.
/// Tags are ordered by their bytes.
public struct ItemTag: Hashable, Sendable {
  /// The longest tag, in bytes of UTF-8.
  public static let longestByteCount = 200

  /// The word.
  public let text: String

  /// A tag of the text without the space around it.
  ///
  /// - Returns: `nil` when nothing is left, when it has more than `longestByteCount` bytes, begins
  ///   with an exclamation mark, or holds a comma, a control character or a line separator.
  public init?(_ text: String) {
    let composed = String(String.UnicodeScalarView(text._nfc))
    guard let first = composed.firstIndex(where: { !$0.isWhitespace }),
      let last = composed.lastIndex(where: { !$0.isWhitespace })
    else { return nil }
    let trimmed = composed[first...last]
    guard trimmed.utf8.count <= Self.longestByteCount, !trimmed.hasPrefix("!"),
      !trimmed.unicodeScalars.contains(where: Self.isRefused)
    else { return nil }
    self.text = String(trimmed)
  }

  /// A tag as it was stored.
  init?(stored bytes: some Collection<UInt8>) {
    guard let text = String(validating: bytes, as: UTF8.self), !text.isEmpty,
      !text.utf8.contains(0), text.utf8.count <= Self.longestByteCount
    else { return nil }
    self.text = text
  }

  private static func isRefused(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: scalar == ","
    }
  }
}

extension ItemTag: Comparable {
  /// Ordered by their bytes.
  public static func < (left: ItemTag, right: ItemTag) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }
}

extension ItemTag: CustomStringConvertible {
  /// The word.
  public var description: String { text }
}
