import FilipEncoders
import FilipLateInteraction
public import FilipStore
import SystemPackage

/// Brings tokens of another program's making into an index.
///
/// Items keep their ids when they are imported again under the same name. An import that is
/// cancelled or killed leaves the index at its last commit; repeated, it ends as an undisturbed one.
public struct Importer: Sendable {
  /// The index.
  public let store: TokenStore
  private let archives: [TokenArchive]
  private let parameters: ImportParameters
  private let fingerprint: String

  /// Opens the index in the folder `path`, or makes it, and checks that the archives fit it.
  ///
  /// With `replacesEncoder`, tokens of another encoder are dropped here; their items keep their ids.
  /// An index without tokens takes over how those of the archives were reduced, so that queries are
  /// projected on the same axes.
  /// - Precondition: there is an archive.
  /// - Throws: `QueryError.modelMismatch` when the index holds tokens of another encoder or
  ///   dimension, `.reductionMismatch` when they were projected on other axes; `StoreError`.
  public init(
    at path: String, archives: [TokenArchive], parameters: ImportParameters = ImportParameters()
  ) throws {
    precondition(!archives.isEmpty, "something to import")
    self.archives = archives
    self.parameters = parameters
    let dimension = archives[0].dimension
    if let other = archives.first(where: { $0.dimension != dimension }) {
      throw QueryError(
        .unreadable,
        "\(other.path) has tokens of \(other.dimension) dimensions and \(archives[0].path) of "
          + "\(dimension); import them into different indexes")
    }
    store = try Self.openStore(at: path, parameters)
    let existing = try ExistingTokens(store)
    fingerprint = try Self.fingerprint(archives, parameters, existing)
    // Under another name they are just tokens.
    let reduction = try Self.reduction(archives)
    try adopt(
      existing, dimension: dimension,
      reduction: archives[0].fingerprint == fingerprint ? reduction : nil)
  }

  /// How the tokens of all archives were reduced; `nil` where nothing is said of it.
  private static func reduction(_ archives: [TokenArchive]) throws(QueryError) -> TokenReduction? {
    let first = archives[0].reduction ?? .none
    for archive in archives {
      let other = archive.reduction ?? .none
      guard other.setting != first.setting || other.projection != first.projection else { continue }
      throw QueryError(
        .reductionMismatch,
        "\(archives[0].path) and \(archive.path) have tokens that were reduced in different ways, "
          + "\(first.setting) and \(other.setting); import them into different indexes")
    }
    return archives[0].reduction
  }

  /// Where an import chooses how its index is laid out.
  private static func openStore(
    at path: String, _ parameters: ImportParameters
  ) throws -> TokenStore {
    try TokenStore.open(
      at: path, mode: .create, program: "filip \(filipVersion)", layout: parameters.layout,
      options: parameters.storeOptions)
  }

  /// Who made the tokens, as far as anybody says.
  private static func fingerprint(
    _ archives: [TokenArchive], _ parameters: ImportParameters, _ existing: ExistingTokens
  ) throws -> String {
    if let requested = parameters.fingerprint { return requested }
    let named = Set(archives.compactMap(\.fingerprint)).sorted()
    guard named.count < 2 else {
      throw QueryError(
        .modelMismatch,
        "the files were made by different encoders, \(named[0]) and \(named[1]); import them into "
          + "different indexes, or give them one --fingerprint")
    }
    if let name = named.first { return name }
    if let name = existing.fingerprint, !parameters.replacesEncoder { return name }
    return "imported:\(archives[0].path.stem ?? "tokens")"
  }

  /// Makes the index one of this encoder, if it is not yet.
  private func adopt(
    _ existing: ExistingTokens, dimension: Int, reduction: TokenReduction?
  ) throws {
    if existing.fingerprint == fingerprint || existing.fingerprint == nil {
      if let found = existing.dimension, found != dimension {
        throw QueryError(
          .modelMismatch,
          "the index at \(store.path) holds tokens of \(found) dimensions, not \(dimension); choose "
            + "another --index")
      }
    } else if !parameters.replacesEncoder {
      throw QueryError(
        .modelMismatch,
        "the index at \(store.path) holds tokens of \(existing.fingerprint ?? "another encoder"), "
          + "not \(fingerprint); choose another --index, give the same --fingerprint if one encoder "
          + "made both, or drop its tokens: filip import --force")
    }
    guard existing.fingerprint != fingerprint else {
      if let reduction { try adopt(reduction, isEmpty: existing.dimension == nil) }
      return
    }
    var outdated: [ItemRecord] = []
    try store.read { snapshot in
      try snapshot.forEachItem { item in
        if item.unreadableReason == nil, item.encoderFingerprint != fingerprint {
          outdated.append(item)
        }
      }
    }
    try store.write { writer in
      for var item in outdated {
        item.id = .unassigned
        try writer.insertUnreadable(item, reason: "waits for tokens of \(fingerprint)")
      }
      try IndexModel.forget(in: &writer)
      try ImportedOrigin.record(fingerprint, in: &writer)
      try (reduction ?? .none).record(in: &writer)
    }
  }

