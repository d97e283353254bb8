import ArgumentParser
import FilipEncoders
import FilipLateInteraction
import FilipLinearAlgebra
import FilipQuery
import FilipStore
import SystemPackage

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show the index, its model, and what this program can decode.")

  @Flag(help: "Write one JSON document.")
  var json = false

  @OptionGroup(title: "Index") var indexOptions: IndexOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func run() throws {
    let store: TokenStore?
    do {
      store = try indexOptions.open(.readOnly)
    } catch {
      guard error.code == .notFound else { throw error }
      store = nil
    }
    let status = try IndexStatus(store)
    var output = StandardOutput()
    output.write(json ? document(status).text + "\n" : lines(status).joined(separator: "\n") + "\n")
    try output.flush()
    if store == nil { throw ExitStatus.notFound.exit }
  }

  /// What is read from the index.
  private struct IndexStatus {
    var imageCount = 0
    var unreadableCount = 0
    var generation: UInt64 = 0
    var format = ""
    var compressionLevel = 0
    /// Kinds and roots; records that are damaged make it an error.
    var census: Result<IndexCensus, any Error>?
    var statistics: StoreStatistics?
    var model: Result<IndexModel, any Error>?
    var reduction: Result<TokenReduction, any Error>?
    var formats: [ComputeFormat] = []
    var layout = PlaneLayout()
    /// What a search through the screen finds, where that was measured.
    var recall: RecallEstimate?
    /// Who made the tokens of an index without a model.
    var importedFingerprint: String?
    /// What the last run of `filip index` did, where that is known.
    var lastRun: IndexRun?
    /// Who reads the index besides this program, and how many commits behind.
    var readers: [(process: Int32, commitsBehind: Int)] = []

    init(_ store: TokenStore?) throws {
      guard let store else { return }
      (imageCount, unreadableCount, generation, statistics) = try store.read { snapshot in
        let readable = try snapshot.readableCount
        return (
          readable, try snapshot.itemCount - readable, try snapshot.generation,
          try snapshot.statistics
        )
      }
      (format, compressionLevel) = try store.read { ($0.formatName, $0.compressionLevel) }
      census = Result { try store.read { try IndexCensus($0) } }
      reduction = Result { try store.read { try TokenReduction($0) } }
      formats = (try? store.read { try ComputeFormat.recorded(in: $0) }) ?? []
      layout = store.layout
      recall = try store.read { snapshot in
        guard let curve = try RecallCurve(snapshot) else { return nil }
        return curve.candidateCount(forRecall: 0.99).flatMap(curve.estimate)
      }
      lastRun = try? store.read { try IndexRun($0) }
      let others = Dictionary(
        try store.readers().filter { !$0.isThisProcess }.map { ($0.processID, $0.commitsBehind) },
        uniquingKeysWith: max)
      readers = others.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
      importedFingerprint = try ImportedOrigin.fingerprint(of: store)
      if importedFingerprint == nil { model = Result { try IndexModel(for: store) } }
    }
  }

  private func lines(_ status: IndexStatus) -> [String] {
    var lines: [String] = []
    if let statistics = status.statistics {
      lines += [
        "index       \(indexOptions.path)",
        "images      \(countText(status.imageCount))\(kindText(status)), "
          + "\(countText(status.unreadableCount)) unreadable files"
          + (status.unreadableCount > 0 ? " (filip list --failed)" : ""),
        "size        \(byteText(Int64(statistics.fileByteCount))): "
          + sizes(statistics).filter { $0.byteCount > 0 }
          .map { "\($0.name) \(byteText(Int64($0.byteCount)))" }.joined(separator: ", "),
        "format      \(status.format), generation \(status.generation), changed "
          + dateText(statistics.changeTime),
        "plane       \(status.layout.bits.rawValue) bits, originals "
          + originalsText(status) + cascadeText(status.recall),
      ]
      lines += rootLines(status)
      if let run = status.lastRun { lines.append("last run    \(runText(run))") }
      if !status.readers.isEmpty { lines.append("readers     \(readersText(status))") }
    } else {
      lines.append("index       none at \(indexOptions.path); create one: filip index FOLDER")
    }
    switch status.model {
    case .success(let model):
      lines.append(
        "model       \(model.label), tokens \(model.tokenMode.rawValue), \(model.location.path)")
      if status.formats.contains(where: { $0 != .float32 }) {
        lines.append(
          "computed    in \(status.formats.map(\.rawValue).joined(separator: " and "))")
      }
    case .failure(let error): lines.append("model       \(error)")
    case nil:
      if let fingerprint = status.importedFingerprint {
        lines.append("model       none, tokens imported as \(fingerprint)")
      }
    }
    switch status.reduction {
    case .success(let reduction) where !reduction.isNone:
      lines.append("reduction   \(reductionText(reduction))")
    case .failure(let error): lines.append("reduction   \(error)")
    case .success, nil: break
    }
    lines.append(
      "decoders    "
        + decoders().map { "\($0.format) (\($0.library ?? "missing"))" }.joined(separator: ", "))
    lines.append("processor   \(InstructionSet.current.rawValue), \(defaultThreadCount) cores")
    lines.append("program     filip \(filipVersion)")
    return lines
  }

  /// What takes the room, by kind.
  private func sizes(_ statistics: StoreStatistics) -> [(name: String, byteCount: Int)] {
    [
      ("originals", statistics.originalByteCount), ("plane", statistics.planeByteCount),
      ("screens", statistics.screenByteCount), ("pooled", statistics.pooledByteCount),
      ("records", statistics.recordByteCount), ("free", statistics.freeByteCount),
    ]
  }

  /// Kinds of items besides images.
  private func kindText(_ status: IndexStatus) -> String {
    guard let census = try? status.census?.get() else { return "" }
    let others = [("texts", census.textCount), ("imported", census.importedCount)]
      .filter { $0.1 > 0 }.map { "\(countText($0.1)) \($0.0)" }
    return others.isEmpty ? "" : " (of them \(others.joined(separator: ", ")))"
  }

  private func originalsText(_ status: IndexStatus) -> String {
    let name = status.layout.originals.rawValue
    return status.layout.originals == .none ? name : "\(name), zstd \(status.compressionLevel)"
  }

  /// The folders, or why they are not known.
  private func rootLines(_ status: IndexStatus) -> [String] {
    switch status.census {
    case .success(let census):
      let paths = PathText(absolute: true)
      return census.roots.map { root in
        "folder      \(paths.line(root.path.bytes)), \(countText(root.itemCount)) files"
          + (root.exists ? "" : " (not there now)")
      }
    case .failure(let error): return ["folder      \(error)"]
    case nil: return []
    }
  }

  /// What the last run did, and how it ended.
  private func runText(_ run: IndexRun) -> String {
    let began = dateText(run.startTime)
    guard run.ending != .none else {
      return "begun \(began), its end is not known: it goes on, or it was killed"
    }
    let parts = [
      ("added", run.addedCount), ("changed", run.changedCount), ("renamed", run.renamedCount),
      ("removed", run.removedCount), ("unreadable", run.unreadableCount),
      ("missing but kept", run.vanishedCount),
    ].filter { $0.1 > 0 }.map { "\(countText($0.1)) \($0.0)" }
    let duration = durationText(.seconds(max(0, run.endTime - run.startTime)))
    return "\(run.ending.rawValue), \(began), \(duration): "
      + ([countText(run.seenCount) + " files seen"] + parts).joined(separator: ", ")
  }

  /// The processes that read the index, and what their snapshots keep from being used again.
  private func readersText(_ status: IndexStatus) -> String {
    status.readers.map { reader in
      "process \(reader.process)"
        + (reader.commitsBehind > 0
          ? " (\(countText(reader.commitsBehind)) commits behind; the file may grow)" : "")
    }.joined(separator: ", ")
  }

  /// The library behind every format; `nil` for a format that cannot be read.
  private func decoders() -> [(format: String, library: String?)] {
    let available = ImageDecoder.available
    return ImageFormat.allCases.sorted { $0.rawValue < $1.rawValue }
      .map { ($0.rawValue, available[$0]) }
  }

  private func cascadeText(_ recall: RecallEstimate?) -> String {
    guard let recall else { return "" }
    return "; a cascade finds \(decimal(100 * recall.value, digits: 1)) % of the ten best "
      + "(\(recall.queryCount) queries, \(recall.querySource))"
  }

  private func runJSON(_ run: IndexRun) -> JSONValue {
    .members([
      "ending": run.ending == .none ? nil : .string(run.ending.rawValue),
      "started": .integer(run.startTime),
      "ended": run.ending == .none ? nil : .integer(run.endTime),
      "seen": .count(run.seenCount), "added": .count(run.addedCount),
      "changed": .count(run.changedCount), "renamed": .count(run.renamedCount),
      "removed": .count(run.removedCount), "unchanged": .count(run.unchangedCount),
      "unreadable": .count(run.unreadableCount), "vanished": .count(run.vanishedCount),
    ])
  }

  private func document(_ status: IndexStatus) -> JSONValue {
    let model = try? status.model?.get()
    let census = try? status.census?.get()
    return .members([
      "schema": .string("filip.status/1"),
      "index": .string(indexOptions.path),
      "exists": .bool(status.statistics != nil),
      "images": .count(status.imageCount),
      "unreadable": .count(status.unreadableCount),
      "texts": census.map { .count($0.textCount) },
      "imported_items": census.map { .count($0.importedCount) },
      "roots": census.map { census in
        .array(
          census.roots.map { root in
            let path = PathText(absolute: true).json(root.path.bytes)
            var object = JSONObject()
            _ = object.append(path.key, path.value)
            _ = object.append("files", .count(root.itemCount))
            _ = object.append("exists", .bool(root.exists))
            return .object(object)
          })
      },
      "generation": .integer(Int64(status.generation)),
      "format": status.statistics.map { _ in .string(status.format) },
      "changed": status.statistics.map { .integer($0.changeTime) },
      "bits": status.statistics.map { _ in .count(Int(status.layout.bits.rawValue)) },
      "originals": status.statistics.map { _ in .string(status.layout.originals.rawValue) },
      "compression": status.statistics.map { _ in .string("zstd \(status.compressionLevel)") },
      "bytes": status.statistics.map { .count($0.fileByteCount) },
      "sizes": status.statistics.map { statistics in
        var object = JSONObject()
        for size in sizes(statistics) { _ = object.append(size.name, .count(size.byteCount)) }
        return .object(object)
      },
      "cascade_recall": status.recall.map {
        .members([
          "value": .score(Float($0.value)), "queries": .count($0.queryCount),
          "query_source": .string($0.querySource),
        ])
      },
      "tables": status.statistics.map { statistics in
        .array(
          statistics.tables.map {
            .members([
              "name": .string($0.name), "entries": .count($0.entryCount),
              "bytes": .count($0.byteCount),
            ])
          })
      },
      "last_run": status.lastRun.map(runJSON),
      "readers": status.statistics.map { _ in
        .array(
          status.readers.map {
            .members([
              "process": .integer(Int64($0.process)), "commits_behind": .count($0.commitsBehind),
            ])
          })
      },
      "model": model.map {
        .members([
          "id": .string($0.location.name), "fingerprint": .string($0.imageFingerprint),
          "token_mode": .string($0.tokenMode.rawValue),
        ])
      },
      "reduction": (try? status.reduction?.get()).flatMap(reductionJSON),
      "imported": status.importedFingerprint.map(JSONValue.string),
      "decoders": .array(decoders().filter { $0.library != nil }.map { .string($0.format) }),
      "libraries": .array(decoders().compactMap(\.library).map(JSONValue.string)),
      "processor": .string(InstructionSet.current.rawValue),
      "version": .string(filipVersion),
    ])
  }
}
