import FilipEncoders
import FilipLateInteraction
import FilipStore
import SystemPackage

/// Takes examined files in walk order and writes them to the store, some hundred per commit.
struct IndexWriter {
  let store: TokenStore
  /// What the items of this run are.
  let kind: ItemRecord.Kind
  let fingerprint: String
  /// The roots of this run: what lies elsewhere is left alone.
  let roots: Set<FilePath>
  /// How tokens are reduced; this is where it is learnt.
  let reduction: SharedReduction
  /// Files per commit.
  static let commitSize = 64
  /// A commit follows at the latest when the oldest waiting file is this old.
  static let commitInterval = Duration.seconds(2)

  /// A reader of another process is worth a note when it is this many commits behind.
  static let longReaderCommitCount = 4

  private var waiting: [ExaminedFile] = []
  /// Images to learn from and to measure on; `nil` when that is not needed, or done.
  private var sample: ReductionSample?
  /// Whether the index does not know yet what was learnt or measured.
  private var hasNewReduction = false
  private var waitingSince = ContinuousClock.now
  /// Items whose file was found.
  private(set) var seen: Set<ItemID> = []
  private(set) var summary = IndexSummary()
  /// What the index remembers of this run.
  private var run = IndexRun(startTime: IndexRun.now())
  /// Whether it does.
  private var isRunNoted = false

  init(
    store: TokenStore, kind: ItemRecord.Kind, fingerprint: String, roots: [FilePath],
    reduction: SharedReduction
  ) {
    self.store = store
    self.kind = kind
    self.fingerprint = fingerprint
    self.roots = Set(roots)
    self.reduction = reduction
    let current = reduction.current
    if !current.isNone, current.recall == nil { sample = ReductionSample() }
  }

  /// Takes files; commits when enough have gathered.
  ///
  /// Nothing is committed before a wanted projection is learnt, from the first images of the run.
  mutating func add(_ files: [ExaminedFile]) throws {
    if waiting.isEmpty { waitingSince = .now }
    waiting += files
    run.seenCount += files.count
    collectSample(files)
    guard reduction.isReady else {
      waiting.removeAll(where: \.isIgnored)
      return
    }
    let isDue = ContinuousClock.now - waitingSince >= Self.commitInterval
    if waiting.count >= Self.commitSize || isDue { try commit() }
  }

  /// Writes what waits at the end of a run.
  ///
  /// When a run is interrupted before there are enough images to learn a projection from, those it
  /// has are dropped: a poor projection could not be changed later.
  mutating func finish(isInterrupted: Bool) throws {
    let sampleCount = sample?.images.count ?? 0
    let isEnough = sampleCount >= ReductionRecall.minimumImageCount
    if !isInterrupted || (!reduction.isReady && isEnough) {
      settleReduction()
    } else if !reduction.isReady {
      waiting.removeAll(where: \.isEncoded)
    }
    try commit()
    summary.reduction = reduction.current
  }

  private mutating func collectSample(_ files: [ExaminedFile]) {
    guard sample != nil else { return }
    for file in files {
      if let tokens = file.encodedTokens { sample?.add(tokens) }
    }
    if sample?.isFull == true { settleReduction() }
  }

  /// Learns the projection, if one is wanted and not there, and measures what the reduction loses.
  private mutating func settleReduction() {
    guard let images = sample?.images, !images.isEmpty else { return }
    sample = nil
    let before = reduction.current
    var settled = before
    if !settled.isReady {
      settled.learn(from: images)
      summary.learntImageCount = images.count
    }
    settled.measure(on: images)
    reduction.replace(with: settled)
    hasNewReduction = settled != before
  }

  /// Writes what waits.
  mutating func commit() throws {
    let files = waiting
    waiting = []
    var seen = seen
    var summary = summary
    if hasNewReduction || files.contains(where: \.changesTheIndex) {
      let byteCount = try store.fileByteCount
      (seen, summary) = try store.write { writer in
        var (seen, summary) = (seen, summary)
        if !isRunNoted { try run.record(in: &writer) }
        if hasNewReduction { try reduction.current.record(in: &writer) }
        for file in files { try apply(file, &writer, &seen, &summary) }
        return (seen, summary)
      }
      hasNewReduction = false
      isRunNoted = true
      if try store.fileByteCount > byteCount { try summary.noteReaders(of: store) }
    } else {
      for file in files { note(file, &seen, &summary) }
    }
    (self.seen, self.summary) = (seen, summary)
  }

  /// Writes down in the index how the run ended.
  mutating func recordEnd(_ ending: IndexRun.Ending) throws {
    run.ending = ending
    run.endTime = IndexRun.now()
    run.count(summary)
    try store.write { writer in try run.record(in: &writer) }
  }

  /// Notes a folder or file that the walk could not look at.
  mutating func noteUnreadable(_ path: FilePath, _ reason: String) {
    summary.unreadable.append(UnreadableFile(path: path, reason: reason))
  }

  /// Removes `items`, whose files are gone, in one commit; when they are more of the `total` than
  /// the limit allows, they are kept and counted instead.
  mutating func remove(_ items: [ItemID], of total: Int, _ parameters: IndexParameters) throws {
    let limit = Double(total) * parameters.pruneLimit
    if Double(items.count) > limit, !parameters.prunesWithoutLimit {
      summary.vanishedCount = items.count
      summary.vanishedOfCount = total
      return
    }
    guard !items.isEmpty else { return }
    try store.write { writer in
      for id in items { try writer.remove(id) }
    }
    summary.removedCount += items.count
  }

