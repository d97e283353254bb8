import FilipLateInteraction
import FilipStore

extension TermMatch {
  /// How well one part matched: the mean of its tokens' similarities, and the patch of the best.
  init(
    _ term: ScoredTerm, number: Int, rows: Range<Int>, in alignment: Alignment,
    of item: ItemRecord
  ) {
    var sum = 0.0
    var best = rows.lowerBound
    for row in rows {
      sum += Double(alignment.similarities[row])
      if alignment.similarities[row] > alignment.similarities[best] { best = row }
    }
    let token = alignment.patches[best]
    let score = sum / Double(rows.count)
    self.init(
      term: number, score: Float(score), patch: item.patch(ofToken: token),
      region: item.region(ofToken: token), span: item.span(ofToken: token),
      evidence: term.background?.evidence(of: score))
  }
}

extension SimilarityMap {
  /// The largest similarity among some rows, for every token of the image.
  func largest(of rows: Range<Int>) -> [Float] {
    var largest = Array(self[word: rows.lowerBound])
    for row in rows.dropFirst() {
      for (patch, similarity) in self[word: row].enumerated() {
        largest[patch] = max(largest[patch], similarity)
      }
    }
    return largest
  }
}
