import FilipLateInteraction
import FilipStore
import TestSupport
import Testing

@testable import FilipQuery

/// Hits of weighted, combined and excluding queries against all images scored in double precision.
@Suite struct BoundedRescoringTests {
  @Test(arguments: Query.Combination.allCases, [PlaneBits.eight, .four])
  func `the hits are those of an exhaustive search`(
    combination: Query.Combination, bits: PlaneBits
  ) async throws {
    var generator = SeededGenerator(seed: 31)
    for round in 0..<60 {
      let dimension = Int.random(in: 2...24, using: &generator)
      func tokens(_ count: ClosedRange<Int>) throws -> TokenMatrix {
        let count = Int.random(in: count, using: &generator)
        return try TokenMatrix(
          normalizing: generator.floats(count * dimension), tokenCount: count,
          dimension: dimension)
      }
      // More images than the first scan keeps, so that it has to be repeated now and then.
      let images = try (0..<Int.random(in: 1...150, using: &generator)).map { _ in
        try tokens(1...6)
      }
      let planted = try PlantedStore(images, layout: PlaneLayout(bits: bits))
      var query = EncodedQuery(tokens: try tokens(2...5))
      if combination == .mean {
        query.weights = query.weights.map { _ in Double.random(in: 0.1...3, using: &generator) }
      }
      query.parts[0].rows = 0..<2
      query.parts.remove(at: 1)
      query.combination = combination
      for _ in 0..<Int.random(in: 0...2, using: &generator) {
        query.exclusions.append(
          EncodedQuery.Exclusion(
            term: ScoredTerm(
              text: "x", sourceRange: nil, weight: .random(in: 0.5...20, using: &generator)),
            tokens: try tokens(1...2)))
      }
      let count = Int.random(in: 1...12, using: &generator)
      let (_, results) = try await planted.search(query, count: count) {
        $0.threadCount = round % 3 == 0 ? 2 : 1
      }
      let ceilings = results.exclusions.map { $0.background!.ceiling }
      var truth: [(id: ItemID, score: Double)] = []
      try planted.store.read { snapshot in
        try snapshot.forEachItem { item in
          let image = try #require(try snapshot.tokens(of: item.id))
          truth.append((item.id, reference(query, rows(image), ceilings)))
        }
      }
      truth.sort { $0.score != $1.score ? $0.score > $1.score : $0.id < $1.id }
      #expect(results.scannedCount == images.count)
      #expect(results.hits.map(\.item.id) == truth.prefix(count).map(\.id), "round \(round)")
      for (hit, expected) in zip(results.hits, truth) {
        #expect(abs(Double(hit.score) - expected.score) < 2e-6, "round \(round)")
      }
    }
  }

  /// The documented formula, with nothing of the engine.
  private func reference(
    _ query: EncodedQuery, _ image: [[Double]], _ ceilings: [Double]
  ) -> Double {
    func best(_ row: [Double]) -> Double {
      image.map { zip(row, $0).reduce(0) { $0 + $1.0 * $1.1 } }.max()!
    }
    let words = rows(query.tokens).map(best)
    let parts = query.parts.map { part in
      part.rows.reduce(0) { $0 + words[$1] } / Double(part.rows.count)
    }
    var score =
      switch query.combination {
      case .mean:
        zip(words, query.weights).reduce(0) { $0 + $1.0 * $1.1 } / query.weights.reduce(0, +)
      case .all: parts.min()!
      case .any: parts.max()!
      }
    for (exclusion, ceiling) in zip(query.exclusions, ceilings) {
      let shown = rows(exclusion.tokens).map(best)
      let mean = shown.reduce(0, +) / Double(shown.count)
      score -= exclusion.term.weight * max(0, mean - ceiling)
    }
    return score
  }

  @Test func `a scan is repeated until no other image can be among the best`() async throws {
    // The hundred best by the base score show what must not be there; the first scan keeps 64.
    var images: [PlantedImage] = []
    for number in 0..<900 {
      var image = PlantedImage(rowCount: 1, columnCount: 3)
      image.paint(.red, strength: number < 100 ? 0.95 : 0.5, row: 0, column: 0)
      if number < 100 { image.paint(.blue, row: 0, column: 1) }
      if number == 899 { image.paint(.red, strength: 0.6, row: 0, column: 2) }
      images.append(image)
    }
    let planted = try PlantedStore(images)
    let (numbers, results) = try await planted.search(
      EncodedQuery(.red).without(.blue), count: 1)
    #expect(numbers == [899])
    #expect(results.proof.isExact)
  }

  @Test func `of images that score the same the earlier come first, however they were found`()
    async throws
  {
    let image = PlantedImage(.red, .blue, nil)
    let planted = try PlantedStore(Array(repeating: image, count: 300))
    for combination in Query.Combination.allCases {
      let query = EncodedQuery(.red, .blue, combination: combination).without(.green)
      #expect(try await planted.search(query, count: 5).numbers == [0, 1, 2, 3, 4])
    }
  }
}
