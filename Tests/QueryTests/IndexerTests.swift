import FilipEncoders
import FilipLateInteraction
import FilipQuery
import FilipStore
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct IndexerTests {
  let folder: TemporaryDirectory
  let model: IndexModel

  init() throws {
    folder = try TemporaryDirectory()
    model = try IndexModel(for: nil, requested: GalleryTests.model)
  }

  private func run(
    _ configure: (inout IndexParameters) -> Void = { _ in }, at name: String = "index"
  )
    async throws -> (IndexSummary, TokenStore)
  {
    let store = try model.openForWriting(at: folder.path + "/" + name)
    var parameters = IndexParameters(roots: [FilePath(folder.path + "/pictures")])
    configure(&parameters)
    return (try await Indexer(store: store, model: model, parameters: parameters).run(), store)
  }

  private func copyPictures(_ count: Int) throws {
    try FileManager.default.createDirectory(
      atPath: folder.path + "/pictures", withIntermediateDirectories: true)
    let names = try FileManager.default.contentsOfDirectory(atPath: GalleryTests.gallery.path)
      .filter { $0.hasPrefix("scene-") }.sorted().prefix(count)
    for name in names {
      try FileManager.default.copyItem(
        atPath: GalleryTests.gallery.path + "/" + name, toPath: folder.path + "/pictures/" + name)
    }
  }

  private func ids(_ store: TokenStore) throws -> [ItemID: [UInt8]] {
    try store.read { snapshot in
      var ids: [ItemID: [UInt8]] = [:]
      try snapshot.forEachItem { ids[$0.id] = $0.path }
      return ids
    }
  }

  @Test func `ids follow the walk whatever the number of threads and the size of batches`()
    async throws
  {
    try copyPictures(23)
    let (_, store) = try await run {
      $0.threadCount = 1; $0.batchSize = 1
    }
    let (_, other) = try await run(
      {
        $0.threadCount = 5; $0.batchSize = 3
      }, at: "other")
    #expect(try ids(store) == ids(other))
    let paths = try ids(store).sorted { $0.key < $1.key }.map { $0.value }
    #expect(paths == paths.sorted { $0.lexicographicallyPrecedes($1) })
    // Tokens do not depend on what shared a batch.
    try store.read { one in
      try other.read { many in
        for id in try ids(store).keys { #expect(try one.tokens(of: id) == many.tokens(of: id)) }
      }
    }
  }

  @Test func `progress reaches every file and never goes back`() async throws {
    try copyPictures(20)
    let seen = Recorder()
    let store = try model.openForWriting(at: folder.path + "/index")
    let parameters = IndexParameters(roots: [FilePath(folder.path + "/pictures")])
    _ = try await Indexer(store: store, model: model, parameters: parameters).run { seen.add($0) }
    let counts = seen.all.map(\.finishedCount)
    #expect(counts == counts.sorted() && counts.last == 20)
    #expect(seen.all.last?.encodedCount == 20)
  }

  @Test func `a cancelled run keeps what it committed and says so`() async throws {
    try copyPictures(40)
    let store = try model.openForWriting(at: folder.path + "/index")
    var parameters = IndexParameters(roots: [FilePath(folder.path + "/pictures")])
    parameters.batchSize = 2
    let indexer = try Indexer(store: store, model: model, parameters: parameters)
    let summary = try await withThrowingTaskGroup(of: IndexSummary.self) { group in
      group.addTask {
        try await indexer.run { progress in
          if progress.finishedCount >= 4 { withUnsafeCurrentTask { $0?.cancel() } }
        }
      }
      return try await group.next()!
    }
    #expect(summary.isInterrupted)
    #expect(summary.addedCount >= 4 && summary.addedCount < 40)
    #expect(try store.read { try $0.readableCount } == summary.addedCount)
    let rest = try await indexer.run()
    #expect(rest.addedCount + summary.addedCount == 40 && !rest.isInterrupted)
  }

  @Test func `a root inside another root is walked once, a missing one is an error`() async throws {
    try copyPictures(3)
    let (summary, _) = try await run {
      $0.roots += [FilePath(folder.path + "/pictures/scene-0001.jpg"), $0.roots[0]]
    }
    #expect(summary.addedCount == 3)
    await #expect(throws: QueryError.self) {
      try await run { $0.roots = [FilePath(folder.path + "/nowhere")] }
    }
  }

  @Test func `another model is refused, and replaces the index only when asked to`() async throws {
    try copyPictures(3)
    let (_, store) = try await run()
    withExtendedLifetime(store) {}
    let other = folder.path + "/other-model"
    try FileManager.default.copyItem(atPath: GalleryTests.model, toPath: other)
    let weights = try FileHandle(forUpdating: URL(fileURLWithPath: other + "/model.safetensors"))
    let end = try weights.seekToEnd()
    try weights.seek(toOffset: end - 2)
    try weights.write(contentsOf: [1, 2])
    try weights.close()
    let reader = try TokenStore.open(at: folder.path + "/index", mode: .readOnly)
    #expect(throws: QueryError.self) { try IndexModel(for: reader, requested: other) }
    let replacing = try IndexModel(for: reader, requested: other, replacesModel: true)
    #expect(
      replacing.imageFingerprint != model.imageFingerprint
        || replacing.directory.textFingerprint != model.directory.textFingerprint)
  }

  private final class Recorder: @unchecked Sendable {
    // Sendable because the lock guards the only state.
    private let lock = NSLock()
    private var values: [IndexProgress] = []
    var all: [IndexProgress] { lock.withLock { values } }
    func add(_ progress: IndexProgress) { lock.withLock { values.append(progress) } }
  }
}
