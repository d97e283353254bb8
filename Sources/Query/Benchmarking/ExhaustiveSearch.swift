package import FilipLateInteraction
import FilipLinearAlgebra
package import FilipStore

/// The best images by the definition of the score, in double precision, whatever the engine does:
/// what recall is measured against.
///
/// The tokens are those that the index keeps: originals, else decoded codes.
///
/// Every image is scored in single precision. All whose score could, within the rounding errors of
/// single precision, be among the k best are scored again with every product and sum in double
/// precision, from the tokens that the index keeps.
package struct ExhaustiveSearch: Sendable {
  /// An image with its score.
  package struct Hit: Sendable, Hashable {
    /// The image.
    package var id: ItemID
    /// Mean over the words of the best similarity.
    package var score: Double
  }

  private let store: TokenStore
  private let threadCount: Int

  /// A search of `store` on some threads.
  package init(store: TokenStore, threadCount: Int) {
    self.store = store
    self.threadCount = max(1, threadCount)
  }

  /// Queries that are scored in one walk through the index, and images in one product.
  private static let queriesPerWalk = 64
  private static let rowsPerProduct = 2_048

  /// The `count` best images of each query, best first; ties by id.
  /// - Precondition: queries have tokens, of the index's dimension.
  /// - Complexity: words of all queries × tokens of all images, dot products.
  package func best(_ count: Int, of queries: [TokenMatrix]) async throws -> [[Hit]] {
    precondition(queries.allSatisfy { $0.tokenCount > 0 }, "queries with tokens")
    var answers: [[Hit]] = []
    for start in stride(from: 0, to: queries.count, by: Self.queriesPerWalk) {
      let part = Array(queries[start..<min(start + Self.queriesPerWalk, queries.count)])
      answers += try await bestOfOneWalk(count, of: part)
    }
    return answers
  }

  private func bestOfOneWalk(_ count: Int, of queries: [TokenMatrix]) async throws -> [[Hit]] {
    let group = try store.snapshots(count: threadCount)
    let ranges = try group.withSnapshot(0) { try $0.idRanges(count: threadCount) }
    let parts = try await withThrowingTaskGroup(of: SingleScores.self) { tasks in
      for (index, range) in ranges.enumerated() {
        tasks.addTask {
          try group.withSnapshot(index) { try singleScores(of: queries, in: range, $0) }
        }
      }
      var parts: [SingleScores] = []
      for try await part in tasks { parts.append(part) }
      return parts
    }
    let candidates = candidates(in: parts, of: queries, keeping: count)
    var answers = [[Hit]](repeating: [], count: queries.count)
    let ids = candidates.keys.sorted()
    try await withThrowingTaskGroup(of: [(query: Int, hit: Hit)].self) { tasks in
      for index in 0..<threadCount {
        tasks.addTask {
          try group.withSnapshot(index) { snapshot in
            var hits: [(query: Int, hit: Hit)] = []
            for position in stride(from: index, to: ids.count, by: threadCount) {
              guard let image = try snapshot.tokens(of: ids[position]) else { continue }
              for query in candidates[ids[position]] ?? [] {
                let score = Self.score(queries[query], image)
                hits.append((query, Hit(id: ids[position], score: score)))
              }
            }
            return hits
          }
        }
      }
      for try await part in tasks {
        for (query, hit) in part { answers[query].append(hit) }
      }
    }
    return answers.map { hits in
      let sorted = hits.sorted { $0.score != $1.score ? $0.score > $1.score : $0.id < $1.id }
      return Array(sorted.prefix(count))
    }
  }

  /// The definition.
  static func score(_ query: TokenMatrix, _ image: TokenMatrix) -> Double {
    let dimension = query.dimension
    let (words, patches) = (query.elements.span, image.elements.span)
    var sum = 0.0
    for word in 0..<query.tokenCount {
      var best = -Double.infinity
      for patch in 0..<image.tokenCount {
        var product = 0.0
        for index in 0..<dimension {
          product +=
            Double(words[word * dimension + index]) * Double(patches[patch * dimension + index])
        }
        best = max(best, product)
      }
      sum += best
    }
    return sum / Double(query.tokenCount)
  }

  // MARK: - Single precision

  /// Scores of a range of images: `scores[image × queries + query]`.
  private struct SingleScores: Sendable {
    var ids: [ItemID] = []
    var scores: [Float] = []
  }

  private func singleScores(
    of queries: [TokenMatrix], in range: Range<ItemID>, _ snapshot: borrowing Snapshot
  ) throws -> SingleScores {
    let dimension = queries[0].dimension
    let words = Matrix(
      queries.flatMap(\.elements), rowCount: queries.reduce(0) { $0 + $1.tokenCount },
      columnCount: dimension)
    var result = SingleScores()
    var rows: [Float] = []
    var offsets = [0]
    var decoder = TokenDecoder()
    func scoreWaiting() {
      guard offsets.count > 1 else { return }
      let tokens = Matrix(rows, rowCount: rows.count / dimension, columnCount: dimension)
      let products = Matrix(rowCount: tokens.rowCount, columnCount: words.rowCount)
      multiply(tokens, transposed: words, into: products)
      let maxima = Matrix(rowCount: offsets.count - 1, columnCount: words.rowCount)
      maximumPerSegment(products, offsets: offsets, into: maxima)
      for image in 0..<maxima.rowCount {
        var word = 0
        for query in queries {
          var sum: Float = 0
          for _ in 0..<query.tokenCount {
            sum += maxima[image, word]
            word += 1
          }
          result.scores.append(sum / Float(query.tokenCount))
        }
      }
      rows.removeAll(keepingCapacity: true)
      offsets = [0]
    }
    var ids: [ItemID] = []
    try snapshot.forEachItem(in: range) { ids.append($0.id) }
    for id in ids {
      guard let image = try snapshot.tokens(of: id, using: &decoder) else { continue }
      guard image.dimension == dimension else {
        throw QueryError(
          .modelMismatch,
          "image \(id) has tokens of \(image.dimension) dimensions and the query of \(dimension)")
      }
      guard image.tokenCount > 0 else { continue }
      result.ids.append(id)
      rows += image.elements
      offsets.append(rows.count / dimension)
      if offsets.last ?? 0 >= Self.rowsPerProduct { scoreWaiting() }
    }
    scoreWaiting()
    return result
  }

  /// Queries that each image may be a hit of.
  private func candidates(
    in parts: [SingleScores], of queries: [TokenMatrix], keeping count: Int
  ) -> [ItemID: [Int]] {
    // A sum of n products of vectors of about length one errs by at most n · 2⁻²⁴ and a little; the
    // mean over the words adds as many roundings as there are words.
    var candidates: [ItemID: [Int]] = [:]
    for (index, query) in queries.enumerated() {
      let error = Float(query.dimension + query.tokenCount + 8) * 0x1p-24 * 1.05
      var best = parts.flatMap { part in
        stride(from: index, to: part.scores.count, by: queries.count).map { part.scores[$0] }
      }
      best.sort(by: >)
      guard count > 0, let worst = best.prefix(count).last else { continue }
      for part in parts {
        for (image, id) in part.ids.enumerated()
        where part.scores[image * queries.count + index] >= worst - 2 * error {
          candidates[id, default: []].append(index)
        }
      }
    }
    return candidates
  }
}
