import FilipEncoders
import FilipLateInteraction
import FilipStore
import SystemPackage

/// Takes examined files in walk order and writes them to the store, some hundred per commit.
struct IndexWriter {
  let store: TokenStore
  let fingerprint: String
  /// Files per commit.
  static let commitSize = 256
  /// A commit follows at the latest when the oldest waiting file is this old.
  static let commitInterval = Duration.seconds(2)

  private var waiting: [ExaminedFile] = []
  private var waitingSince = ContinuousClock.now
  /// Items whose file was found.
  private(set) var seen: Set<ItemID> = []
  private(set) var summary = IndexSummary()

  init(store: TokenStore, fingerprint: String) {
    self.store = store
    self.fingerprint = fingerprint
  }

  /// Takes files; commits when enough have gathered.
  mutating func add(_ files: [ExaminedFile]) throws {
    if waiting.isEmpty { waitingSince = .now }
    waiting += files
    let isDue = ContinuousClock.now - waitingSince >= Self.commitInterval
    if waiting.count >= Self.commitSize || isDue { try commit() }
  }

  /// Writes what waits.
  mutating func commit() throws {
    let files = waiting
    waiting = []
    var seen = seen
    var summary = summary
    if files.contains(where: \.changesTheIndex) {
      let fingerprint = fingerprint
      (seen, summary) = try store.write { writer in
        var (seen, summary) = (seen, summary)
        for file in files { try Self.apply(file, fingerprint, &writer, &seen, &summary) }
        return (seen, summary)
      }
    } else {
      for file in files { Self.note(file, &seen, &summary) }
    }
    (self.seen, self.summary) = (seen, summary)
  }

  /// Notes a folder or file that the walk could not look at.
  mutating func noteUnreadable(_ path: FilePath, _ reason: String) {
    summary.unreadable.append(UnreadableFile(path: path, reason: reason))
  }

  /// Notes images that were kept although their file is gone.
  mutating func noteVanished(_ count: Int) {
    summary.vanishedCount = count
  }

  /// Removes `items` in one commit.
  mutating func remove(_ items: [ItemID]) throws {
    guard !items.isEmpty else { return }
    try store.write { writer in
      for id in items { try writer.remove(id) }
    }
    summary.removedCount += items.count
  }

  /// Counts a file that changes nothing.
  private static func note(
    _ file: ExaminedFile, _ seen: inout Set<ItemID>, _ summary: inout IndexSummary
  ) {
    guard case .unchanged(let reason) = file.outcome, let known = file.known else { return }
    seen.insert(known)
    if let reason {
      summary.unreadable.append(UnreadableFile(path: file.file.path, reason: reason))
    } else {
      summary.unchangedCount += 1
    }
  }

  private static func apply(
    _ file: ExaminedFile, _ fingerprint: String, _ writer: inout Writer,
    _ seen: inout Set<ItemID>, _ summary: inout IndexSummary
  ) throws {
    switch file.outcome {
    case .ignored: return
    case .unchanged:
      note(file, &seen, &summary)
    case .touched:
      guard let id = file.known else { return }
      try writer.touch(
        id, fileSize: file.file.status.size,
        modificationTime: file.file.status.modificationTime)
      seen.insert(id)
      summary.unchangedCount += 1
    case .unreadable(let reason):
      let record = newRecord(for: file, fingerprint)
      seen.insert(try writer.insertUnreadable(record, reason: reason))
      summary.unreadable.append(UnreadableFile(path: file.file.path, reason: reason))
    case .encoded(let image):
      var record = newRecord(for: file, fingerprint)
      record.width = UInt32(clamping: image.width)
      record.height = UInt32(clamping: image.height)
      record.format = image.format
      record.dateTaken = image.dateTaken
      record.tiles = image.encoded.tiles
      try insert(
        record, image.encoded.tokens, image.encoded.pooled, known: file.known, &writer, &seen,
        &summary)
    case .sameContent(let twin, let tokens, let pooled):
      // Renamed when the twin's own file is gone, a copy otherwise. Nothing is encoded.
      let current = try writer.item(twin.id)
      if file.known == nil, !seen.contains(twin.id), let path = current?.path,
        !FilePath(bytes: path).exists
      {
        try writer.rename(
          twin.id, to: file.file.path.bytes, root: file.root.bytes,
          fileSize: file.file.status.size,
          modificationTime: file.file.status.modificationTime)
        seen.insert(twin.id)
        summary.renamedCount += 1
        return
      }
      var record = newRecord(for: file, fingerprint)
      record.width = twin.width
      record.height = twin.height
      record.format = twin.format
      record.dateTaken = twin.dateTaken
      record.tiles = twin.tiles
      try insert(record, tokens, pooled, known: file.known, &writer, &seen, &summary)
    }
  }

  /// Stores an image and counts it as new or changed.
  private static func insert(
    _ record: ItemRecord, _ tokens: TokenMatrix, _ pooled: [Float]?, known: ItemID?,
    _ writer: inout Writer, _ seen: inout Set<ItemID>, _ summary: inout IndexSummary
  ) throws {
    let wasReadable = try known.flatMap { try writer.item($0) }?.unreadableReason == nil
    seen.insert(try writer.insert(record, tokens: tokens, pooled: pooled))
    if known != nil, wasReadable {
      summary.changedCount += 1
    } else {
      summary.addedCount += 1
    }
  }

  private static func newRecord(for file: ExaminedFile, _ fingerprint: String) -> ItemRecord {
    var record = ItemRecord(kind: .image, path: file.file.path.bytes)
    record.root = file.root.bytes
    record.fileSize = file.file.status.size
    record.modificationTime = file.file.status.modificationTime
    record.contentHash = file.contentHash
    record.encoderFingerprint = fingerprint
    return record
  }
}

extension ExaminedFile {
  /// Whether a commit is needed for this file.
  fileprivate var changesTheIndex: Bool {
    switch outcome {
    case .ignored, .unchanged: false
    case .touched, .sameContent, .encoded, .unreadable: true
    }
  }
}