  /// Takes over the reduction of tokens for an index of the same encoder, unless it has tokens: then
  /// they must have been projected on the same axes.
  private func adopt(_ reduction: TokenReduction, isEmpty: Bool) throws {
    let stored = try store.read { try TokenReduction($0) }
    if isEmpty {
      guard stored != reduction else { return }
      return try store.write { writer in try reduction.record(in: &writer) }
    }
    guard stored.projection == reduction.projection else {
      throw QueryError(
        .reductionMismatch,
        "the tokens of \(archives[0].path) were reduced with \(reduction.setting), and those of the "
          + "index at \(store.path) with \(stored.setting), or on other axes; choose another --index"
      )
    }
  }

  // MARK: - The run

  /// Imports everything; the calling task may be cancelled.
  /// - Throws: what the store throws, and `QueryError` or `EncoderError` when a file changed
  ///   meanwhile.
  public func run(
    progress report: (IndexProgress) -> Void = { _ in }
  ) throws -> ImportSummary {
    let started = ContinuousClock.now
    var batch = ImportBatch(fingerprint: fingerprint)
    var progress = IndexProgress()
    progress.foundCount = archives.reduce(0) { $0 + $1.count }
    progress.isWalkFinished = true
    for archive in archives where !batch.summary.isInterrupted {
      var names = try ItemNames(archive)
      for item in 0..<archive.count {
        if Task.isCancelled {
          batch.summary.isInterrupted = true
          break
        }
        let (described, name) = try names.next(item)
        try batch.add(item, of: archive, described: described, name: name)
        if batch.count >= parameters.commitSize
          || batch.elementCount >= parameters.commitElementCount
        {
          try batch.commit(to: store)
        }
        progress.finishedCount += 1
        progress.encodedCount += 1
        report(progress)
      }
    }
    try batch.commit(to: store)
    var summary = batch.summary
    summary.fingerprint = fingerprint
    (summary.imageCount, summary.indexByteCount) = try store.read { snapshot in
      (try snapshot.readableCount, Int64(try snapshot.statistics.fileByteCount))
    }
    summary.duration = .now - started
    return summary
  }
}

/// Whose tokens an index holds.
private struct ExistingTokens {
  /// Identity of the encoder; `nil` when there are no tokens and no model.
  var fingerprint: String?
  /// Columns of the first item's tokens.
  var dimension: Int?

  init(_ store: TokenStore) throws {
    fingerprint = try IndexModel.recordedFingerprint(of: store)
    if fingerprint == nil { fingerprint = try ImportedOrigin.fingerprint(of: store) }
    let first = try store.read { snapshot -> (String?, Int)? in
      guard let id = try snapshot.idRanges(count: 1).first?.lowerBound,
        let tokens = try snapshot.tokens(of: id)
      else { return nil }
      return (try snapshot.item(id)?.encoderFingerprint, tokens.dimension)
    }
    dimension = first?.1
    if fingerprint == nil { fingerprint = first?.0 }
  }
}

/// Gives every item of an archive a name of its own.
private struct ItemNames {
  private let archive: TokenArchive
  private var lines: ImportedItems?
  /// Hashes of the names that were given: 16 bytes each, whatever their length.
  private var given: Set<ContentHash> = []

  init(_ archive: TokenArchive) throws {
    self.archive = archive
    lines = try archive.namesPath.map { try ImportedItems($0) }
  }

