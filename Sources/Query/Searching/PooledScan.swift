import FilipLateInteraction
import FilipStore

/// Ranks images by their pooled vectors: the single-vector baseline.
struct PooledScan: Sendable {
  private let query: TokenMatrix
  private let scope: Scope
  private let capacity: Int

  /// - Parameter query: one row.
  init(_ query: TokenMatrix, scope: Scope, parameters: SearchParameters) {
    self.query = query
    self.scope = scope
    capacity = parameters.count
  }

  /// Compares the query with every image in scope.
  func ranking(of group: SnapshotGroup) throws -> Ranking {
    var best = TopK<ItemID>(capacity: capacity)
    var scannedCount = 0
    try group.withSnapshot(0) { snapshot in
      try snapshot.forEachPooled { id, vector in
        guard scope.contains(id) else { return }
        guard vector.count == query.dimension else {
          throw QueryError(
            .modelMismatch,
            "image \(id) has a pooled vector of \(vector.count) dimensions and the query of "
              + "\(query.dimension); search with the model that made the index (drop --model)")
        }
        var score = 0.0
        for (a, b) in zip(vector, query.elements) { score += Double(a) * Double(b) }
        best.insert(ScoredItem(id: id, score: score))
        scannedCount += 1
      }
    }
    return Ranking(
      best: best.sorted, scannedCount: scannedCount,
      proof: SearchProof(reference: .originals, rescoredCount: 0, refinedCount: scannedCount),
      similarities: { _ in nil })
  }
}
