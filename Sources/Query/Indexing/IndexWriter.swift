import FilipEncoders
import FilipLateInteraction
import FilipStore
import SystemPackage

/// Takes examined files in walk order and writes them to the store, some hundred per commit.
struct IndexWriter {
  let store: TokenStore
  let fingerprint: String
  /// The roots of this run: what lies elsewhere is left alone.
  let roots: Set<FilePath>
  /// Files per commit.
  static let commitSize = 64
  /// A commit follows at the latest when the oldest waiting file is this old.
  static let commitInterval = Duration.seconds(2)

  private var waiting: [ExaminedFile] = []
  private var waitingSince = ContinuousClock.now
  /// Items whose file was found.
  private(set) var seen: Set<ItemID> = []
  private(set) var summary = IndexSummary()

  init(store: TokenStore, fingerprint: String, roots: [FilePath]) {
    self.store = store
    self.fingerprint = fingerprint
    self.roots = Set(roots)
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
      (seen, summary) = try store.write { writer in
        var (seen, summary) = (seen, summary)
        for file in files { try apply(file, &writer, &seen, &summary) }
        return (seen, summary)
      }
    } else {
      for file in files { note(file, &seen, &summary) }
    }
    (self.seen, self.summary) = (seen, summary)
  }

  /// Notes a folder or file that the walk could not look at.
  mutating func noteUnreadable(_ path: FilePath, _ reason: String) {
    summary.unreadable.append(UnreadableFile(path: path, reason: reason))
  }

  /// Notes images that were kept although their file is gone.
  mutating func noteVanished(_ count: Int, of total: Int) {
    summary.vanishedCount = count
    summary.vanishedOfCount = total
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
      record.dateTaken = image.dateTaken
      record.tiles = image.encoded.tiles
      try insert(
        file, record, image.encoded.tokens, image.encoded.pooled, &writer, &seen, &summary)
    case .sameContent(let twin, let tokens, let pooled):
      var record = newRecord(for: file)
      record.width = twin.width
      record.height = twin.height
      record.format = twin.format
      record.dateTaken = twin.dateTaken
      record.tiles = twin.tiles
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

  /// The first image under the roots with the same content whose own file is gone: this file is it,
  /// under another name.
  private func vanishedTwin(
    of file: ExaminedFile, _ writer: borrowing Writer, _ seen: Set<ItemID>
  ) throws -> ItemID? {
    guard let hash = file.contentHash else { return nil }
    return try writer.items(withContentHash: hash).first { item in
      guard !seen.contains(item.id), let bytes = item.path else { return false }
      let path = FilePath(bytes: bytes)
      return path.isInside(roots) && path.hasVanished
    }?.id
  }

  private func newRecord(for file: ExaminedFile) -> ItemRecord {
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
    case .ignored, .unchanged, .unreachable: false
    case .touched, .sameContent, .encoded, .unreadable: true
    }
  }
}