  /// What is said of item number `item`, and its name: the one that was given, else the file's and
  /// the number. A name that another item of the archive has already gets the number added.
  mutating func next(_ item: Int) throws -> (ImportedItem, [UInt8]) {
    var described = ImportedItem()
    if lines != nil {
      guard let line = try lines?.next() else {
        throw QueryError(.unreadable, "\(archive.path): the file with the names was cut short")
      }
      described = line
    }
    var name = described.name ?? archive.path.absolute().bytes + Array("#\(item)".utf8)
    while lines != nil, !given.insert(hash(name)).inserted {
      name += Array("#\(item)".utf8)
    }
    return (described, name)
  }

  private func hash(_ name: [UInt8]) -> ContentHash {
    let digest = contentDigest(of: name)
    return ContentHash(high: digest.high, low: digest.low)
  }
}

/// Items on their way to one commit.
private struct ImportBatch {
  let fingerprint: String
  var summary = ImportSummary()
  /// Floats that wait.
  private(set) var elementCount = 0
  private var items: [(record: ItemRecord, tokens: TokenMatrix, pooled: [Float]?)] = []

  init(fingerprint: String) { self.fingerprint = fingerprint }

  var count: Int { items.count }

  /// Takes one item, or notes why not.
  mutating func add(
    _ item: Int, of archive: TokenArchive, described: ImportedItem, name: [UInt8]
  ) throws {
    let (elements, tokenCount) = try archive.rows(of: item)
    let vector = described.hasPooled ? try archive.pooledVector(of: item) : nil
    let tokens: TokenMatrix
    do throws(TokenMatrixError) {
      tokens = try TokenMatrix(
        importing: elements, tokenCount: tokenCount, dimension: archive.dimension,
        isHalfPrecision: archive.isHalfPrecision)
    } catch { return leaveOut(name, "a token holds a value that is infinite or not a number") }
    var pooled: [Float]?
    if let vector {
      pooled = try? TokenMatrix(
        importing: vector, tokenCount: 1, dimension: vector.count,
        isHalfPrecision: archive.isPooledHalfPrecision
      ).elements
      guard pooled != nil else {
        return leaveOut(name, "the pooled vector holds a value that is infinite or not a number")
      }
    }
    var record = described.record(name: name, tokenCount: tokenCount)
    record.encoderFingerprint = fingerprint
    items.append((record, tokens, pooled))
    elementCount += elements.count
    summary.tokenCount += tokenCount
    summary.zeroTokenCount += tokens.zeroTokenCount
    if tokenCount == 0 { summary.emptyCount += 1 }
  }

  private mutating func leaveOut(_ name: [UInt8], _ reason: String) {
    summary.leftOutCount += 1
    if summary.leftOut.count < 100 {
      summary.leftOut.append(LeftOutItem(name: name, reason: reason))
    }
  }

  /// Writes what waits.
  mutating func commit(to store: TokenStore) throws {
    guard !items.isEmpty else { return }
    let replacedCount = try store.write { writer in
      var replacedCount = 0
      for item in items {
        if let path = item.record.path, let known = try writer.item(forPath: path),
          known.unreadableReason == nil
        {
          replacedCount += 1
        }
        try writer.insert(item.record, tokens: item.tokens, pooled: item.pooled)
      }
      return replacedCount
    }
    summary.replacedCount += replacedCount
    summary.addedCount += items.count - replacedCount
    items.removeAll(keepingCapacity: true)
    elementCount = 0
  }
}

extension TokenMatrix {
  /// Normalises rows; those in half precision that are normalised as well as halves can be stay as
  /// they are, bit for bit.
  fileprivate init(
    importing elements: [Float], tokenCount: Int, dimension: Int, isHalfPrecision: Bool
  ) throws(TokenMatrixError) {
    let normalized = try TokenMatrix(
      normalizing: elements, tokenCount: tokenCount, dimension: dimension)
    guard isHalfPrecision else {
      self = normalized
      return
    }
    var rows = normalized.elements
    for start in stride(from: 0, to: rows.count, by: dimension) {
      let row = elements[start..<start + dimension]
      let squares = row.reduce(0.0) { $0 + Double($1) * Double($1) }
      if abs(squares.squareRoot() - 1) <= 1e-3 {
        rows.replaceSubrange(start..<start + dimension, with: row)
      }
    }
    self.init(unchecked: rows, tokenCount: tokenCount, dimension: dimension)
  }

  /// Rows that are all zero.
  fileprivate var zeroTokenCount: Int {
    (0..<tokenCount).count { token in self[token].allSatisfy { $0 == 0 } }
  }
}