  /// What the run did, when it is over.
  func summary(since started: ContinuousClock.Instant) throws -> IndexSummary {
    var summary = summary
    summary.isInterrupted = Task.isCancelled
    (summary.imageCount, summary.indexByteCount) = try store.read { snapshot in
      (try snapshot.readableCount, Int64(try snapshot.statistics.fileByteCount))
    }
    summary.duration = .now - started
    return summary
  }

  /// Counts a file that changes nothing.
  private func note(
    _ file: ExaminedFile, _ seen: inout Set<ItemID>, _ summary: inout IndexSummary
  ) {
    guard let known = file.known else { return }
    seen.insert(known)
    switch file.outcome {
    case .unchanged(nil): summary.unchangedCount += 1
    case .unchanged(let reason?), .unreachable(let reason):
      summary.unreadable.append(UnreadableFile(path: file.file.path, reason: reason))
    default: break
    }
  }

  private func apply(
    _ file: ExaminedFile, _ writer: inout Writer, _ seen: inout Set<ItemID>,
    _ summary: inout IndexSummary
  ) throws {
    switch file.outcome {
    case .ignored: return
    case .unchanged, .unreachable:
      note(file, &seen, &summary)
    case .touched:
      guard let id = file.known else { return }
      try writer.touch(
        id, fileSize: file.file.status.size,
        modificationTime: file.file.status.modificationTime)
      seen.insert(id)
      summary.unchangedCount += 1
    case .unreadable(let reason):
      let record = newRecord(for: file)
      seen.insert(try writer.insertUnreadable(record, reason: reason))
      summary.unreadable.append(UnreadableFile(path: file.file.path, reason: reason))
    case .encoded(let image):
      var record = newRecord(for: file)
      record.width = UInt32(clamping: image.width)
      record.height = UInt32(clamping: image.height)
      record.format = image.format
      record.describe(image.metadata)
      record.tiles = image.encoded.tiles
      let stored = image.reduced ?? reduction.current.reduce(image.encoded.tokens)
      record.patchTokens = stored.patchTokens(of: image.encoded)
      try insert(file, record, stored.tokens, image.encoded.pooled, &writer, &seen, &summary)
    case .encodedText(let text):
      var record = newRecord(for: file)
      record.tokenSpans = text.tokenSpans
      let stored = text.reduced ?? reduction.current.reduce(text.encoded.tokens)
      record.patchTokens = stored.patchTokens
      try insert(file, record, stored.tokens, text.encoded.pooled, &writer, &seen, &summary)
    case .sameContent(let twin, let tokens, let pooled):
      var record = newRecord(for: file)
      record.describePicture(as: twin)
      try insert(file, record, tokens, pooled, &writer, &seen, &summary)
    }
  }

  /// Stores an image under the id of its path, of the vanished file with its content, or a new one.
  private func insert(
    _ file: ExaminedFile, _ record: ItemRecord, _ tokens: TokenMatrix, _ pooled: [Float]?,
    _ writer: inout Writer, _ seen: inout Set<ItemID>, _ summary: inout IndexSummary
  ) throws {
    if let known = file.known {
      let wasReadable = try writer.item(known)?.unreadableReason == nil
      if wasReadable { summary.changedCount += 1 } else { summary.addedCount += 1 }
    } else if let twin = try vanishedTwin(of: file, writer, seen) {
      try writer.rename(
        twin, to: file.file.path.bytes, root: file.root.bytes, fileSize: file.file.status.size,
        modificationTime: file.file.status.modificationTime)
      summary.renamedCount += 1
    } else {
      summary.addedCount += 1
    }
    seen.insert(try writer.insert(record, tokens: tokens, pooled: pooled))
  }

  /// The first image with the same content whose own file is gone: this file is it, under another
  /// name.
  ///
  /// It lay under the roots of this run, or under one that is gone as a whole: that was moved.
  private func vanishedTwin(
    of file: ExaminedFile, _ writer: borrowing Writer, _ seen: Set<ItemID>
  ) throws -> ItemID? {
    guard kind == .image, let hash = file.contentHash else { return nil }
    return try writer.items(withContentHash: hash).first { item in
      guard !seen.contains(item.id), let bytes = item.path else { return false }
      let path = FilePath(bytes: bytes)
      let isWatched = item.root.map { FilePath(bytes: $0).exists } ?? true
      return (path.isInside(roots) || !isWatched) && path.hasVanished
    }?.id
  }

  private func newRecord(for file: ExaminedFile) -> ItemRecord {
    var record = ItemRecord(kind: kind, path: file.file.path.bytes)
    record.root = file.root.bytes
    record.fileSize = file.file.status.size
    record.modificationTime = file.file.status.modificationTime
    record.contentHash = file.contentHash
    record.encoderFingerprint = fingerprint
    record.document = file.document
    return record
  }
}

extension IndexSummary {
  /// Notes the reader of another process that keeps the most room from being used again.
  fileprivate mutating func noteReaders(of store: TokenStore) throws {
    for reader in try store.readers() where !reader.isThisProcess {
      let most = longReader?.commitsBehind ?? (IndexWriter.longReaderCommitCount - 1)
      if reader.commitsBehind > most { longReader = reader }
    }
  }
}

extension ExaminedFile {
  fileprivate var isIgnored: Bool {
    if case .ignored = outcome { true } else { false }
  }

  /// Whether a commit is needed for this file.
  fileprivate var changesTheIndex: Bool {
    switch outcome {
    case .ignored, .unchanged, .unreachable: false
    case .touched, .sameContent, .encoded, .encodedText, .unreadable: true
    }
  }
}
