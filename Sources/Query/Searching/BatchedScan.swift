import FilipLateInteraction
import FilipStore

/// Takes images one by one, scores them a batch at a time, and keeps the best.
final class BatchedScan {
  /// Tokens scored in one product: enough for BLAS, little enough for the cache.
  private static let tokensPerBatch = 4_096

  private var scorer: MaxSimScorer
  private var batch: TokenBatch
  private var ids: [ItemID] = []
  private var best: TopK<ItemID>
  private var count = 0

  init(query: TokenMatrix, direction: ScoreDirection, keeping capacity: Int) {
    scorer = MaxSimScorer(query: query, direction: direction)
    batch = TokenBatch(dimension: query.dimension, tokenCapacity: Self.tokensPerBatch + 1_024)
    best = TopK(capacity: capacity)
  }

  /// Takes one image, whose rows have the query's dimension.
  func add(_ id: ItemID, rows: ArraySlice<Float>, tokenCount: Int) {
    batch.append(rows: rows, tokenCount: tokenCount)
    ids.append(id)
    if batch.tokenCount >= Self.tokensPerBatch { scoreBatch() }
  }

  /// The best of all images taken, and how many those were.
  func finish() -> (best: TopK<ItemID>, count: Int) {
    scoreBatch()
    return (best, count)
  }

  private func scoreBatch() {
    for (id, score) in zip(ids, scorer.scores(of: batch)) {
      best.insert(ScoredItem(id: id, score: score))
    }
    count += ids.count
    ids.removeAll(keepingCapacity: true)
    batch.removeAll()
  }
}
