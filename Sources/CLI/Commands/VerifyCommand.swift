import ArgumentParser
import FilipEncoders
import FilipQuery
import FilipStore

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Read the whole index, compare its parts, and mend what is damaged.",
    discussion: """
      Every checksum is verified, and what follows from something else is made anew and compared. \
      Each thing that is wrong is one line: its table, the image, what is wrong, what a repair \
      does.

      --repair makes anew what can be made anew and removes only what is damaged. Images whose \
      tokens were damaged keep their place in the index and are encoded by the next filip index.

      Exit status: 0 when the index is sound, or all of it was mended; 65 when something is left.
      """)

  @Flag(help: "Mend what is damaged; the index must not be written to meanwhile.")
  var repair = false

  @Flag(help: "Write one JSON document.")
  var json = false

  @Flag(
    help: "Show absolute paths. Default: relative to the current folder where they are below it.")
  var absolute = false

  @OptionGroup(title: "Index") var indexOptions: IndexOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func run() throws {
    let store = try TokenStore.open(
      at: indexOptions.path, mode: repair ? .readWrite : .readOnly,
      program: "filip \(filipVersion)", options: indexOptions.storeOptions.union(.infersLayout))
    let audit = IndexAudit(store: store)
    let reporter = ProgressReporter(isQuiet: messages.quiet, unit: "items")
    let report = try audit.run { reporter.show($0) }
    reporter.finish()
    var mended: [AuditFinding] = []
    var left = report
    if repair, !report.isSound {
      (mended, left) = try audit.repair(report, fallback: environment("FILIP_MODEL")) {
        reporter.show($0)
      }
      reporter.finish()
    }
    try write(mended, left)
    summarize(report, mended, left)
    if !left.isSound { throw ExitStatus.dataError.exit }
  }

  // MARK: - Reporting

  private func write(_ mended: [AuditFinding], _ left: AuditReport) throws {
    var output = StandardOutput()
    if json {
      let document = JSONValue.members([
        "schema": .string("filip.verify/1"), "sound": .bool(left.isSound),
        "items": .count(left.itemCount), "bytes": .count(left.byteCount),
        "findings": .array(
          mended.map { object($0, isMended: true) }
            + left.findings.map { object($0, isMended: false) }),
      ])
      output.write(document.text + "\n")
    } else {
      for finding in mended { output.write(line(finding, isMended: true) + "\n") }
      for finding in left.findings { output.write(line(finding, isMended: false) + "\n") }
    }
    try output.flush()
  }

  private func line(_ finding: AuditFinding, isMended: Bool) -> String {
    let path = finding.path.map { " (\(PathText(absolute: absolute).line($0)))" } ?? ""
    return "\(finding.table): \(finding.subject)\(path): \(finding.problem); "
      + remedyText(finding, isMended: isMended)
  }

  private func object(_ finding: AuditFinding, isMended: Bool) -> JSONValue {
    let path = finding.path.map { PathText(absolute: absolute).json($0) }
    var object = JSONObject()
    _ = object.append("table", .string(finding.table))
    if let item = finding.item { _ = object.append("id", .integer(Int64(clamping: item.rawValue))) }
    if let path { _ = object.append(path.key, path.value) }
    if let segment = finding.segment {
      _ = object.append("segment", .integer(Int64(clamping: segment)))
    }
    _ = object.append("subject", .string(finding.subject))
    _ = object.append("problem", .string(finding.problem))
    _ = object.append("remedy", .string(finding.remedy.rawValue))
    _ = object.append("mended", .bool(isMended))
    return .object(object)
  }

  private func remedyText(_ finding: AuditFinding, isMended: Bool) -> String {
    switch finding.remedy {
    case .rebuild: isMended ? "made anew" : "can be made anew, nothing is lost"
    case .dropEntry: isMended ? "removed" : "can be removed"
    case .dropPooled:
      (isMended ? "removed" : "can be removed") + ", its tokens are not concerned"
    case .dropTokens:
      (isMended ? "removed" : "can be removed")
        + "; the next filip index encodes the image again, filip import takes it again"
    case .dropItem:
      "the item " + (isMended ? "was" : "can be")
        + " removed; the next filip index finds its file as a new one"
    case .none:
      finding.isNewer
        ? "a newer program wrote it: update filip"
        : "cannot be mended; rebuild the index: filip index --force"
    }
  }

  private func summarize(
    _ report: AuditReport, _ mended: [AuditFinding], _ left: AuditReport
  ) {
    guard !messages.quiet else { return }
    let size = "\(countText(left.itemCount)) items, \(byteText(Int64(left.byteCount))) read"
    guard !report.isSound else { return Messages.line("sound: \(size)") }
    let itemCount = mended.count { $0.remedy == .dropItem }
    let tokenCount = mended.count { $0.remedy == .dropTokens }
    if !mended.isEmpty {
      Messages.line(
        "mended \(countText(mended.count)): \(countText(itemCount)) items removed, "
          + "\(countText(tokenCount)) to be indexed again"
          + (tokenCount > 0 ? " (filip list --failed)" : ""))
    }
    if left.isSound {
      Messages.line("sound: \(size)")
    } else {
      Messages.line(
        "damaged: \(countText(left.findings.count)) findings, \(size)"
          + (repair ? "" : "; mend what can be mended: filip verify --repair"))
    }
  }
}
