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
    var statistics: StoreStatistics?
    var model: Result<IndexModel, any Error>?
    var reduction: Result<TokenReduction, any Error>?
    var layout = PlaneLayout()
    /// What a search through the screen finds, where that was measured.
    var recall: RecallEstimate?
    /// Who made the tokens of an index without a model.
    var importedFingerprint: String?

    init(_ store: TokenStore?) throws {
      guard let store else { return }
      (imageCount, unreadableCount, generation, statistics) = try store.read { snapshot in
        let readable = try snapshot.readableCount
        return (
          readable, try snapshot.itemCount - readable, try snapshot.generation,
          try snapshot.statistics
        )
      }
      reduction = Result { try store.read { try TokenReduction($0) } }
      layout = store.layout
      recall = try store.read { snapshot in
        guard let curve = try RecallCurve(snapshot) else { return nil }
        return curve.candidateCount(forRecall: 0.99).flatMap(curve.estimate)
      }
      importedFingerprint = try ImportedOrigin.fingerprint(of: store)
      if importedFingerprint == nil { model = Result { try IndexModel(for: store) } }
    }
  }

  private func lines(_ status: IndexStatus) -> [String] {
    var lines: [String] = []
    if let statistics = status.statistics {
      lines += [
        "index       \(indexOptions.path)",
        "images      \(countText(status.imageCount)), "
          + "\(countText(status.unreadableCount)) unreadable files"
          + (status.unreadableCount > 0 ? " (filip list --failed)" : ""),
        "size        \(byteText(Int64(statistics.fileByteCount))): "
          + statistics.tables.filter { $0.byteCount > 0 }
          .map { "\($0.name) \(byteText(Int64($0.byteCount)))" }.joined(separator: ", "),
        "format      draft, generation \(status.generation)",
        "plane       \(status.layout.bits.rawValue) bits, originals "
          + status.layout.originals.rawValue + cascadeText(status.recall),
      ]
    } else {
      lines.append("index       none at \(indexOptions.path); create one: filip index FOLDER")
    }
    switch status.model {
    case .success(let model):
      lines.append(
        "model       \(model.label), tokens \(model.tokenMode.rawValue), \(model.location.path)")
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
      "decoders    " + ImageFormat.allCases.map(\.rawValue).sorted().joined(separator: ", "))
    lines.append("processor   \(InstructionSet.current.rawValue), \(defaultThreadCount) cores")
    lines.append("program     filip \(filipVersion)")
    return lines
  }

  private func cascadeText(_ recall: RecallEstimate?) -> String {
    guard let recall else { return "" }
    return "; a cascade finds \(decimal(100 * recall.value, digits: 1)) % of the ten best "
      + "(\(recall.queryCount) queries, \(recall.querySource))"
  }

  private func document(_ status: IndexStatus) -> JSONValue {
    let model = try? status.model?.get()
    return .members([
      "schema": .string("filip.status/1"),
      "index": .string(indexOptions.path),
      "exists": .bool(status.statistics != nil),
      "images": .count(status.imageCount),
      "unreadable": .count(status.unreadableCount),
      "generation": .integer(Int64(status.generation)),
      "bytes": status.statistics.map { .count($0.fileByteCount) },
      "tables": status.statistics.map { statistics in
        .array(
          statistics.tables.map {
            .members([
              "name": .string($0.name), "entries": .count($0.entryCount),
              "bytes": .count($0.byteCount),
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
      "decoders": .array(
        ImageFormat.allCases.map(\.rawValue).sorted().map(JSONValue.string)),
      "processor": .string(InstructionSet.current.rawValue),
      "version": .string(filipVersion),
    ])
  }
}
