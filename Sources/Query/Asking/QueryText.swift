/// A text that was asked for: what the encoder reads, and which of its stretches were set apart.
public struct QueryText: Sendable, Hashable {
  /// A word with a weight, or a quoted phrase.
  public struct Mark: Sendable, Hashable {
    /// Its bytes in the UTF-8 of `text`.
    public var range: Range<Int>
    /// How much it counts, 0…1000; 1 unless said otherwise.
    public var weight: Double
    /// Whether it was quoted: its words are one part of the query.
    public var isQuoted: Bool
  }

  /// As typed.
  public let typed: String
  /// Without operators, as the encoder reads it.
  public let text: String
  /// The stretches that were set apart, in order; they do not overlap.
  public let marks: [Mark]
  /// For each byte of `text`, its place in the UTF-8 of `typed`.
  private let offsets: [Int]

  /// A text without operators: every sign stands for itself.
  public init(literal text: String) {
    self.init(typed: text, text: text, marks: [], offsets: Array(0..<text.utf8.count))
  }

  init(typed: String, text: String, marks: [Mark], offsets: [Int]) {
    self.typed = typed
    self.text = text
    self.marks = marks
    self.offsets = offsets
  }

  /// Where a stretch of `text` stands in `typed`, both in bytes of UTF-8.
  /// - Precondition: the stretch lies in `text`.
  public func typedRange(of range: Range<Int>) -> Range<Int> {
    guard let last = range.last else {
      let place = range.lowerBound < offsets.count ? offsets[range.lowerBound] : typed.utf8.count
      return place..<place
    }
    return offsets[range.lowerBound]..<offsets[last] + 1
  }
}
