import ArgumentParser
import FilipEncoders
import FilipQuery
import FilipStore
import SystemPackage

struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Bring tokens that another program computed into an index.",
    discussion: """
      Reads what filip embed writes: a .safetensors file with "embeddings" (sum of tokens, d), \
      "lengths" (N) and, if wanted, "pooled" (N, width). Or NumPy files: TOKENS.npy LENGTHS.npy \
      with the same two arrays, or one .npy (N, tokens, d). Floats of 32 or 16 bits. Rows are \
      L2-normalised; rows of zeros stay zero and match nothing.

      FILE.jsonl beside FILE may name the items, a line for each: {"path": …}, {"text": …} or \
      {"id": …}; else they are called FILE#0, FILE#1 and so on. An item that is imported again \
      under the same name takes the place of the old one and keeps its id.

      An index of imported tokens has no model: search it with --query-tokens, or name the model \
      that made the tokens with --model.

      Exit status: 0, or 2 when items with infinite or undefined values were left out.
      """)

  @Argument(help: ArgumentHelp(".safetensors and .npy files.", valueName: "file"))
  var files: [String]

  @Option(
    help: ArgumentHelp(
      "The lines that name the items. Default: the file's name with .jsonl added, if it is there.",
      valueName: "file"))
  var names: String?

  @Option(
    help: ArgumentHelp(
      "Who made the tokens; those of different encoders do not mix in one index.",
      discussion: "Default: what the file says, else what the index says, else the file's name.",
      valueName: "name"))
  var fingerprint: String?

  @Flag(
    name: [.short, .long],
    help: "Take over an index of another encoder; its tokens are dropped.")
  var force = false

  @OptionGroup(title: "Index") var indexOptions: IndexOptions
  @OptionGroup(title: "Index") var writing: WritingOptions
  @OptionGroup(title: "Index") var layout: LayoutOptions
  @OptionGroup(title: "Engine") var cascade: CascadeOptions
  @OptionGroup(title: "Engine") var threads: ThreadOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func validate() throws {
    if files.isEmpty { throw ValidationError("name the files to import") }
    if let fingerprint, fingerprint.isBlank {
      throw ValidationError("--fingerprint: the name is empty")
    }
  }

  func run() async throws {
    let archives = try TokenArchive.open(
      files.map(argumentPath), names: names.map(argumentPath))
    var parameters = ImportParameters()
    parameters.fingerprint = fingerprint
    parameters.replacesEncoder = force
    parameters.layout = layout.layout
    parameters.storeOptions = indexOptions.storeOptions
    try layout.check(try? indexOptions.open(.readOnly))
    let importer = try await writing.waiting(messages: messages) {
      try Importer(at: indexOptions.path, archives: archives, parameters: parameters)
    }
    let reporter = ProgressReporter(isQuiet: messages.quiet, unit: "items")
    let summary = try await Interruption.cancelling {
      try importer.run { reporter.show($0) }
    }
    reporter.finish()
    report(summary)
    if summary.isInterrupted { throw Interruption.status.exit }
    try await cascade.run(
      on: importer.store, encoder: nil, threadCount: threads.count, messages: messages)
    if summary.leftOutCount > 0 { throw ExitStatus.softProblems.exit }
  }

  private func report(_ summary: ImportSummary) {
    let shown = 10
    let paths = PathText(absolute: false)
    for item in summary.leftOut.prefix(shown) {
      Messages.note("left out: \(paths.line(item.name)): \(item.reason)")
    }
    if summary.leftOutCount > shown {
      Messages.note("… and \(countText(summary.leftOutCount - shown)) more")
    }
    guard !messages.quiet else { return }
    if summary.zeroTokenCount > 0 {
      Messages.note("\(countText(summary.zeroTokenCount)) tokens are all zero; they match nothing")
    }
    if summary.emptyCount > 0 {
      Messages.note("\(countText(summary.emptyCount)) items have no tokens; they are never found")
    }
    if summary.isInterrupted {
      Messages.note("interrupted; everything below is saved, run the same command to go on")
    }
    Messages.line(
      "imported \(countText(summary.addedCount)) new, \(countText(summary.replacedCount)) replaced "
        + "with \(countText(summary.tokenCount)) tokens; \(countText(summary.leftOutCount)) left out"
    )
    Messages.line(
      "index: \(countText(summary.imageCount)) items, \(byteText(summary.indexByteCount)), "
        + "tokens of \(summary.fingerprint), \(durationText(summary.duration))")
  }
}
