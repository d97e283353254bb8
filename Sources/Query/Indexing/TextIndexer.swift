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
    let pass = IndexPass(
      store: store, kind: .text, fingerprint: fingerprint, parameters: parameters)
    return try await pass.run(progress: report) { reduction in
      LineSource(
        parameters,
        TextExaminer(
          store: store, encoder: encoder, fingerprint: fingerprint, reduction: reduction,
          encodesUnchanged: parameters.encodesUnchanged))
    }
  }
}

/// The lines of some files, read as they are wanted.
private struct LineSource: IndexSource {
  private let files: [FilePath]
  private let batchSize: Int
  private let examiner: TextExaminer
  private var rest: ArraySlice<FilePath>
  private var lines: TextLines?
  private(set) var found = (count: 0, isAll: false)

  init(_ parameters: IndexParameters, _ examiner: TextExaminer) {
    files = parameters.roots
    batchSize = parameters.batchSize
    self.examiner = examiner
    rest = files[...]
  }

  mutating func next() throws -> IndexStep? {
    while !Task.isCancelled {
      if let batch = try lines?.next(batchSize), !batch.isEmpty {
        found.count += batch.count
        return .batch { [examiner] in try examiner.examine(batch) }
      }
      guard let file = rest.popFirst() else {
        found.isAll = true
        return nil
      }
      lines = try TextLines(file)
    }
    return nil
  }

  func stop() {}

  func vanished(
    in snapshot: borrowing Snapshot, seen: Set<ItemID>
  ) throws -> (vanished: [ItemID], total: Int) {
    let files = Set(files.map(\.bytes))
    var (vanished, total) = ([ItemID](), 0)
    try snapshot.forEachItem { item in
      guard item.kind == .text, let root = item.root, files.contains(root) else { return }
      total += 1
      if !seen.contains(item.id) { vanished.append(item.id) }
    }
    return (vanished, total)
  }
}
