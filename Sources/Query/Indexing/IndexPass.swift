import FilipStore
import SystemPackage

/// Where the batches of an indexing run come from.
protocol IndexSource {
  /// What is found next; `nil` after the last, and once the task is cancelled.
  mutating func next() async throws -> IndexStep?

  /// How many files or lines were found so far, and whether no more will be.
  var found: (count: Int, isAll: Bool) { get }

  /// Ends whatever looks for more.
  func stop()

  /// The items whose file or line is gone, and how many items there are of this source's.
  ///
  /// `seen` are the items that the run came across.
  func vanished(
    in snapshot: borrowing Snapshot, seen: Set<ItemID>
  ) throws -> (vanished: [ItemID], total: Int)
}

/// What a source found.
enum IndexStep: Sendable {
  /// Files or lines, which are settled by this; any number of tasks may do so at once.
  case batch(@Sendable () throws -> [ExaminedFile])
  /// Something that cannot be looked at, and why.
  case unreadable(FilePath, reason: String)
}

/// One run of an indexer, whatever it indexes: several tasks settle batches at once, the outcomes are
/// put back into their order and written in commits of some hundred, and what is gone is removed.
struct IndexPass: Sendable {
  let store: TokenStore
  let kind: ItemRecord.Kind
  /// Identity of the encoder.
  let fingerprint: String
  let parameters: IndexParameters

  /// Brings the index up to date with a source, which is told how tokens are reduced.
  ///
  /// Cancel the task to stop early: what is encoded is committed and the summary says so.
  /// - Throws: what the store and the source throw.
  func run(
    progress report: @escaping @Sendable (IndexProgress) -> Void,
    over makeSource: (SharedReduction) -> some IndexSource
  ) async throws -> IndexSummary {
    let started = ContinuousClock.now
    let reduction = SharedReduction(try store.read { try TokenReduction($0) })
    var source = makeSource(reduction)
    var writer = IndexWriter(
      store: store, kind: kind, fingerprint: fingerprint, roots: parameters.roots,
      reduction: reduction)
    do {
      try await bringUpToDate(&writer, &source, report)
    } catch {
      // Where nothing more can be written, no end is written down either.
      try? writer.recordEnd(.failed)
      throw error
    }
    try writer.recordEnd(Task.isCancelled ? .interrupted : .completed)
    return try writer.summary(since: started)
  }

  /// Settles everything that the source finds, and writes what became of it.
  private func bringUpToDate(
    _ writer: inout IndexWriter, _ source: inout some IndexSource,
    _ report: @escaping @Sendable (IndexProgress) -> Void
  ) async throws {
    var progress = IndexProgress()
    do {
      try await withThrowingTaskGroup(of: (Int, [ExaminedFile]).self) { group in
        var begunCount = 0
        var inOrder = Reordered<[ExaminedFile]>()

        /// Waits for one batch and writes whatever is next in the source's order.
        func collect() async throws -> Bool {
          guard let (index, files) = try await group.next() else { return false }
          for files in inOrder.add(files, at: index) {
            try writer.add(files)
            progress.note(files)
            (progress.foundCount, progress.isWalkFinished) = source.found
            report(progress)
          }
          return true
        }

        while let step = try await source.next() {
          switch step {
          case .batch(let examine):
            // One batch more than there are threads keeps them busy while this task writes.
            while begunCount - inOrder.nextIndex > max(1, parameters.threadCount),
              try await collect()
            {}
            let index = begunCount
            begunCount += 1
            group.addTask { (index, try examine()) }
          case .unreadable(let path, let reason):
            writer.noteUnreadable(path, reason)
          }
        }
        while try await collect() {}
      }
    } catch is CancellationError {
      // What was written in order stays; the rest is for the next run.
    }
    source.stop()
    try writer.finish(isInterrupted: Task.isCancelled)
    guard !Task.isCancelled else { return }
    let seen = writer.seen
    let (vanished, total) = try store.read { try source.vanished(in: $0, seen: seen) }
    try writer.remove(vanished, of: total, parameters)
  }
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
