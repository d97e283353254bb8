public import FilipEncoders
public import FilipStore
import SystemPackage

/// Keeps an index in step with files of texts: one JSON object a line, with the member `text`.
///
/// A text is an item of its own, called after its file and its `id`, or else the line's number:
/// `notes.jsonl#17`. Lines that have not changed are passed over, those that are gone leave the
/// index, and a line that is no text is listed with the reason. As in `Indexer`, several tasks
/// encode at once, outcomes are written in the order of the lines, and a run that is cancelled or
/// killed leaves the index at its last commit.
public struct TextIndexer: Sendable {
  private let store: TokenStore
  private let encoder: TextEncoder
  private let fingerprint: String
  private let parameters: IndexParameters

  /// An indexer that writes to `store` what the text tower of `model` makes of the texts.
  ///
  /// `encoder` is the model's. The roots of `parameters` are the files; its walk and limits of
  /// decoding are not looked at.
  /// - Throws: `QueryError.notFound` when a file is missing; `.unreadable` when it is a folder.
  public init(
    store: TokenStore, model: IndexModel, encoder: TextEncoder, parameters: IndexParameters
  ) throws {
    self.store = store
    self.encoder = encoder
    fingerprint = model.fingerprint(of: .text)
    self.parameters = try parameters.resolvingRoots()
    try self.parameters.requireFiles()
  }

  /// Brings the index up to date with the files.
  ///
  /// Cancel the task to stop early: what is encoded is committed and the summary says so.
  /// - Throws: what the store throws, and `QueryError` when a file cannot be read. Lines that are no
  ///   texts do not throw, they are listed.
  public func run(
    progress report: @escaping @Sendable (IndexProgress) -> Void = { _ in }
  ) async throws -> IndexSummary {
    let started = ContinuousClock.now
    let reduction = SharedReduction(try store.read { try TokenReduction($0) })
    let examiner = TextExaminer(
      store: store, encoder: encoder, fingerprint: fingerprint, reduction: reduction,
      encodesUnchanged: parameters.encodesUnchanged)
    var writer = IndexWriter(
      store: store, kind: .text, fingerprint: fingerprint, roots: parameters.roots,
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

  /// Looks at every line and writes what became of it.
  private func bringUpToDate(
    _ writer: inout IndexWriter, _ examiner: TextExaminer,
    _ report: @escaping @Sendable (IndexProgress) -> Void
  ) async throws {
    var progress = IndexProgress()
    do {
      try await withThrowingTaskGroup(of: (Int, [ExaminedFile]).self) { group in
        var begunCount = 0
        var inOrder = Reordered<[ExaminedFile]>()

        /// Waits for one batch and writes whatever is next in the order of the lines.
        func collect() async throws -> Bool {
          guard let (index, lines) = try await group.next() else { return false }
          for lines in inOrder.add(lines, at: index) {
            try writer.add(lines)
            progress.note(lines)
            report(progress)
          }
          return true
        }

        for file in parameters.roots {
          var lines = try TextLines(file)
          while !Task.isCancelled {
            let batch = try lines.next(parameters.batchSize)
            guard !batch.isEmpty else { break }
            progress.foundCount += batch.count
            while begunCount - inOrder.nextIndex > max(1, parameters.threadCount),
              try await collect()
            {}
            let index = begunCount
            begunCount += 1
            group.addTask { (index, try examiner.examine(batch)) }
          }
        }
        progress.isWalkFinished = true
        while try await collect() {}
      }
    } catch is CancellationError {
      // What was written in order stays; the rest is for the next run.
    }
    try writer.finish(isInterrupted: Task.isCancelled)
    if !Task.isCancelled { try removeVanished(&writer) }
  }

  /// Removes the texts of lines that are gone, unless those would be suspiciously many.
  private func removeVanished(_ writer: inout IndexWriter) throws {
    let files = Set(parameters.roots.map(\.bytes))
    let seen = writer.seen
    let (vanished, total) = try store.read { snapshot in
      var (vanished, total) = ([ItemID](), 0)
      try snapshot.forEachItem { item in
        guard item.kind == .text, let root = item.root, files.contains(root) else { return }
        total += 1
        if !seen.contains(item.id) { vanished.append(item.id) }
      }
      return (vanished, total)
    }
    try writer.remove(vanished, of: total, parameters)
  }
}
