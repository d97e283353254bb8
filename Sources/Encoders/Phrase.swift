/// Some words of a query that name one thing, such as "red balloon" in "a red balloon on a table".
///
/// A phrase is a maximal run of words between English stop words and punctuation. A text in another
/// language has few of the former and so stays in long pieces; a text with letters outside the
/// Latin script has no phrases at all, and is encoded as a sentence only.
package struct Phrase: Sendable, Hashable {
  /// The words as typed.
  package var text: String
  /// Their bytes in the UTF-8 of the query.
  package var sourceRange: Range<Int>
  /// What the model is asked instead: `a photo of` the phrase, with the article that precedes it in
  /// the query, if one does. CLIP was trained on captions, and knows things best in that form.
  package var prompt: String

  /// The phrases of `query`, in its order.
  ///
  /// Each of the `marked` stretches of its UTF-8, which ascend and do not overlap, is a phrase of its
  /// own, in any language, whatever words it holds.
  /// - Complexity: linear in the length of the query times the number of marks.
  package static func phrases(of query: String, marked: [Range<Int>] = []) -> [Phrase] {
    let isLatin = query.unicodeScalars.allSatisfy(isLatinIfLetter)
    guard isLatin || !marked.isEmpty else { return [] }
    var phrases: [Phrase] = []
    var current: Range<String.Index>?
    var article: Substring?
    var precedingArticle: Substring?

    func endPhrase() {
      guard let range = current else { return }
      current = nil
      let text = String(query[range])
      let named = precedingArticle.map { $0.lowercased() + " " + text } ?? text
      let start = query.utf8.distance(from: query.startIndex, to: range.lowerBound)
      phrases.append(
        Phrase(
          text: text, sourceRange: start..<start + text.utf8.count, prompt: "a photo of " + named))
    }

    let marks = marked.map { mark in
      query.utf8.index(
        query.startIndex, offsetBy: mark.lowerBound)..<query.utf8.index(
          query.startIndex, offsetBy: mark.upperBound)
    }
    for piece in pieces(of: query) {
      let word = query[piece.range]
      if let mark = marks.first(where: { $0.overlaps(piece.range) }) {
        if current != mark {
          endPhrase()
          (current, precedingArticle, article) = (mark, article, nil)
        }
        continue
      }
      if let range = current, marks.contains(range) { endPhrase() }
      if !isLatin {
        endPhrase()
      } else if !piece.isWord || stopWords.contains(word.lowercased()) {
        endPhrase()
        article = piece.isWord && articles.contains(word.lowercased()) ? word : nil
      } else if let range = current {
        current = range.lowerBound..<piece.range.upperBound
      } else {
        current = piece.range
        precedingArticle = article
        article = nil
      }
    }
    endPhrase()
    return phrases
  }

  /// Words (letters, digits, and apostrophes and hyphens inside) and single marks of punctuation;
  /// white space is left out.
  private static func pieces(
    of query: String
  ) -> [(range: Range<String.Index>, isWord: Bool)] {
    var pieces: [(range: Range<String.Index>, isWord: Bool)] = []
    var index = query.startIndex
    while index < query.endIndex {
      let start = index
      let character = query[index]
      index = query.index(after: index)
      if character.isWhitespace { continue }
      guard character.isLetter || character.isNumber else {
        pieces.append((start..<index, false))
        continue
      }
      while index < query.endIndex {
        let character = query[index]
        let next = query.index(after: index)
        let joins = "'’-".contains(character) && next < query.endIndex && query[next].isLetter
        guard character.isLetter || character.isNumber || joins else { break }
        index = next
      }
      pieces.append((start..<index, true))
    }
    return pieces
  }

  private static func isLatinIfLetter(_ scalar: Unicode.Scalar) -> Bool {
    // Latin letters end before U+0250; 1E00–1EFF holds Vietnamese and other accented ones.
    !scalar.properties.isAlphabetic || scalar.value < 0x250
      || (0x1E00...0x1EFF).contains(scalar.value)
  }

  private static let articles: Set<String> = ["a", "an", "the", "some"]

  private static let stopWords: Set<String> = articles.union([
    "about", "above", "across", "after", "against", "along", "am", "among", "and", "any", "are",
    "around", "as", "at", "be", "before", "behind", "being", "below", "beneath", "beside",
    "between", "both", "but", "by", "can", "do", "does", "down", "during", "each", "for", "from",
    "had", "has", "have", "he", "her", "his", "i", "in", "inside", "into", "is", "it", "its",
    "me", "my", "near", "next", "no", "not", "of", "off", "on", "onto", "or", "our", "out",
    "outside", "over", "she", "that", "their", "them", "there", "these", "they", "this", "those",
    "through", "to", "toward", "towards", "under", "up", "us", "was", "we", "were", "which",
    "while", "who", "whose", "with", "within", "without", "you", "your",
  ])
}
