#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
import SystemPackage

/// The folder where the Hugging Face hub's own client keeps what it downloads.
///
/// A model `org/name` is `models--org--name`: its files lie in `snapshots/COMMIT`, most of them
/// links into `blobs`, and `refs/main` holds the commit that is in use.
struct HubCache {
  /// The cache's folder.
  let folder: FilePath

  /// The cache that the client would use: `$HF_HUB_CACHE`, else `hub` in `$HF_HOME`, which is
  /// `$XDG_CACHE_HOME/huggingface` or `~/.cache/huggingface` by default.
  init(environment: (String) -> String? = Self.variable) {
    let home = FilePath(environment("HOME") ?? "/")
    /// A folder that a variable names; the client takes `~` for the home folder.
    func folder(_ name: String) -> FilePath? {
      guard let value = environment(name) else { return nil }
      return value.hasPrefix("~/") ? home.appending(String(value.dropFirst(2))) : FilePath(value)
    }
    let caches = folder("XDG_CACHE_HOME") ?? home.appending(".cache")
    let client = folder("HF_HOME") ?? caches.appending("huggingface")
    self.folder = folder("HF_HUB_CACHE") ?? client.appending("hub")
  }

  private static func variable(_ name: String) -> String? {
    // Safe because the value is copied before anything could change it.
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }

  /// Whether a text has the form of a hub's model: `org/name`, of letters, digits, `-`, `_`, `.`.
  static func isModelName(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 2
      && parts.allSatisfy { part in
        !part.isEmpty && !part.hasPrefix(".")
          && part.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9") ~= scalar)
              || "-_.".unicodeScalars.contains(scalar)
          }
      }
  }

  /// The folder of a model in the cache, which need not exist.
  func folder(of model: String) -> FilePath {
    folder.appending("models--" + model.split(separator: "/").joined(separator: "--"))
  }

  /// The files of a model that are in use, given the model's folder in a cache; `nil` when it is no
  /// such folder, or holds no snapshot.
  ///
  /// Without `refs/main` (somebody downloaded another revision) the only snapshot counts.
  static func snapshot(in model: FilePath) -> FilePath? {
    let snapshots = model.appending("snapshots")
    guard let bytes = try? model.appending("refs").appending("main").read(upTo: 128) else {
      guard let names = try? snapshots.entryNames(), names.count == 1 else { return nil }
      return snapshots.pushing(names[0])
    }
    let text = String(decoding: bytes.prefix { $0 > UInt8(ascii: " ") }, as: UTF8.self)
    guard let commit = FilePath.Component(text), commit.kind == .regular else { return nil }
    let snapshot = snapshots.appending(commit)
    return snapshot.exists ? snapshot : nil
  }
}
