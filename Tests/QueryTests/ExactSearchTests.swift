import FilipLateInteraction
import FilipStore
import Foundation
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct ExactSearchTests {
  @Test(arguments: ScoreDirection.allCases)
  func `the proven hits are those of an exhaustive search in double precision`(
    direction: ScoreDirection
  ) async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    let searcher = Searcher(store: store, encoder: nil)
    var generator = SeededGenerator(seed: 7)
    // 3,400 indexes for each of three directions: more than 10,000.
    for round in 0..<3_400 {
      let planted = try PlantedIndex(using: &generator)
      try planted.replace(contentsOf: store)
      var parameters = SearchParameters()
      parameters.count = Int.random(in: 1...6, using: &generator)
      parameters.direction = direction
      parameters.threadCount = round % 3 == 0 ? 2 : 1
      let results = try await searcher.search(tokens: planted.query, parameters: parameters)
      let truth = try planted.scores(in: store, direction: direction)
      #expect(results.scannedCount == truth.count, "round \(round)")
      try #require(results.hits.count == min(parameters.count, truth.count), "round \(round)")
      let found = Set(results.hits.map(\.item.id))
      let worst = try #require(results.hits.compactMap { truth[$0.item.id] }.min())
      for (id, score) in truth where !found.contains(id) {
        #expect(score <= worst + 1e-12, "round \(round): item \(id) was missed")
        // Images with the same tokens have the same score: the lower id comes first.
        if score == worst {
          let last = try #require(results.hits.filter { truth[$0.item.id] == worst }.last)
          #expect(id > last.item.id, "round \(round): a tie went to the higher id")
        }
      }
      for hit in results.hits {
        #expect(abs(Double(hit.score) - truth[hit.item.id]!) < 1e-6, "round \(round)")
      }
      for (a, b) in zip(results.hits, results.hits.dropFirst()) {
        #expect(truth[a.item.id]! >= truth[b.item.id]! - 1e-12, "round \(round): order")
      }
    }
  }

  @Test func `a search of a larger index refines few images and finds the same`() async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var generator = SeededGenerator(seed: 11)
    let concepts = try (0..<300).map { _ in
      try TokenMatrix(normalizing: generator.floats(64), tokenCount: 1, dimension: 64).elements
    }
    func tokens(_ count: Int, noise: Float) throws -> TokenMatrix {
      var elements: [Float] = []
      for _ in 0..<count {
        let concept = concepts[Int.random(in: 0..<concepts.count, using: &generator)]
        elements += zip(concept, generator.floats(64)).map { $0 + noise * $1 }
      }
      return try TokenMatrix(normalizing: elements, tokenCount: count, dimension: 64)
    }
    try store.write { writer in
      for number in 0..<2_000 {
        let record = ItemRecord(kind: .imported, path: Array("/\(number)".utf8))
        try writer.insert(record, tokens: try tokens(17, noise: 0.1))
      }
    }
    let searcher = Searcher(store: store, encoder: nil)
    let queries = try [1, 3, 8, 24].map { try tokens($0, noise: 0.08) }
    let batch = try await searcher.search(batch: queries)
    for (number, query) in queries.enumerated() {
      let words = query.tokenCount
      let results = try await searcher.search(tokens: query)
      #expect(batch[number].hits.map(\.item.id) == results.hits.map(\.item.id), "in a batch")
      #expect(batch[number].hits.map(\.score) == results.hits.map(\.score), "in a batch")
      var best = TopK<ItemID>(capacity: 10)
      try store.read { snapshot in
        try snapshot.forEachItem { item in
          let image = try #require(try snapshot.tokens(of: item.id))
          let score = referenceMaxSim(
            text: rows(query), image: rows(image), direction: .textToImage)
          best.insert(ScoredItem(id: item.id, score: score))
        }
      }
      #expect(results.hits.map(\.item.id) == best.sorted.map(\.id), "\(words) words")
      #expect(results.scannedCount == 2_000)
      #expect(results.proof.relativeTo == .originals)
      #expect(results.proof.refinedCount >= 10)
      #expect(results.proof.refinedCount < 200, "\(words) words")
    }
  }

  @Test func `hits that seemed too low while better ones were early are read in the end`()
    async throws
  {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var generator = SeededGenerator(seed: 23)
    let query = try TokenMatrix(
      normalizing: generator.floats(3 * 64), tokenCount: 3, dimension: 64)
    // Some 490 images fill a segment. The first, which is read whole, has two of the ten hits, so
    // the floor is expected high; the eight others stand in the second.
    let noise: [Int: Float] = [5: 0, 9: 0.02].merging(
      (0..<8).map { (600 + 20 * $0, 0.11 + 0.003 * Float($0)) }
    ) { first, _ in first }
    try store.write { writer in
      for number in 0..<2_900 {
        var elements = generator.floats(32 * 64)
        if let noise = noise[number] {
          for index in 0..<3 * 64 {
            elements[index] = query.elements[index] + noise * elements[index]
          }
        }
        try writer.insert(
          ItemRecord(kind: .imported, path: Array("/\(number)".utf8)),
          tokens: try TokenMatrix(normalizing: elements, tokenCount: 32, dimension: 64))
      }
    }
    var parameters = SearchParameters()
    parameters.threadCount = 1
    let results = try await Searcher(store: store, encoder: nil).search(
      tokens: query, parameters: parameters)
    #expect(Set(results.hits.map(\.item.id.rawValue)) == Set(noise.keys.map { UInt64($0 + 1) }))
    #expect(results.scannedCount == 2_900)
    // Of some images the high nibbles were enough.
    #expect(results.proof.rescoredCount < 2_900)
    let batch = try await Searcher(store: store, encoder: nil).search(
      batch: [query, query], parameters: parameters)
    #expect(batch.allSatisfy { $0.hits.map(\.item.id) == results.hits.map(\.item.id) })
  }

  @Test func `tokens of another dimension are refused by name`() async throws {
    let folder = try TemporaryDirectory()
    let store = try TokenStore.open(at: folder.path, mode: .create)
    try store.write { writer in
      try writer.insert(
        ItemRecord(kind: .imported, path: Array("/a".utf8)),
        tokens: try TokenMatrix(normalizing: [1, 0, 0], tokenCount: 1, dimension: 3))
    }
    let query = try TokenMatrix(normalizing: [1, 0], tokenCount: 1, dimension: 2)
    await #expect(throws: QueryError.self) {
      try await Searcher(store: store, encoder: nil).search(tokens: query)
    }
  }
}

