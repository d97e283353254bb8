import FilipLateInteraction
import TestSupport
import Testing

@Suite struct BagDictionaryTests {
  /// The bags that end last and are longest, found by trying every length at every end.
  func reference(_ words: [String], _ phrases: Set<[String]>) -> [Range<Int>] {
    guard let last = words.indices.last else { return [] }
    let starts = words.indices.filter { phrases.contains(Array(words[$0...last])) }
    let start = starts.min() ?? last
    return reference(Array(words[..<start]), phrases) + [start..<last + 1]
  }

  @Test func `bags are those of trying everything, on random dictionaries`() {
    for seed in UInt64(0)..<200 {
      var generator = SeededGenerator(seed: seed)
      func words(_ count: ClosedRange<Int>) -> [String] {
        (0..<Int.random(in: count, using: &generator)).map { _ in
          ["a", "b", "c"].randomElement(using: &generator)!
        }
      }
      let phrases = (0..<Int.random(in: 0...6, using: &generator)).map { _ in words(1...4) }
      let text = words(0...9)
      #expect(
        BagDictionary(phrases).bags(of: text) == reference(text, Set(phrases)), "seed \(seed)")
    }
  }

  @Test func `matching begins at the end and takes the longest`() {
    let dictionary = BagDictionary(lines: "hot dog\n\n  Dog   Stand \nred\n")
    // From the front, “hot dog” would win.
    #expect(dictionary.bags(of: ["a", "Hot", "dog", "stand"]) == [0..<1, 1..<2, 2..<4])
    #expect(dictionary.bags(of: ["hot", "DOG"]) == [0..<2])
    #expect(dictionary.bags(of: []) == [])
  }
}
