import ArgumentParser
import FilipEncoders
import FilipLateInteraction
import FilipQuery
import FilipStore
import SystemPackage

struct IndexCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index",
    abstract: "Build an index of folders of images, or of texts, or bring it up to date.",
    discussion: """
      Unchanged files are passed over, renamed ones recognised by their content, and files that \
      are gone leave the index. A file that cannot be read is listed with the reason \
      (filip list --failed) and never stops the run. Ctrl-C commits what is done; the next run \
      goes on from there.

      With --text the paths are files of texts, one JSON object a line: {"text": "…", "id": "…", \
      "title": "…"}. Only text is needed, and only it is searched; all members are kept and shown \
      (filip search --json). A text longer than the model takes loses its last words. Texts are \
      called FILE#ID, or FILE#LINE without an id.

      Exit status: 0 when done, 2 when files are unreadable under --strict or the prune limit \
      was reached.
      """)

  @Argument(
    help: ArgumentHelp("Folders and files. Default: the current folder.", valueName: "path"))
  var paths: [String] = ["."]

  @Flag(help: "The paths are files of texts, one JSON object a line.")
  var text = false

  @Flag(
    name: [.customShort("n"), .long],
    help: "Show what would be done, with size and time; write nothing.")
  var dryRun = false

  @Flag(
    name: [.short, .long],
    help: "Encode every file again; rebuild an index of another format or model.")
  var force = false

  @Flag(help: "Remove images whose file is gone even when that is more than 20 % of them.")
  var prune = false

  @Flag(help: "Exit with 2 when a file is unreadable.")
  var strict = false

  @Option(
    name: [.short, .long], parsing: .singleValue,
    help: ArgumentHelp(
      "Only files that match this shell pattern; may be repeated.", valueName: "glob"))
  var glob: [String] = []

  @Option(
    name: [.customShort("E"), .long], parsing: .singleValue,
    help: ArgumentHelp(
      "Pass over files and folders that match; may be repeated.", valueName: "glob"))
  var exclude: [String] = []

  @Flag(name: [.customShort("H"), .long], help: "Also look into hidden files and folders.")
  var hidden = false

  @Option(
    help: ArgumentHelp(
      "Which vectors of the model become an image's tokens: \(TokenMode.allCases.map(\.rawValue).joined(separator: ", ")). Default: the model's recommendation.",
      valueName: "mode"))
  var tokenMode: TokenMode?

  @OptionGroup(title: "Index and model") var indexOptions: IndexOptions
  @OptionGroup(title: "Index and model") var writing: WritingOptions
  @OptionGroup(title: "Index and model") var modelOptions: ModelOptions
  @OptionGroup(title: "Engine") var computing: ComputeOptions
  @OptionGroup(title: "Smaller index") var reductionOptions: ReductionOptions
  @OptionGroup(title: "Index and model") var layout: LayoutOptions
  @OptionGroup(title: "Engine") var cascade: CascadeOptions
  @OptionGroup(title: "Engine") var threads: ThreadOptions
  @OptionGroup(title: "Engine") var decoding: DecodingOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func validate() throws {
    guard text else { return }
    if paths == ["."] { throw ValidationError("--text needs files: filip index --text FILE.jsonl") }
    if dryRun { throw ValidationError("--dry-run looks at images only; leave out --text") }
    if tokenMode != nil { throw ValidationError("--token-mode is for images; leave out --text") }
  }

  func run() async throws {
    let path = indexOptions.path
    let existing = try existingStore()
    try layout.check(existing)
    let model = try IndexModel(
      for: existing, requested: modelOptions.model, fallback: environment("FILIP_MODEL"),
      tokenMode: tokenMode, replacesModel: force)
    messages.noteDomain(of: model)

    // Before anything is made or emptied: are the roots there?
    var parameters = try IndexParameters(roots: paths.map(argumentPath)).resolvingRoots()
    if text { try parameters.requireFiles() }
    parameters.walk.globs = glob
    parameters.walk.excludes = exclude
    parameters.walk.includesHidden = hidden
    parameters.prunesWithoutLimit = prune
    parameters.encodesUnchanged = force
    parameters.threadCount = threads.count
    parameters.decodingLimits = decoding.limits(threadCount: threads.count)

    let reduction = try model.reduction(
      for: existing, request: reductionOptions.request, replacesModel: force)
    let encoder = text ? try computing.textEncoder(of: model) : nil
    let pipeline =
      text ? nil : try computing.pipeline(of: model, limits: parameters.decodingLimits)
    if let footprint = pipeline?.footprint, existing == nil, reduction.isNone, footprint.isWide {
      messages.note(savingsText(footprint))
    }

    if dryRun, let pipeline {
      try printForecast(
        try IndexForecast(
          store: existing, pipeline: pipeline, parameters: parameters, reduction: reduction))
      return
    }
    let store = try await writing.waiting(messages: messages) {
      try model.openForWriting(
        at: path, pipeline: pipeline, format: computing.compute,
        reduction: reductionOptions.request, replacesModel: force, layout: layout.layout,
        options: indexOptions.storeOptions)
    }
    let run: @Sendable (@escaping @Sendable (IndexProgress) -> Void) async throws -> IndexSummary
    if let pipeline {
      run = try Indexer(store: store, pipeline: pipeline, parameters: parameters).run(progress:)
    } else if let encoder {
      let indexer = try TextIndexer(
        store: store, model: model, encoder: encoder, parameters: parameters)
      run = indexer.run(progress:)
    } else {
      preconditionFailure("images or texts")
    }
    let reporter = ProgressReporter(isQuiet: messages.quiet)
    let isQuiet = messages.quiet
    let bytesPerImage = pipeline?.footprint.byteCount(under: reduction)
    let announced = Once()
    let summary = try await Interruption.cancelling {
      try await run { progress in
        // Said once, when the walk is over and the run turns out to be a large one.
        if progress.isWalkFinished, !isQuiet, progress.foundCount - progress.finishedCount > 2_000,
          let bytesPerImage, announced.isFirst
        {
          let bytes = Int64(progress.foundCount - progress.finishedCount) * bytesPerImage
          reporter.finish()
          Messages.note(
            "\(countText(progress.foundCount)) files; the index will grow by up to \(byteText(bytes))"
          )
        }
        reporter.show(progress)
      }
    }
    reporter.finish()
    report(summary, model: model)
    if summary.isInterrupted { throw Interruption.status.exit }
    try await cascade.run(
      on: store, encoder: try computing.textEncoder(of: model), threadCount: threads.count,
      messages: messages)
    if summary.vanishedCount > 0 || (strict && !summary.unreadable.isEmpty) {
      throw ExitStatus.softProblems.exit
    }
  }

  /// The index as it is, if there is one that can be read.
  private func existingStore() throws -> TokenStore? {
    do {
      return try indexOptions.open(.readOnly)
    } catch {
      if error.code == .notFound || (force && error.asksForRebuild) { return nil }
      throw error
    }
  }

  // MARK: - Reporting

  private func report(_ summary: IndexSummary, model: IndexModel) {
    if summary.vanishedCount > 0 {
      let share = 100 * Double(summary.vanishedCount) / Double(max(1, summary.vanishedOfCount))
      Messages.note(
        "\(countText(summary.vanishedCount)) of \(countText(summary.vanishedOfCount)) \(text ? "texts" : "files") "
          + "(\(decimal(share, digits: 0)) %) are missing. \(text ? "" : "Is a drive unmounted? ")They were kept. "
          + "If they are really gone: filip index \(text ? "--text … " : "")--prune")
    }
    guard !messages.quiet else { return }
    let shown = 10
    let paths = PathText(absolute: false)
    for file in summary.unreadable.prefix(shown) {
      Messages.note("unreadable: \(paths.line(file.path.bytes)): \(file.reason)")
    }
    if summary.unreadable.count > shown {
      Messages.note(
        "… and \(countText(summary.unreadable.count - shown)) more (filip list --failed)")
    }
    if summary.isInterrupted {
      Messages.note("interrupted; everything below is saved, run the same command to go on")
    }
    Messages.line(
      "indexed \(countText(summary.addedCount)) new, \(countText(summary.changedCount)) changed, "
        + "\(countText(summary.renamedCount)) renamed, \(countText(summary.removedCount)) removed; "
        + "\(countText(summary.unchangedCount)) unchanged; "
        + "\(countText(summary.unreadable.count)) unreadable"
        + (summary.unreadable.isEmpty ? "" : " (filip list --failed)"))
    Messages.line(
      "index: \(countText(summary.imageCount)) \(text ? "items" : "images"), \(byteText(summary.indexByteCount)), "
        + "model \(model.label), \(durationText(summary.duration))")
    if let reader = summary.longReader {
      Messages.note(
        "process \(reader.processID) has read an old state of the index for "
          + "\(countText(reader.commitsBehind)) commits, so the file has grown more than it had to: "
          + "end it, then filip compact")
    }
    guard !summary.reduction.isNone else { return }
    Messages.line("reduction: \(reductionText(summary.reduction))")
    if let count = summary.learntImageCount, count < ReductionRecall.minimumImageCount {
      Messages.note(
        "the \(summary.reduction.setting.dimension ?? 0) dimensions were learnt from "
          + "\(countText(count)) images only; when the index has grown, learn them anew: "
          + "filip index --force \(summary.reduction.setting)")
    }
  }

  /// What a reduction would save, in one line.
  private func savingsText(_ footprint: ImageFootprint) -> String {
    let halves = footprint.halves.map { "\(byteText($0.byteCount)) with \($0.reduction)" }
    return "an image takes up to \(byteText(footprint.byteCount())); it would be "
      + halves.joined(separator: ", ") + ", for results that are no longer exact"
  }

  private func printForecast(_ forecast: IndexForecast) throws {
    var output = StandardOutput()
    output.write(
      "would index \(countText(forecast.newCount)) new and \(countText(forecast.changedCount)) changed "
        + "images; \(countText(forecast.unchangedCount)) unchanged; "
        + "\(countText(forecast.vanishedCount)) missing\n")
    var line = "the index would grow by up to \(byteText(forecast.predictedByteCount))"
    if let duration = forecast.predictedDuration { line += " in about \(durationText(duration))" }
    output.write(line + "; nothing was written\n")
    try output.flush()
  }
}
