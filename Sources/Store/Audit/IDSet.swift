/// A set of numbers, most of them close together: a bit for each, in words of 64.
///
/// Ten million ids in a row take about four megabytes.
struct IDSet {
  private var words: [UInt64: UInt64] = [:]

  /// Adds a number.
  mutating func insert(_ number: UInt64) { words[number / 64, default: 0] |= 1 << (number % 64) }

  /// Whether the number is in the set.
  func contains(_ number: UInt64) -> Bool {
    words[number / 64, default: 0] >> (number % 64) & 1 == 1
  }
}
