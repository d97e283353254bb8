import FilipEncoders
import FilipLateInteraction
import FilipQuery
import FilipStore
import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct IndexerTests {
  let folder: TemporaryDirectory
  let model: IndexModel
  let pipeline: ImagePipeline

  init() throws {
    folder = try TemporaryDirectory()
    model = try IndexModel(for: nil, requested: GalleryTests.model)
    pipeline = try ImagePipeline(model: model, limits: .scaledToMemory(threadCount: 2))
  }

  private func run(
    _ configure: (inout IndexParameters) -> Void = { _ in }, at name: String = "index"
  )
    async throws -> (IndexSummary, TokenStore)
  {
    let store = try model.openForWriting(at: folder.path + "/" + name, pipeline: pipeline)
    var parameters = IndexParameters(roots: [FilePath(folder.path + "/pictures")])
    configure(&parameters)
    return (
      try await Indexer(store: store, pipeline: pipeline, parameters: parameters).run(), store
    )
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

  @Test func `a moved root keeps its ids and is not encoded again, beside a copy of it`()
    async throws
  {
    // 300 files of 15 contents, in 20 folders; and another root with the same 15 pictures.
    try copyPictures(15)
    let files = FileManager.default
    let names = try files.contentsOfDirectory(atPath: folder.path + "/pictures")
    let copy = folder.path + "/copy"
    try files.moveItem(atPath: folder.path + "/pictures", toPath: copy)
    for number in 0..<20 {
      let target = folder.path + "/pictures/\(number)"
      try files.createDirectory(atPath: target, withIntermediateDirectories: true)
      for name in names {
        try files.copyItem(atPath: copy + "/" + name, toPath: target + "/" + name)
      }
    }
    let (first, store) = try await run {
      $0.roots = [FilePath(self.folder.path + "/pictures"), FilePath(copy)]
    }
    #expect(first.addedCount == 315)
    let before = try ids(store)
    let tokens = try store.read { snapshot in
      try before.keys.sorted().map { try snapshot.tokens(of: $0) }
    }
    let moved = folder.path + "/moved/pictures"
    try files.createDirectory(atPath: folder.path + "/moved", withIntermediateDirectories: true)
    try files.moveItem(atPath: folder.path + "/pictures", toPath: moved)
    var parameters = IndexParameters(roots: [FilePath(moved)])
    parameters.threadCount = 2
    let progress = Mutex(IndexProgress())
    let summary = try await Indexer(store: store, pipeline: pipeline, parameters: parameters)
      .run { report in progress.withLock { $0 = report } }
    #expect(progress.withLock { $0.encodedCount } == 0)
    #expect(summary.renamedCount == 300 && summary.addedCount == 0 && summary.removedCount == 0)
    let old = Array((folder.path + "/pictures/").utf8)
    let expected = before.mapValues { path in
      path.starts(with: old) ? Array((moved + "/").utf8) + path.dropFirst(old.count) : path
    }
    #expect(try ids(store) == expected)
    let kept = try store.read { snapshot in
      try before.keys.sorted().map { try snapshot.tokens(of: $0) }
    }
    #expect(kept == tokens)
    let report = try store.read { snapshot in try snapshot.audit() }
    #expect(report.isSound)
    // Both roots are in step with the index.
    parameters.roots = [FilePath(moved), FilePath(copy)]
    let second = try await Indexer(store: store, pipeline: pipeline, parameters: parameters).run()
    #expect(second.unchangedCount == 315 && second.renamedCount == 0)
  }

  @Test func `progress reaches every file and never goes back`() async throws {
    try copyPictures(20)
    let seen = Recorder()
    let store = try model.openForWriting(at: folder.path + "/index", pipeline: pipeline)
    let parameters = IndexParameters(roots: [FilePath(folder.path + "/pictures")])
    _ = try await Indexer(store: store, pipeline: pipeline, parameters: parameters).run {
      seen.add($0)
    }
    let counts = seen.all.map(\.finishedCount)
    #expect(counts == counts.sorted() && counts.last == 20)
    #expect(seen.all.last?.encodedCount == 20)
  }

  @Test func `a cancelled run keeps what it committed and says so`() async throws {
    try copyPictures(40)
    let store = try model.openForWriting(at: folder.path + "/index", pipeline: pipeline)
    var parameters = IndexParameters(roots: [FilePath(folder.path + "/pictures")])
    parameters.batchSize = 2
    let indexer = try Indexer(store: store, pipeline: pipeline, parameters: parameters)
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

  /// The bundled model with other last weights.
  private func otherModel() throws -> String {
    let other = folder.path + "/other-model"
    try FileManager.default.copyItem(atPath: GalleryTests.model, toPath: other)
    let weights = try FileHandle(forUpdating: URL(fileURLWithPath: other + "/model.safetensors"))
    let end = try weights.seekToEnd()
    try weights.seek(toOffset: end - 2)
    try weights.write(contentsOf: [1, 2])
    try weights.close()
    return other
  }

  @Test func `another model is refused, and replaces the first only when asked to`() async throws {
    try copyPictures(3)
    let before: [ItemID: [UInt8]]
    do {
      let (_, store) = try await run()
      before = try ids(store)
    }
    let reader = try TokenStore.open(at: folder.path + "/index", mode: .readOnly)
    let other = try otherModel()
    #expect(throws: QueryError.self) { try IndexModel(for: reader, requested: other) }

    let replacing = try IndexModel(for: reader, requested: other, replacesModel: true)
    #expect(replacing.imageFingerprint != model.imageFingerprint)
    let pipeline = try ImagePipeline(model: replacing, limits: .scaledToMemory(threadCount: 2))
    do {
      let store = try replacing.openForWriting(
        at: folder.path + "/index", pipeline: pipeline, replacesModel: true)
      // Nothing of the first model is found any more, and nothing is forgotten.
      #expect(try store.read { try $0.readableCount } == 0)
      #expect(try ids(store) == before)
      let parameters = IndexParameters(roots: [FilePath(folder.path + "/pictures")])
      let summary = try await Indexer(
        store: store, pipeline: pipeline, parameters: parameters
      ).run()
      #expect(summary.addedCount == 3 && summary.imageCount == 3)
      #expect(try ids(store) == before, "ids outlive a change of model")
    }
    #expect(try IndexModel(for: reader).location.path.string == other)
  }

  @Test func `a model that cannot be loaded replaces nothing`() async throws {
    try copyPictures(3)
    do { _ = try await run() }
    let other = try otherModel()
    try FileManager.default.removeItem(atPath: other + "/tokenizer.json")
    let reader = try TokenStore.open(at: folder.path + "/index", mode: .readOnly)
    let replacing = try IndexModel(for: reader, requested: other, replacesModel: true)
    let pipeline = try ImagePipeline(model: replacing, limits: .scaledToMemory(threadCount: 2))
    #expect(throws: EncoderError.self) {
      try replacing.openForWriting(
        at: folder.path + "/index", pipeline: pipeline, replacesModel: true)
    }
    #expect(try reader.read { try $0.readableCount } == 3)
  }

  @Test func `the walk runs ahead of the encoder, so progress knows the whole early`() async throws
  {
    try copyPictures(120)
    let seen = Recorder()
    let store = try model.openForWriting(at: folder.path + "/index", pipeline: pipeline)
    var parameters = IndexParameters(roots: [FilePath(folder.path + "/pictures")])
    parameters.batchSize = 2
    _ = try await Indexer(
      store: store, pipeline: pipeline, parameters: parameters
    ).run { seen.add($0) }
    let early = try #require(seen.all.first { $0.isWalkFinished })
    #expect(early.foundCount == 120 && early.finishedCount < 100)
  }

  @Test func `of several vanished twins under the roots each gives its id to one file`()
    async throws
  {
    try copyPictures(2)
    let pictures = folder.path + "/pictures"
    let files = FileManager.default
    try files.copyItem(
      atPath: pictures + "/scene-0001.jpg", toPath: pictures + "/twin.jpg")
    let (_, store) = try await run()
    let before = try ids(store)
    try files.createDirectory(atPath: pictures + "/z", withIntermediateDirectories: true)
    try files.moveItem(atPath: pictures + "/scene-0001.jpg", toPath: pictures + "/z/a.jpg")
    try files.moveItem(atPath: pictures + "/twin.jpg", toPath: pictures + "/z/b.jpg")
    let indexer = try Indexer(
      store: store, pipeline: pipeline,
      parameters: IndexParameters(roots: [FilePath(pictures)]))
    let summary = try await indexer.run()
    #expect(summary.renamedCount == 2 && summary.addedCount == 0 && summary.removedCount == 0)
    #expect(Set(try ids(store).keys) == Set(before.keys))

    // A vanished file under another root keeps its record: that disk may be unmounted.
    try files.createDirectory(atPath: folder.path + "/other", withIntermediateDirectories: true)
    try files.moveItem(atPath: pictures + "/z/a.jpg", toPath: folder.path + "/other/a.jpg")
    let elsewhere = try Indexer(
      store: store, pipeline: pipeline,
      parameters: IndexParameters(roots: [FilePath(folder.path + "/other")]))
    #expect(try await elsewhere.run().addedCount == 1)
    #expect(try ids(store).count == 4)
  }

  @Test func `what was unreadable is tried again, what became unreachable is kept`() async throws {
    try copyPictures(3)
    let pictures = folder.path + "/pictures"
    let strict = try ImagePipeline(model: model, limits: DecodingLimits(maximumPixelCount: 100))
    let store = try model.openForWriting(at: folder.path + "/index", pipeline: pipeline)
    let parameters = IndexParameters(roots: [FilePath(pictures)])
    let first = try await Indexer(store: store, pipeline: strict, parameters: parameters).run()
    #expect(first.unreadable.count == 3 && first.unreadable[0].reason.contains("--max-megapixels"))
    let second = try await Indexer(store: store, pipeline: pipeline, parameters: parameters).run()
    #expect(second.unreadable.isEmpty && second.imageCount == 3)

    // A file that grew beyond the limits is no longer what its record says.
    let grown = try FileHandle(
      forUpdating: URL(fileURLWithPath: pictures + "/scene-0001.jpg"))
    try grown.truncate(atOffset: 65 << 20)
    try grown.close()
    let large = try await Indexer(store: store, pipeline: strict, parameters: parameters).run()
    #expect(large.unreadable.count == 1 && large.imageCount == 2)
    #expect(large.unreadable.first?.reason.contains("limit") == true)
    try FileManager.default.removeItem(atPath: pictures + "/scene-0001.jpg")
    try FileManager.default.copyItem(
      atPath: GalleryTests.gallery.path + "/scene-0001.jpg", toPath: pictures + "/scene-0001.jpg")
    #expect(
      try await Indexer(store: store, pipeline: pipeline, parameters: parameters).run().imageCount
        == 3)

    // A path that became a folder has vanished.
    try FileManager.default.removeItem(atPath: pictures + "/scene-0003.png")
    try FileManager.default.createDirectory(
      atPath: pictures + "/scene-0003.png", withIntermediateDirectories: true)
    var unlimited = parameters
    unlimited.prunesWithoutLimit = true
    let third = try await Indexer(store: store, pipeline: pipeline, parameters: unlimited).run()
    #expect(third.removedCount == 1 && third.unchangedCount == 2)
  }

  private final class Recorder: @unchecked Sendable {
    // Sendable because the lock guards the only state.
    private let lock = NSLock()
    private var values: [IndexProgress] = []
    var all: [IndexProgress] { lock.withLock { values } }
    func add(_ progress: IndexProgress) { lock.withLock { values.append(progress) } }
  }
}
