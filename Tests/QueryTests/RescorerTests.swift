import FilipLateInteraction
import FilipStore
import TestSupport
import Testing

@testable import FilipQuery

/// Searches by a scorer against scoring every image by it.
@Suite struct RescorerTests {
  let folder: TemporaryDirectory
  let store: TokenStore
  let query: TokenMatrix

  /// Random images; few dimensions, so that some match well.
  init() throws {
    folder = try TemporaryDirectory(inMemory: true)
    store = try TokenStore.open(at: folder.path, mode: .create)
    var generator = SeededGenerator(seed: 5)
    func tokens(_ count: Int) throws -> TokenMatrix {
      try TokenMatrix(normalizing: generator.floats(count * 8), tokenCount: count, dimension: 8)
    }
    query = try tokens(3)
    let images = try (0..<120).map { _ in try tokens(Int.random(in: 1...20, using: &generator)) }
    try store.write { writer in
      for (number, image) in images.enumerated() {
        var record = ItemRecord(kind: .imported, path: Array("/\(number)".utf8))
        if number % 3 == 0 { record.tags = [ItemTag("token")!] }
        try writer.insert(record, tokens: image)
      }
    }
  }

  /// Every image's score, best first; ties by id.
  func truth(_ specification: String) throws -> [ScoredItem<ItemID>] {
    let scorer = try ScorerSpecification(parsing: specification).scorer
    return try store.read { snapshot in
      var all: [ScoredItem<ItemID>] = []
      try snapshot.forEachItem { item in
        guard let image = try snapshot.tokens(of: item.id) else { return }
        var pair = TextImagePair(ExactSimilarities(text: query, image: image))
        pair.text = TextTraits(tokens: query, bags: [0..<1, 1..<2, 2..<3])
        pair.tags = Set(item.tags.map(\.text))
        all.append(ScoredItem(id: item.id, score: scorer.score(pair)))
      }
      return all.sorted()
    }
  }

  func results(
    _ specification: String, count: Int, candidates: Int
  ) async throws -> SearchResults {
    var rescorer = try Rescorer(
      store: store, encoder: nil, scorer: try ScorerSpecification(parsing: specification))
    rescorer.candidateCount = candidates
    var parameters = SearchParameters()
    parameters.count = count
    return try await rescorer.search(tokens: query, parameters: parameters)
  }

  static let scorers = [
    "filip", "filip:direction=i2t", "filip:direction=mean", "filip:direction=i2t,padding=zero",
    "colbert", "bagformer", "bagformer:side=i2t", "ot", "ot:method=sinkhorn", "soft", "top-r",
    "tags",
  ]

  @Test(arguments: scorers)
  func `with all images as candidates the hits are the best of all, and exact`(
    scorer: String
  ) async throws {
    let truth = try truth(scorer).prefix(7)
    let results = try await results(scorer, count: 7, candidates: 1000)
    #expect(results.hits.map(\.item.id) == truth.map(\.id))
    #expect(results.hits.map(\.rank) == Array(1...7))
    for (hit, scored) in zip(results.hits, truth) {
      #expect(abs(Double(hit.score) - scored.score) < 1e-6)
      #expect(hit.matches.count == 3)
    }
    #expect(results.proof.isExact)
  }

  @Test(arguments: scorers)
  func `what is said to be exact is the best of all, with any number of candidates`(
    scorer: String
  ) async throws {
    let truth = try truth(scorer)
    var exactCount = 0
    for candidates in [1, 5, 20, 60, 119] {
      let results = try await results(scorer, count: 5, candidates: candidates)
      #expect(results.hits.count == 5)
      if results.proof.isExact {
        exactCount += 1
        #expect(results.hits.map(\.item.id) == truth.prefix(5).map(\.id), "\(candidates)")
      } else {
        #expect(results.proof.candidateCount == max(5, candidates))
      }
    }
    switch scorer {
    // The scan ranks as they do.
    case "filip", "filip:direction=i2t", "filip:direction=mean", "colbert": #expect(exactCount == 5)
    // Nothing bounds them.
    case "filip:direction=i2t,padding=zero", "bagformer", "bagformer:side=i2t":
      #expect(exactCount == 0)
    // Some number of candidates is enough for a proof.
    default: #expect(exactCount > 0)
    }
  }

  @Test func `a scorer of pooled vectors refuses a query of tokens`() async throws {
    do {
      _ = try await results("tokenflow", count: 1, candidates: 1)
      Issue.record("no error")
    } catch let error as QueryError {
      #expect(error.message.contains("tokenflow compares pooled vectors"))
    }
  }
}
