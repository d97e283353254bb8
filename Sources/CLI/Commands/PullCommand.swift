import ArgumentParser
import FilipHub
import FilipQuery
import SystemPackage

struct PullCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull",
    abstract: "Fetch a model from the Hugging Face hub.",
    discussion: """
      The files go into the cache of the hub's own client, in its layout, so that either finds the \
      other's. Only what filip reads is fetched: configuration, tokenizer and one set of weights. \
      Lengths and checksums are compared with the hub's list; a transfer that was cut goes on where \
      it was cut.

      HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE, HF_ENDPOINT, HTTPS_PROXY and \
      NO_PROXY are honoured. This is the only command of filip that goes out to the network.

      Exit status: 66 when the hub has no such model, 69 when it cannot be reached.
      """)

  @Argument(help: ArgumentHelp("The model's name on the hub.", valueName: "org/name"))
  var model: String

  @Option(help: ArgumentHelp("A branch, a tag or a commit. Default: main.", valueName: "revision"))
  var revision = "main"

  @OptionGroup(title: "Output") var messages: MessageOptions

  func run() async throws {
    let pull = try ModelPull(model, revision: revision, settings: HubSettings())
    let reporter = ProgressReporter(isQuiet: messages.quiet, unit: "bytes")
    let summary: PullSummary
    do {
      summary = try await pull.run { reporter.show($0) }
    } catch {
      reporter.finish()
      throw error
    }
    reporter.finish()
    messages.note(
      summary.fetchedByteCount == 0
        ? "\(model) is here already (\(byteText(Int64(summary.byteCount))))"
        : "fetched \(byteText(Int64(summary.fetchedByteCount))); \(model) has "
          + "\(summary.fileCount) files, \(byteText(Int64(summary.byteCount)))")
    var output = StandardOutput()
    output.write(bytes: summary.folder.bytes + [UInt8(ascii: "\n")])
    try output.flush()
  }
}
