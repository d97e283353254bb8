import FilipEncoders
import FilipLateInteraction
import FilipStore
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct ReducedIndexTests {
  let folder: TemporaryDirectory
  let model: IndexModel
  let pipeline: ImagePipeline

  init() throws {
    folder = try TemporaryDirectory()
    model = try IndexModel(for: nil, requested: GalleryTests.model)
    pipeline = try ImagePipeline(model: model, limits: .scaledToMemory(threadCount: 2))
    let pictures = folder.path + "/pictures"
    try FileManager.default.createDirectory(
      atPath: pictures, withIntermediateDirectories: true)
    let names = try FileManager.default.contentsOfDirectory(atPath: GalleryTests.gallery.path)
      .filter { $0.hasPrefix("scene-") }.sorted().prefix(110)
    for name in names {
      try FileManager.default.copyItem(
        atPath: GalleryTests.gallery.path + "/" + name, toPath: pictures + "/" + name)
    }
  }

  /// Indexes the first pictures and returns the index.
  private func index(
    _ reduction: ReductionRequest, at name: String, glob: String = "*", threadCount: Int = 2
  ) async throws -> (IndexSummary, TokenStore) {
    let store = try model.openForWriting(
      at: folder.path + "/" + name, pipeline: pipeline, reduction: reduction)
    var parameters = IndexParameters(roots: [FilePath(folder.path + "/pictures")])
    parameters.walk.globs = [glob]
    parameters.threadCount = threadCount
    parameters.batchSize = threadCount + 2
    return (
      try await Indexer(store: store, pipeline: pipeline, parameters: parameters).run(), store
    )
  }

  private func tokens(_ store: TokenStore) throws -> [ItemID: TokenMatrix] {
    try store.read { snapshot in
      var ids: [ItemID] = []
      try snapshot.forEachItem { ids.append($0.id) }
      var tokens: [ItemID: TokenMatrix] = [:]
      for id in ids { tokens[id] = try snapshot.tokens(of: id) }
      return tokens
    }
  }

  @Test func `scores are exact for the reduced tokens, and maps have a value per patch`()
    async throws
  {
    let (summary, store) = try await index(
      ReductionRequest(poolFactor: 3, dimension: 40), at: "index", glob: "scene-000*")
    let reduction = try store.read { try TokenReduction($0) }
    #expect(summary.reduction == reduction && summary.learntImageCount == summary.addedCount)
    #expect(reduction.recall == nil, "nine images are too few to measure")
    let encoder = try TextEncoder(model: model.directory)
    let query = reduction.project(query: try encoder.encode("small balloon").tokens)
    var parameters = SearchParameters()
    parameters.explains = true
    let results = try await Searcher(store: store, encoder: encoder)
      .search("small balloon", parameters: parameters)
    #expect(results.hits.count == summary.addedCount && results.reduction == reduction)
    for hit in results.hits {
      let tokens = try #require(try store.read { try $0.tokens(of: hit.item.id) })
      #expect(tokens.tokenCount == 22 && tokens.dimension == 40)
      let expected = referenceMaxSim(
        text: rows(query), image: rows(tokens), direction: .textToImage)
      #expect(abs(Double(hit.score) - expected) < 1e-5)
      let map = try #require(hit.item.patchTokens)
      #expect(map.count == 64)
      for (match, values) in zip(hit.matches, try #require(hit.explanation).parts.map(\.map)) {
        #expect(values.count == 64)
        for (patch, token) in map.enumerated() {
          let similarity = zip(tokens[Int(token)], query[match.term])
            .reduce(0) { $0 + Double($1.0) * Double($1.1) }
          #expect(abs(Double(values[patch]) - similarity) < 1e-5)
        }
        #expect(values[match.patch] == values.max())
      }
    }
  }

  @Test func `what is stored does not depend on threads, nor on a run that was cut in two`()
    async throws
  {
    let request = ReductionRequest(poolFactor: 2, dimension: 48)
    let (one, first) = try await index(request, at: "one", threadCount: 1)
    let (many, second) = try await index(request, at: "many", threadCount: 4)
    #expect(one.addedCount == 110 && one.learntImageCount == 110)
    #expect(one.reduction == many.reduction)
    #expect(one.reduction.recall?.imageCount == 110)
    #expect(try tokens(first) == tokens(second))

    // Ready from the start, images are reduced as they come and never learnt from again.
    let rest: IndexSummary
    do {
      (rest, _) = try await index(
        ReductionRequest(poolFactor: 2), at: "pooled", glob: "*[02468].*")
    }
    #expect(rest.learntImageCount == nil && rest.reduction.recall == nil)
    let (more, third) = try await index(ReductionRequest(), at: "pooled")
    #expect(more.unchangedCount == rest.addedCount && more.reduction.setting.poolFactor == 2)
    #expect(more.reduction.recall == nil, "each half was too small to measure")
    #expect(try tokens(third).values.allSatisfy { $0.tokenCount == 32 && $0.dimension == 128 })
  }

  @Test func `a projection is learnt anew when it is asked for by name and force`() async throws {
    let request = ReductionRequest(dimension: 48)
    let before: TokenReduction
    do {
      let (summary, _) = try await index(request, at: "index", glob: "scene-000*")
      before = summary.reduction
    }
    func reopened(_ request: ReductionRequest) throws -> (Int, TokenReduction) {
      let store = try model.openForWriting(
        at: folder.path + "/index", pipeline: pipeline, reduction: request, replacesModel: true)
      return try store.read { (try $0.readableCount, try TokenReduction($0)) }
    }
    let (keptCount, kept) = try reopened(ReductionRequest())
    #expect(keptCount > 0 && kept == before, "force alone keeps what was learnt")
    let (freshCount, fresh) = try reopened(request)
    #expect(freshCount == 0 && fresh == TokenReduction(setting: before.setting))
    let (summary, _) = try await index(ReductionRequest(), at: "index")
    #expect(summary.addedCount == 110 && summary.reduction.projection != before.projection)
  }

  @Test func `a damaged projection is one clear error, and force gets over it`() async throws {
    do { _ = try await index(ReductionRequest(dimension: 48), at: "index", glob: "scene-000*") }
    do {
      let store = try TokenStore.open(at: folder.path + "/index", mode: .readWrite)
      try store.write { try $0.setNote("projection", to: [1, 2, 3]) }
      #expect(throws: QueryError.self) { try store.read { _ = try TokenReduction($0) } }
    }
    #expect(throws: QueryError.self) {
      try model.openForWriting(at: folder.path + "/index", pipeline: pipeline)
    }
    let store = try model.openForWriting(
      at: folder.path + "/index", pipeline: pipeline, replacesModel: true)
    #expect(try store.read { try TokenReduction($0) } == .none)
    #expect(try store.read { try $0.readableCount } == 0, "all wait to be encoded again")
  }
}
