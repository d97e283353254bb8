#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
package import SystemPackage

/// The folder where the Hugging Face hub's own client keeps what it downloads.
///
/// A model `org/name` is `models--org--name`: its files lie in `snapshots/COMMIT`, most of them
/// links into `blobs`, and `refs/main` holds the commit that is in use.
package struct HubCache: Sendable {
  /// The cache's folder.
  package let folder: FilePath

  /// The cache that the client would use: `$HF_HUB_CACHE`, else `hub` in `home`.
  package init(environment: (String) -> String? = Self.variable) {
    folder =
      Self.folder("HF_HUB_CACHE", environment)
      ?? Self.home(environment: environment).appending("hub")
  }

  /// What the client keeps of itself: `$HF_HOME`, which is `$XDG_CACHE_HOME/huggingface` or
  /// `~/.cache/huggingface` by default.
  package static func home(environment: (String) -> String? = Self.variable) -> FilePath {
    let caches =
      folder("XDG_CACHE_HOME", environment)
      ?? FilePath(environment("HOME") ?? "/").appending(".cache")
    return folder("HF_HOME", environment) ?? caches.appending("huggingface")
  }

  /// A folder that a variable names; the client takes `~` for the home folder.
  private static func folder(_ name: String, _ environment: (String) -> String?) -> FilePath? {
    guard let value = environment(name) else { return nil }
    return value.hasPrefix("~/")
      ? FilePath(environment("HOME") ?? "/").appending(String(value.dropFirst(2)))
      : FilePath(value)
  }

  /// The value of an environment variable, `nil` when unset or empty.
  package static func variable(_ name: String) -> String? {
    // Safe because the value is copied before anything could change it.
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }

  /// Whether a text has the form of a hub's model: `org/name`, of letters, digits, `-`, `_`, `.`.
  package static func isModelName(_ text: String) -> Bool {
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
  package func folder(of model: String) -> FilePath {
    folder.appending(Self.folderName(of: model))
  }

  /// Where the client keeps the locks of a model's files.
  package func locks(of model: String) -> FilePath {
    folder.appending(".locks").appending(Self.folderName(of: model))
  }

  private static func folderName(of model: String) -> String {
    "models--" + model.split(separator: "/").joined(separator: "--")
  }

  /// The models that have a folder in the cache, by name.
  func modelNames() -> [String] {
    ((try? folder.entryNames()) ?? []).compactMap { entry -> String? in
      let parts = entry.string.split(separator: "--", omittingEmptySubsequences: false)
      guard parts.count >= 3, parts[0] == "models" else { return nil }
      let name = "\(parts[1])/" + parts[2...].joined(separator: "--")
      return Self.isModelName(name) ? name : nil
    }.sorted()
  }

  /// The files of a model that are in use, given the model's folder in a cache; `nil` when it is no
  /// such folder, or holds no snapshot.
  ///
  /// Without `refs/main` (somebody downloaded another revision) the only snapshot counts.
  package static func snapshot(in model: FilePath) -> FilePath? {
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
