/// Phrases whose words make one bag, found by backward maximum matching (BagFormer).
///
/// From the end of a text the longest phrase of the dictionary that ends there is taken, then the one
/// before it; a word in no phrase is a bag by itself. Case does not matter.
package struct BagDictionary: Sendable {
  private let phrases: Set<[String]>
  private let longest: Int

  /// A dictionary of phrases, each a list of words.
  package init(_ phrases: some Sequence<[String]>) {
    self.phrases = Set(phrases.map { $0.map { $0.lowercased() } }.filter { !$0.isEmpty })
    longest = self.phrases.map(\.count).max() ?? 1
  }

  /// A dictionary from a text with a phrase in each line, its words separated by white space; blank
  /// lines are passed over.
  package init(lines text: String) {
    self.init(
      text.split(whereSeparator: \.isNewline).map {
        $0.split(whereSeparator: \.isWhitespace).map(String.init)
      })
  }

  /// The bags of a text: ranges of its words, in order; every word is in one.
  /// - Complexity: words × the words of the longest phrase.
  package func bags(of words: [String]) -> [Range<Int>] {
    let words = words.map { $0.lowercased() }
    var bags: [Range<Int>] = []
    var end = words.count
    while end > 0 {
      let lengths = stride(from: min(longest, end), through: 2, by: -1)
      let length = lengths.first { phrases.contains(Array(words[end - $0..<end])) } ?? 1
      bags.append(end - length..<end)
      end -= length
    }
    return bags.reversed()
  }
}