/// A small index made to create near ties: images share tokens, exactly or nearly.
private struct PlantedIndex {
  var images: [TokenMatrix]
  var query: TokenMatrix

  init(using generator: inout SeededGenerator) throws {
    let dimension = Int.random(in: 1...40, using: &generator)
    let nudge: Float = [0, 1e-5, 1e-3, 0.02, 1].randomElement(using: &generator)!
    let bases = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
      generator.floats(dimension)
    }
    func tokens(_ count: Int, _ generator: inout SeededGenerator) throws -> TokenMatrix {
      var elements: [Float] = []
      for _ in 0..<count {
        let base = bases[Int.random(in: 0..<bases.count, using: &generator)]
        let isExact = Bool.random(using: &generator)
        let noise = generator.floats(dimension)
        elements += zip(base, noise).map { isExact ? $0 : $0 + nudge * $1 }
      }
      return try TokenMatrix(normalizing: elements, tokenCount: count, dimension: dimension)
    }
    images = try (0..<Int.random(in: 1...24, using: &generator)).map { _ in
      try tokens(Int.random(in: 1...20, using: &generator), &generator)
    }
    query = try tokens(Int.random(in: 1...5, using: &generator), &generator)
  }

  /// Makes the store hold these images and nothing else.
  func replace(contentsOf store: TokenStore) throws {
    var old: [ItemID] = []
    try store.read { snapshot in try snapshot.forEachItem { old.append($0.id) } }
    try store.write { writer in
      for id in old { try writer.remove(id) }
      for (number, image) in images.enumerated() {
        try writer.insert(
          ItemRecord(kind: .imported, path: Array("/\(number)".utf8)), tokens: image)
      }
    }
  }

  /// The score of every image, computed from the tokens as the store keeps them.
  func scores(in store: TokenStore, direction: ScoreDirection) throws -> [ItemID: Double] {
    var scores: [ItemID: Double] = [:]
    try store.read { snapshot in
      try snapshot.forEachItem { item in
        let image = try #require(try snapshot.tokens(of: item.id))
        scores[item.id] = referenceMaxSim(
          text: rows(query), image: rows(image), direction: direction)
      }
    }
    return scores
  }
}
