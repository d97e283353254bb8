#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
import FilipEncoders
public import SystemPackage

/// Where a model lies, and how an index names it.
public struct ModelLocation: Sendable, Hashable {
  /// What an index records: the name of an installed model, the name of a model of the Hugging Face
  /// hub, or an absolute path.
  public let name: String
  /// The checkpoint: a folder or a weight file.
  public let path: FilePath
  /// Whether the model came with the program.
  public let isBundled: Bool

  /// The model that comes with the program.
  public static let bundledName = "filip-drawn"

  /// Finds a model; `nil` means the bundled one.
  ///
  /// A text may be, and is taken for, in this order: the name of an installed model; the path of a
  /// checkpoint folder, of a model's folder in the cache of the Hugging Face hub, or of a weight
  /// file; the name `org/name` of a model in that cache.
  /// - Throws: `QueryError.notFound` naming the places that were looked at.
  public init(_ text: String?) throws(QueryError) {
    try self.init(text, cache: HubCache())
  }

  init(_ text: String?, cache: HubCache) throws(QueryError) {
    let text = text ?? Self.bundledName
    if !text.contains("/"), let path = Self.installed(text) {
      self.init(name: text, path: path, isBundled: true)
      return
    }
    if let path = Self.resolved(text) {
      let checkpoint = HubCache.snapshot(in: path) ?? path
      if ModelDirectory.isModel(at: checkpoint.string) {
        self.init(name: path.string, path: checkpoint, isBundled: false)
        return
      }
    } else if HubCache.isModelName(text) {
      let folder = cache.folder(of: text)
      guard let snapshot = HubCache.snapshot(in: folder) else {
        throw QueryError(
          .notFound,
          "no model \(text): there is no such path, and no \(folder); get it with: "
            + "filip model pull \(text)")
      }
      guard ModelDirectory.isModel(at: snapshot.string) else {
        throw QueryError(
          .notFound,
          "\(snapshot) has no config.json; get the rest of the model with: filip model pull \(text)"
        )
      }
      self.init(name: text, path: snapshot, isBundled: false)
      return
    }
    throw QueryError(
      .notFound,
      text.contains("/") || FilePath(text).exists
        ? "\(text): no model here; give a folder with config.json, weights, tokenizer.json and "
          + "preprocessor_config.json, or a weight file (\(Self.weightFileEndings))"
        : "no model named \(text); looked in "
          + Self.shareDirectories.map(\.string).joined(separator: ", ")
          + "; give the path of a checkpoint (--model ./\(text)) or a name in the cache of the "
          + "Hugging Face hub (--model org/name)")
  }

  private init(name: String, path: FilePath, isBundled: Bool) {
    self.name = name
    self.path = path
    self.isBundled = isBundled
  }

  /// What a person calls the model, without the folders that lead to it.
  var shortName: String { FilePath(name).lastComponent?.string ?? name }

  private static let weightFileEndings = ModelDirectory.weightFileEndings.joined(separator: ", ")

  /// The path without links, but for the last part of a file's: beside a file of a cache lie those
  /// that belong to it, and not where the link leads.
  private static func resolved(_ text: String) -> FilePath? {
    guard var path = try? FilePath(text).resolved() else { return nil }
    if let status = try? FileStatus(of: path), status.kind == .regular {
      var folder = FilePath(text)
      let name = folder.lastComponent
      folder.removeLastComponent()
      if let name, let parent = try? (folder.isEmpty ? "." : folder).resolved() {
        path = parent.appending(name)
      }
    }
    return path
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
