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

  // MARK: - The run

  /// Brings the index up to date with the roots.
  ///
  /// Cancel the task to stop early: what is encoded is committed and the summary says so.
  /// - Throws: what the store throws. Unreadable files do not throw, they are listed.
  public func run(
    progress report: @escaping @Sendable (IndexProgress) -> Void = { _ in }
  ) async throws -> IndexSummary {
    let started = ContinuousClock.now
    let reduction = SharedReduction(try store.read { try TokenReduction($0) })
    let examiner = FileExaminer(
      store: store, fingerprint: pipeline.fingerprint, pipeline: pipeline, reduction: reduction,
      encodesUnchanged: parameters.encodesUnchanged)
    var writer = IndexWriter(
      store: store, kind: .image, fingerprint: pipeline.fingerprint, roots: parameters.roots,
      reduction: reduction)
    do {
      try await bringUpToDate(&writer, examiner, report)
    } catch {
      // Where nothing more can be written, no end is written down either.
      try? writer.recordEnd(.failed)
      throw error
    }
    try writer.recordEnd(Task.isCancelled ? .interrupted : .completed)
    return try writer.summary(since: started)
  }

  /// Looks at every file and writes what became of it.
  private func bringUpToDate(
    _ writer: inout IndexWriter, _ examiner: FileExaminer,
    _ report: @escaping @Sendable (IndexProgress) -> Void
  ) async throws {
    var progress = IndexProgress()
    var unreadablePaths: [FilePath] = []

    let walked = WalkedCount()
    let (batches, walkTask) = startWalk(walked)
    do {
      try await withThrowingTaskGroup(of: (Int, [ExaminedFile]).self) { group in
        var begunCount = 0
        var inOrder = Reordered<[ExaminedFile]>()

        /// Waits for one batch and writes whatever is next in walk order.
        func collect() async throws -> Bool {
          guard let (index, files) = try await group.next() else { return false }
          for files in inOrder.add(files, at: index) {
            try writer.add(files)
            progress.note(files)
            (progress.foundCount, progress.isWalkFinished) = walked.current
            report(progress)
          }
          return true
        }

        for await event in batches {
          switch event {
          case .batch(let root, let files):
            // One batch more than there are threads keeps them busy while this task writes.
            while begunCount - inOrder.nextIndex > max(1, parameters.threadCount),
              try await collect()
            {}
            let index = begunCount
            begunCount += 1
            group.addTask { (index, try examiner.examine(files, root: root)) }
          case .unreadable(let path, let error):
            unreadablePaths.append(path)
            writer.noteUnreadable(path, "cannot be looked at: \(error)")
          }
        }
        while try await collect() {}
      }
    } catch is CancellationError {
      // What was written in order stays; the rest is for the next run.
    }
    walkTask.cancel()
    try writer.finish(isInterrupted: Task.isCancelled)
    if !Task.isCancelled {
      try removeVanished(&writer, except: unreadablePaths)
    }
  }

  // MARK: - Walking

  private enum WalkedBatch: Sendable {
    case batch(root: FilePath, [FoundFile])
    case unreadable(FilePath, Errno)
  }

  /// How far the walk has come; it runs ahead of the encoder.
  private final class WalkedCount: Sendable {
    private let state = Mutex((found: 0, isFinished: false))

    var current: (Int, Bool) { state.withLock { ($0.found, $0.isFinished) } }

    func add() { state.withLock { $0.found += 1 } }
    func finish() { state.withLock { $0.isFinished = true } }
  }

  /// Walks the roots in a task of its own.
  private func startWalk(
    _ walked: WalkedCount
  ) -> (AsyncStream<WalkedBatch>, Task<Void, Never>) {
    let (stream, continuation) = AsyncStream.makeStream(of: WalkedBatch.self)
    let parameters = parameters
    let task = Task {
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
    return (stream, task)
  }

  // MARK: - Vanished files

  /// Removes the items under the roots whose file is gone, unless that would be suspiciously many.
  private func removeVanished(_ writer: inout IndexWriter, except unreadable: [FilePath]) throws {
    let (vanished, total) = try vanishedItems(seen: writer.seen, except: unreadable)
    try writer.remove(vanished, of: total, parameters)
  }

  private func vanishedItems(
    seen: Set<ItemID>, except unreadable: [FilePath]
  ) throws -> (vanished: [ItemID], total: Int) {
    try store.read { snapshot in
      try FilipQuery.vanishedItems(
        in: snapshot, roots: parameters.roots, seen: seen, except: unreadable)
    }
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

/// Hands values on in the order of their indices, whatever order they come in.
struct Reordered<Value> {
  /// The index that is handed on next.
  private(set) var nextIndex = 0
  private var waiting: [Int: Value] = [:]

  /// Takes a value and returns all that can be handed on now.
  mutating func add(_ value: Value, at index: Int) -> [Value] {
    waiting[index] = value
    var ready: [Value] = []
    while let next = waiting.removeValue(forKey: nextIndex) {
      ready.append(next)
      nextIndex += 1
    }
    return ready
  }
}

extension IndexProgress {
  /// Counts settled files.
  mutating func note(_ files: [ExaminedFile]) {
    finishedCount += files.count
    for file in files {
      switch file.outcome {
      case .encoded, .encodedText: encodedCount += 1
      case .unreadable: unreadableCount += 1
      case .unreachable, .unchanged(.some): unreadableCount += 1
      case .ignored, .unchanged, .touched, .sameContent: break
      }
    }
  }
}
