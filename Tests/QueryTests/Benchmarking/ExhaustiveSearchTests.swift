import FilipLateInteraction
import FilipStore
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct ExhaustiveSearchTests {
  @Test(arguments: [1, 3], [PlaneLayout.Originals.f16, .none])
  func `the hits are those of the definition, ties included`(
    threadCount: Int, originals: PlaneLayout.Originals
  ) async throws {
    let folder = try TemporaryDirectory()
    let store = try TokenStore.open(
      at: folder.path, mode: .create, layout: PlaneLayout(bits: .eight, originals: originals))
    var generator = SeededGenerator(seed: 11)
    var images: [TokenMatrix] = []
    for image in 0..<180 {
      // Every third image is the one before it: the lower id goes first.
      if image % 3 == 2 {
        images.append(images[image - 1])
        continue
      }
      let tokenCount = Int.random(in: 1...9, using: &generator)
      images.append(
        try TokenMatrix(
          normalizing: generator.floats(tokenCount * 24), tokenCount: tokenCount, dimension: 24))
    }
    try store.write { writer in
      for (image, tokens) in images.enumerated() {
        try writer.insert(ItemRecord(kind: .imported, path: Array("\(image)".utf8)), tokens: tokens)
      }
    }
    let queries = try (1...5).map { words in
      try TokenMatrix(normalizing: generator.floats(words * 24), tokenCount: words, dimension: 24)
    }
    let found = try await ExhaustiveSearch(store: store, threadCount: threadCount)
      .best(20, of: queries)
    for (query, hits) in zip(queries, found) {
      // The tokens as they are stored.
      var expected: [(id: ItemID, score: Double)] = []
      try store.read { snapshot in
        try snapshot.forEachItem { item in
          let image = try #require(try snapshot.tokens(of: item.id))
          expected.append(
            (
              item.id,
              referenceMaxSim(text: rows(query), image: rows(image), direction: .textToImage)
            ))
        }
      }
      expected.sort { $0.score != $1.score ? $0.score > $1.score : $0.id < $1.id }
      #expect(hits.map(\.id) == expected.prefix(20).map(\.id))
      for (hit, wanted) in zip(hits, expected) { #expect(abs(hit.score - wanted.score) < 1e-12) }
    }
  }

  @Test func `recall counts what an engine missed, and latencies are ranked`() async throws {
    let folder = try TemporaryDirectory()
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var parameters = SyntheticCorpus.Parameters()
    parameters.imageCount = 40
    parameters.tokensPerImage = 8
    parameters.dimension = 16
    let corpus = SyntheticCorpus(parameters)
    #expect(try await SyntheticIndex.fill(store, with: corpus, threadCount: 2) == 40)
    #expect(try await SyntheticIndex.fill(store, with: corpus, threadCount: 2) == 0)
    let queries = (0..<6).map { corpus.query($0).tokens }
    let search = ExhaustiveSearch(store: store, threadCount: 1)
    let exact = try await search.best(100, of: queries)
    #expect(exact.allSatisfy { $0.count == 40 })

    // An engine that never finds the best image.
    let blind = BenchmarkEngine(name: "blind") { query, count, _ in
      let hits = try await search.best(count + 1, of: [query])[0]
      return BenchmarkEngine.Answer(
        ids: hits.dropFirst().map(\.id), readByteCount: 10, refinedCount: count)
    }
    let benchmark = SearchBenchmark(engine: blind, queries: queries, count: 7, warmUpCount: 1)
    let recall = try await benchmark.recall(exact: exact, threadCount: 1)
    #expect(recall.queryCount == 6 && recall.shares.map(\.k) == [1, 10])
    #expect(recall.shares[0].share == 0)
    #expect(abs(recall.shares[1].share - 0.9) < 1e-12)

    let run = try await benchmark.timeConcurrently(4)
    #expect(run.latencies.count == 6 && run.readBytesPerQuery == 10 && run.refinedPerQuery == 7)
    var ranked = run
    ranked.latencies = (1...10).map(Double.init)
    #expect(ranked.latency(atShare: 0.5) == 5 && ranked.latency(atShare: 0.95) == 10)
    #expect(ranked.latency(atShare: 0) == 1 && ranked.meanLatency == 5.5)
  }

  @Test func `a synthetic index holds the corpus, bit for bit of half precision`() async throws {
    let folder = try TemporaryDirectory()
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var parameters = SyntheticCorpus.Parameters()
    // More than one commit.
    parameters.imageCount = 300
    parameters.tokensPerImage = 8
    parameters.dimension = 16
    let corpus = SyntheticCorpus(parameters)
    _ = try await SyntheticIndex.fill(store, with: corpus, threadCount: 3)
    try store.read { snapshot in
      for image in [0, 63, 255, 256, 299] {
        let item = try #require(try snapshot.item(forPath: Array("synthetic-\(image)".utf8)))
        let tokens = try #require(try snapshot.tokens(of: item.id))
        for (stored, drawn) in zip(tokens.elements, corpus.tokens(ofImage: image).elements) {
          #expect(abs(stored - drawn) <= abs(drawn) * 0x1p-11 + 0x1p-24)
        }
      }
    }
  }
}
