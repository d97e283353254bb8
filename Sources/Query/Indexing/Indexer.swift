import FilipEncoders
public import FilipStore
import Synchronization
import SystemPackage

/// Keeps an index in step with folders of images.
///
/// Data flows one way: a walk yields files; batches of them are examined (looked up, read, hashed,
/// decoded, encoded) by several tasks at once; the outcomes are put back into walk order and
/// written in commits of some hundred files. Walk, decoding, encoding and writing overlap. A run
/// that is cancelled or killed leaves the index at its last commit, and the next run goes on from
/// there. The index remembers how its last run ended, see `IndexRun`.
public struct Indexer: Sendable {
  private let store: TokenStore
  private let pipeline: ImagePipeline
  private let parameters: IndexParameters

  /// An indexer that writes to `store` what `pipeline` makes of the files.
  /// - Throws: `QueryError.notFound` when a root is missing.
  public init(
    store: TokenStore, pipeline: ImagePipeline, parameters: IndexParameters
  ) throws {
    self.store = store
    self.pipeline = pipeline
    self.parameters = try parameters.resolvingRoots()
  }

  /// Brings the index up to date with the roots.
  ///
  /// Cancel the task to stop early: what is encoded is committed and the summary says so.
  /// - Throws: what the store throws. Unreadable files do not throw, they are listed.
  public func run(
    progress report: @escaping @Sendable (IndexProgress) -> Void = { _ in }
  ) async throws -> IndexSummary {
    let pass = IndexPass(
      store: store, kind: .image, fingerprint: pipeline.fingerprint, parameters: parameters)
    return try await pass.run(progress: report) { reduction in
      FolderSource(
        parameters,
        FileExaminer(
          store: store, fingerprint: pipeline.fingerprint, pipeline: pipeline,
          reduction: reduction, encodesUnchanged: parameters.encodesUnchanged))
    }
  }
}

/// Files below some folders, found by a walk that runs ahead of the encoder.
private struct FolderSource: IndexSource {
  private let roots: [FilePath]
  private let examiner: FileExaminer
  private let walked: WalkedCount
  private let walk: Task<Void, Never>
  private var batches: AsyncStream<WalkedBatch>.Iterator
  /// What could not be looked at: what lies below is not gone.
  private var unreadable: [FilePath] = []

  private enum WalkedBatch: Sendable {
    case batch(root: FilePath, [FoundFile])
    case unreadable(FilePath, Errno)
  }

  /// How far the walk has come.
  private final class WalkedCount: Sendable {
    private let state = Mutex((found: 0, isFinished: false))

    var current: (Int, Bool) { state.withLock { ($0.found, $0.isFinished) } }

    func add() { state.withLock { $0.found += 1 } }
    func finish() { state.withLock { $0.isFinished = true } }
  }

  /// Walks the roots in a task of its own.
  init(_ parameters: IndexParameters, _ examiner: FileExaminer) {
    roots = parameters.roots
    self.examiner = examiner
    let walked = WalkedCount()
    let (stream, continuation) = AsyncStream.makeStream(of: WalkedBatch.self)
    walk = Task {
      for root in parameters.roots {
        var files: [FoundFile] = []
        FileWalk(root: root, options: parameters.walk).forEach { event in
          switch event {
          case .file(let file):
            files.append(file)
            walked.add()
          case .unreadable(let path, let error):
            continuation.yield(.unreadable(path, error))
          }
          if files.count >= parameters.batchSize {
            continuation.yield(.batch(root: root, files))
            files = []
          }
          return !Task.isCancelled
        }
        if !files.isEmpty { continuation.yield(.batch(root: root, files)) }
      }
      walked.finish()
      continuation.finish()
    }
    self.walked = walked
    batches = stream.makeAsyncIterator()
  }

  var found: (count: Int, isAll: Bool) { walked.current }

  mutating func next() async -> IndexStep? {
    switch await batches.next() {
    case nil: return nil
    case .batch(let root, let files):
      return .batch { [examiner] in try examiner.examine(files, root: root) }
    case .unreadable(let path, let error):
      unreadable.append(path)
      return .unreadable(path, reason: "cannot be looked at: \(error)")
    }
  }

  func stop() { walk.cancel() }

  func vanished(
    in snapshot: borrowing Snapshot, seen: Set<ItemID>
  ) throws -> (vanished: [ItemID], total: Int) {
    try vanishedItems(in: snapshot, roots: roots, seen: seen, except: unreadable)
  }
}

/// The items under the roots whose file is gone, and how many items there are under the roots.
func vanishedItems(
  in snapshot: borrowing Snapshot, roots: [FilePath], seen: Set<ItemID>,
  except unreadable: [FilePath]
) throws -> (vanished: [ItemID], total: Int) {
  var vanished: [ItemID] = []
  var total = 0
  let (roots, unreadable) = (Set(roots), Set(unreadable))
  try snapshot.forEachItem { item in
    // An imported item may bear the name of a file, but it was not made from one that we watch.
    guard let bytes = item.path, item.kind == .image else { return }
    let path = FilePath(bytes: bytes)
    guard path.isInside(roots) else { return }
    total += 1
    guard !seen.contains(item.id), !path.isInside(unreadable), path.hasVanished else { return }
    vanished.append(item.id)
  }
  return (vanished, total)
}
