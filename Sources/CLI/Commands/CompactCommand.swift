import ArgumentParser
import FilipEncoders
import FilipStore

struct CompactCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Give back the room that removed images left, or write a copy of the index.",
    discussion: """
      Without -o the index is rewritten in place; searches go on meanwhile, and the disk must have \
      room for both files. With -o the index stays as it is, and the folder gets a compacted copy \
      of one moment: a backup, which may be taken while another program writes.

      An interrupted run leaves the index as it was, and no copy.
      """)

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "Write a copy into this folder, which is new or empty.", valueName: "dir"))
  var output: String?

  @Flag(help: "Write one JSON document.")
  var json = false

  @OptionGroup(title: "Index") var indexOptions: IndexOptions
  @OptionGroup(title: "Index") var writing: WritingOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func validate() throws {
    if let output, output.isBlank { throw ValidationError("--output: the path is empty") }
  }

  func run() async throws {
    let destination = output
    let store = try await writing.waiting(messages: messages) {
      try indexOptions.open(destination == nil ? .readWrite : .readOnly)
    }
    let reporter = ProgressReporter(isQuiet: messages.quiet, unit: "MB")
    let started = ContinuousClock.now
    let summary: CompactionSummary
    do {
      summary = try await Interruption.cancelling {
        let report: (CompactionProgress) throws -> Void = { progress in
          try Task.checkCancellation()
          reporter.show(progress)
        }
        if let destination { return try store.copy(to: destination, progress: report) }
        return try store.compact(progress: report)
      }
    } catch is CancellationError {
      reporter.finish()
      throw Interruption.status.exit
    }
    reporter.finish()
    try show(summary, duration: .now - started)
  }

  private func show(_ summary: CompactionSummary, duration: Duration) throws {
    if json {
      var standardOutput = StandardOutput()
      let document = JSONValue.members([
        "schema": .string("filip.compact/1"),
        "index": .string(indexOptions.path),
        "output": output.map(JSONValue.string),
        "bytes_before": .count(summary.byteCountBefore),
        "bytes_after": .count(summary.byteCountAfter),
      ])
      standardOutput.write(document.text + "\n")
      try standardOutput.flush()
      return
    }
    guard !messages.quiet else { return }
    let after = byteText(Int64(summary.byteCountAfter))
    let before = byteText(Int64(summary.byteCountBefore))
    if let output {
      Messages.line(
        "copied the index to \(output): \(after) (the original has \(before)), "
          + durationText(duration))
    } else {
      let saved = byteText(Int64(max(0, summary.byteCountBefore - summary.byteCountAfter)))
      Messages.line(
        "compacted the index from \(before) to \(after), \(saved) saved, \(durationText(duration))")
    }
  }
}
