#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
package import SystemPackage

/// A folder for files that nobody needs afterwards, removed with the object.
package final class TemporaryFolder: Sendable {
  /// The folder, which is there and empty at first.
  package let path: FilePath

  /// Makes a folder in `$TMPDIR`, else in /tmp.
  /// - Throws: `Errno`.
  package init() throws {
    var parent = getenv("TMPDIR").map { FilePath(platformString: $0) } ?? FilePath()
    if parent.isEmpty { parent = "/tmp" }
    var template = parent.pushing("filip-XXXXXX").withPlatformString { start in
      Array(UnsafeBufferPointer(start: start, count: strlen(start) + 1))
    }
    guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
    path = FilePath(platformString: template)
  }

  deinit { Self.remove(path) }

  private static func remove(_ folder: FilePath) {
    for name in (try? folder.entryNames()) ?? [] {
      let entry = folder.pushing(name)
      if (try? FileStatus(of: entry).kind) == .directory { remove(entry) }
      _ = entry.withPlatformString { unlink($0) }
    }
    _ = folder.withPlatformString { rmdir($0) }
  }
}

extension FilePath {
  /// Makes the folder unless it is there; its parent must be.
  /// - Throws: `Errno`.
  func makeFolder() throws(Errno) {
    guard withPlatformString({ mkdir($0, 0o755) }) != 0, errno != EEXIST else { return }
    throw Errno(rawValue: errno)
  }
}
