import FilipLateInteraction
import FilipStore

/// An image of an index as scorers read it.
struct ScoredImage: Sendable {
  let tokens: TokenMatrix
  /// Empty unless a scorer asks for it, and where the index has none.
  private(set) var pooled: [Float] = []
  /// In lower case; empty unless a scorer asks for them.
  private(set) var tags: Set<String> = []

  /// Reads what scorers need of an item, whose record is read only when `item` is `nil`.
  /// - Returns: `nil` when the item has no tokens.
  init?(
    _ id: ItemID, needs: ScorerNeeds, _ snapshot: borrowing Snapshot,
    using decoder: inout TokenDecoder
  ) throws(StoreError) {
    guard let tokens = try snapshot.tokens(of: id, using: &decoder) else { return nil }
    self.tokens = tokens
    if !needs.isDisjoint(with: [.pooledSimilarity, .pooledProducts]) {
      pooled = try snapshot.pooled(of: id) ?? []
    }
    if needs.contains(.tags) {
      tags = Set(try snapshot.item(id)?.tags.map { $0.text.lowercased() } ?? [])
    }
  }

  /// The image beside a text, for the first of its scorers.
  ///
  /// `pair.text` is to be set for the others.
  /// - Throws: `QueryError` when pooled vectors are to be compared with tokens of another dimension.
  func pair(with text: ScoredText, needs: ScorerNeeds) throws(QueryError) -> TextImagePair {
    var pair = TextImagePair(ExactSimilarities(text: text.tokens, image: tokens))
    pair.tags = tags
    guard let pooledText = text.pooled, !pooled.isEmpty else { return pair }
    if needs.contains(.pooledSimilarity), pooledText.count == pooled.count {
      pair.pooledSimilarity = products([pooledText[...]], with: pooled)[0]
    }
    if needs.contains(.pooledProducts) {
      guard pooled.count == tokens.dimension, pooledText.count == tokens.dimension else {
        throw QueryError(
          .unusableReduction,
          "this scorer compares tokens of \(tokens.dimension) dimensions with pooled vectors of "
            + "\(pooled.count), as an index made with --dimension has them; choose another --scorer"
        )
      }
      pair.wordsWithImage = products(
        (0..<text.tokens.tokenCount).map { text.tokens[$0] }, with: pooled)
      pair.patchesWithText = products((0..<tokens.tokenCount).map { tokens[$0] }, with: pooledText)
    }
    return pair
  }

  private func products(_ rows: [ArraySlice<Float>], with vector: [Float]) -> [Double] {
    rows.map { row in zip(row, vector).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
  }
}
