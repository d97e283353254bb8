import FilipEncoders
import FilipLateInteraction
import FilipStore

/// A part of the query that is scored and shown as one: which tokens belong to it.
struct ScoredPart: Sendable {
  let term: ScoredTerm
  let rows: Range<Int>
}

extension [ScoredPart] {
  /// The words and phrases of a text: all but special tokens, and the sentence as a whole only when
  /// it has no parts.
  init(_ text: EncodedText) {
    let parts = text.terms.filter { $0.kind == .word || $0.kind == .phrase }
    let shown = parts.isEmpty ? text.terms.filter { $0.kind == .sentence } : parts
    self = shown.map {
      ScoredPart(term: ScoredTerm(text: $0.text, sourceRange: $0.sourceRange), rows: $0.rows)
    }
  }

  /// One part for each token of a query that was given as tokens.
  init(tokensOf tokens: TokenMatrix) {
    self = (0..<tokens.tokenCount).map {
      ScoredPart(term: ScoredTerm(text: "token \($0 + 1)", sourceRange: nil), rows: $0..<$0 + 1)
    }
  }
}

extension TermMatch {
  /// How well one part matched: the mean of its tokens' similarities, and the patch of the best.
  init(_ part: ScoredPart, number: Int, in alignment: Alignment, of item: ItemRecord) {
    var sum = 0.0
    var best = part.rows.lowerBound
    for row in part.rows {
      sum += Double(alignment.similarities[row])
      if alignment.similarities[row] > alignment.similarities[best] { best = row }
    }
    let token = alignment.patches[best]
    self.init(
      term: number, score: Float(sum / Double(part.rows.count)), patch: item.patch(ofToken: token),
      region: item.region(ofToken: token), span: item.span(ofToken: token))
  }
}

extension SimilarityMap {
  /// The largest similarity among the part's tokens, for every token of the image.
  func largest(of part: ScoredPart) -> [Float] {
    var largest = Array(self[word: part.rows.lowerBound])
    for row in part.rows.dropFirst() {
      for (patch, similarity) in self[word: row].enumerated() {
        largest[patch] = max(largest[patch], similarity)
      }
    }
    return largest
  }
}
