#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import ArgumentParser
import FilipQuery

/// `filip`: search images by their parts.
struct FilipCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "filip",
    abstract: "Search images by their parts.",
    discussion: """
      Every patch of every image becomes a vector, every word of a query too, and an image's \
      score is the mean, over the words, of the best patch (late interaction, FILIP, ICLR 2022).

        filip index ~/Pictures
        filip search "small balloon"

      Exit status: 0 done (search: found), 1 nothing found, 2 finished with problems, 64 wrong \
      usage, 65 damaged or incompatible data, 66 not found, 69 the hub cannot be reached, 70 our \
      error, 73 cannot create or grow the index, 74 cannot write the results, 75 another process \
      writes, 130 interrupted.
      """,
    version: "filip \(filipVersion)",
    subcommands: [
      IndexCommand.self, SearchCommand.self, ExplainCommand.self, ClassifyCommand.self,
      StatusCommand.self,
      ListCommand.self,
      TagCommand.self, RemoveCommand.self, VerifyCommand.self, CompactCommand.self,
      EmbedCommand.self, ImportCommand.self, ExportCommand.self, ModelCommand.self,
      EvalCommand.self, BenchCommand.self,
    ])
}

@main
enum Program {
  static func main() async {
    // Whoever writes to a closed pipe is told so: see StandardOutput.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try FilipCommand.parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      exit(Self.status(reporting: error))
    }
  }

  /// Says what went wrong in one line and returns the exit status.
  private static func status(reporting error: any Error) -> Int32 {
    if let code = error as? ExitCode { return code.rawValue }
    // Help, version and usage errors are ArgumentParser's to report.
    if FilipCommand.exitCode(for: error) != .failure { FilipCommand.exit(withError: error) }
    Messages.note("\(error)")
    return ExitStatus(error).rawValue
  }
}
