#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
public import SystemPackage

/// Where a model lies, and how an index names it.
public struct ModelLocation: Sendable, Hashable {
  /// What an index records: the name of an installed model, or the absolute path of a directory.
  public let name: String
  /// The checkpoint directory.
  public let path: FilePath
  /// Whether the model came with the program.
  public let isBundled: Bool

  /// The model that comes with the program.
  public static let bundledName = "filip-drawn"

  /// Finds a model by the name of an installed one or by its directory; `nil` means the bundled
  /// model.
  /// - Throws: `QueryError.notFound` naming the places that were looked at.
  public init(_ text: String?) throws(QueryError) {
    let text = text ?? Self.bundledName
    if !text.contains("/"), let path = Self.installed(text) {
      self.init(name: text, path: path, isBundled: true)
      return
    }
    guard let path = try? FilePath(text).resolved(), path.appending("config.json").exists else {
      throw QueryError(
        .notFound,
        text.contains("/") || FilePath(text).exists
          ? "\(text): no model here; give a directory with config.json, model.safetensors, "
            + "tokenizer.json and preprocessor_config.json"
          : "no model named \(text); looked in \(Self.shareDirectories.map(\.string).joined(separator: ", ")); "
            + "give the path of a checkpoint directory: --model ./\(text)")
    }
    self.init(name: path.string, path: path, isBundled: false)
  }

  private init(name: String, path: FilePath, isBundled: Bool) {
    self.name = name
    self.path = path
    self.isBundled = isBundled
  }

  private static func installed(_ name: String) -> FilePath? {
    guard let component = FilePath.Component(name), component.kind == .regular else { return nil }
    return shareDirectories.map { $0.appending("models").appending(component) }
      .first { $0.appending("config.json").exists }
  }

  /// `share/filip` of every folder above the program, nearest first: an installation that was
  /// moved as a whole is found, and so is a working tree; then the usual prefixes.
  static let shareDirectories: [FilePath] = {
    var directories: [FilePath] = []
    if var folder = try? FilePath("/proc/self/exe").resolved() {
      while folder.removeLastComponent() {
        let candidate = folder.appending("share").appending("filip")
        if candidate.exists { directories.append(candidate) }
      }
    }
    var prefixes = ["/usr/local/share/filip", "/usr/share/filip"]
    if let home = getenv("HOME") {
      prefixes.insert(String(cString: home) + "/.local/share/filip", at: 0)
    }
    return directories + prefixes.map { FilePath($0) }
  }()
}
