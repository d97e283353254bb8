import ArgumentParser
import FilipQuery
import FilipStore
import SystemPackage

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write the tokens of the index to a safetensors file.",
    discussion: """
      The file holds "embeddings" (sum of tokens, d), "lengths" (N) int64, the tokens of each \
      item, and "pooled" (N, width) where the index has such: 16-bit floats, bit for bit as they \
      are stored. Beside it FILE.jsonl says in a line for each item what else the index knows: \
      path, ids, times, format, tiles, merged patches. filip import makes an index of both that \
      finds the same with the same scores.

      Of an index that was made with --originals none, what its codes stand for is written, as \
      32-bit floats; such tokens are imported with other codes.

      Of an index that was made with --dimension, the axes are written too, as "projection" (d, \
      dimensions of the model): filip import takes them over, and other programs project queries \
      on them.

      Files that could not be read have no tokens and are left out.
      """)

  @Option(name: [.short, .long], help: ArgumentHelp("Where to write.", valueName: "file"))
  var output: String

  @OptionGroup(title: "Index") var indexOptions: IndexOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func validate() throws {
    if output.isBlank { throw ValidationError("--output: the path is empty") }
  }

  func run() throws {
    let store = try indexOptions.open(.readOnly)
    let reporter = ProgressReporter(isQuiet: messages.quiet, unit: "items")
    let summary = try Exporter(store: store).run(to: argumentPath(output)) { reporter.show($0) }
    reporter.finish()
    guard !messages.quiet else { return }
    if summary.isDecodedFromCodes {
      Messages.note("the index keeps no originals: the tokens are what its codes stand for")
    }
    if summary.reduction.dimension != nil {
      Messages.note(
        "the tokens are reduced with \(summary.reduction); queries must be projected on the axes in "
          + "the tensor projection, which filip import takes over")
    }
    if summary.unreadableCount > 0 {
      Messages.note(
        "left out: \(countText(summary.unreadableCount)) files without tokens (filip list --failed)"
      )
    }
    Messages.line(
      "exported \(countText(summary.itemCount)) items with \(countText(summary.tokenCount)) tokens "
        + "to \(output)")
  }
}
