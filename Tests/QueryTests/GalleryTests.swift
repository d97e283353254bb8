import FilipEncoders
import FilipLateInteraction
import FilipQuery
import FilipStore
import Foundation
import SystemPackage
import TestSupport
import Testing

/// The bundled model on the gallery whose contents are known, by the program's own pixels,
/// tokenizer, towers, store and search.
@Suite struct GalleryTests {
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let gallery = repository.appendingPathComponent("Examples/gallery")
  static let model = repository.appendingPathComponent("share/filip/models/filip-drawn").path

  struct Query: Decodable {
    var query: String
    var files: [String]
  }

  @Test func `one-object queries find their scene, words and patches better than one vector`()
    async throws
  {
    let folder = try TemporaryDirectory()
    let model = try IndexModel(for: nil, requested: Self.model)
    let parameters = IndexParameters(roots: [FilePath(Self.gallery.path)])
    let pipeline = try ImagePipeline(model: model, limits: parameters.decodingLimits)
    let store = try model.openForWriting(at: folder.path + "/index", pipeline: pipeline)
    let summary = try await Indexer(
      store: store, pipeline: pipeline, parameters: parameters
    ).run()
    #expect(summary.addedCount == 300 && summary.unreadable.isEmpty)

    let queries = try JSONDecoder().decode(
      [Query].self, from: Data(contentsOf: Self.gallery.appendingPathComponent("queries.json")))
    #expect(queries.count >= 300)
    let searcher = Searcher(store: store, encoder: try TextEncoder(model: model.directory))
    func recallAt5(pooled: Bool) async throws -> Double {
      var found = 0
      for query in queries {
        var parameters = SearchParameters()
        parameters.count = 5
        parameters.usesPooledVectors = pooled
        let hits = try await searcher.search(query.query, parameters: parameters).hits
        let names = hits.map { FilePath(bytes: $0.item.path ?? []).lastComponent?.string ?? "" }
        if !Set(names).isDisjoint(with: query.files) { found += 1 }
      }
      return Double(found) / Double(queries.count)
    }
    let late = try await recallAt5(pooled: false)
    let pooled = try await recallAt5(pooled: true)
    print("gallery, one object, R@5: late interaction \(late), pooled vector \(pooled)")
    #expect(late >= 0.75)
    #expect(late > pooled)
  }
}
