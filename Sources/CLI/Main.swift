import ArgumentParser

@main
struct FilipCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "filip", abstract: "Search images by their parts.")
}
