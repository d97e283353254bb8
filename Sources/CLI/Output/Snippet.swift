import FilipQuery

/// The part of a text that shows best why it was found: around the word that matched best, with all
/// words marked that matched.
struct Snippet {
  /// Bytes of the text, control characters replaced by spaces.
  private let bytes: [UInt8]
  /// The bytes that are shown.
  private let shown: Range<Int>
  /// What is marked, in rising order, apart from each other.
  private let marked: [Range<Int>]
  /// What stands before the text.
  private let title: String

  /// Bytes of text that are shown at most.
  private static let byteCount = 120

  /// The snippet of a hit.
  init(of document: TextDocument, matches: [TermMatch]) {
    bytes = document.text.utf8.map { $0 < 32 || $0 == 127 ? 32 : $0 }
    title = String(
      decoding: (document.title ?? "").utf8.map { $0 < 32 || $0 == 127 ? 32 : $0 }, as: UTF8.self)
    let found = matches.filter {
      $0.span.map { $0.upperBound <= document.text.utf8.count } ?? false
    }
    let best = found.max { $0.score < $1.score }?.span ?? 0..<0
    let middle = (best.lowerBound + best.upperBound) / 2
    let count = bytes.count
    var start = max(0, min(middle - Self.byteCount / 2, count - Self.byteCount))
    var end = min(count, start + Self.byteCount)
    // Whole characters, and whole words where one begins or ends near.
    start =
      bytes[start..<min(start + 12, end)].firstIndex(of: 32).map { start > 0 ? $0 + 1 : 0 } ?? start
    end = end < count ? bytes[max(start, end - 12)..<end].lastIndex(of: 32) ?? end : end
    while start < end, bytes[start] & 0xC0 == 0x80 { start += 1 }
    while end < count, end > start, bytes[end] & 0xC0 == 0x80 { end -= 1 }
    shown = start..<end
    var marked: [Range<Int>] = []
    for span in found.compactMap(\.span).sorted(by: { $0.lowerBound < $1.lowerBound })
    where span.lowerBound >= max(start, marked.last?.upperBound ?? 0) && span.upperBound <= end {
      marked.append(span)
    }
    self.marked = marked
  }

  /// One line, with what matched passed through `mark`.
  func line(_ mark: (String) -> String) -> String {
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    var line = title.isEmpty ? "" : title + ": "
    if shown.lowerBound > 0 { line += "… " }
    var place = shown.lowerBound
    for span in marked {
      line += text(place..<span.lowerBound) + mark(text(span))
      place = span.upperBound
    }
    line += text(place..<shown.upperBound)
    if shown.upperBound < bytes.count { line += " …" }
    return line
  }
}
