#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
import FilipQuery
import SystemPackage

/// Where the parts of a model lie in the cache of the hub's own client.
struct PullLayout {
  let commit: String
  /// The folder that a checkpoint is read from.
  let snapshot: FilePath
  private let model: FilePath
  private let locks: FilePath

  /// Makes the folders.
  /// - Throws: `HubError.unwritable`.
  init(_ model: FilePath, locks: FilePath, _ commit: String) throws(HubError) {
    self.commit = commit
    self.model = model
    self.locks = locks
    snapshot = model.appending("snapshots").appending(commit)
    for folder in [model.appending("blobs"), model.appending("refs"), snapshot, locks] {
      try Self.make(folder)
    }
  }

  func blob(_ file: HubFile) -> FilePath {
    model.appending("blobs").appending(file.checksum.name)
  }
  func partial(_ file: HubFile) -> FilePath {
    model.appending("blobs").appending(file.checksum.name + ".incomplete")
  }
  func lock(_ file: HubFile) -> FilePath { locks.appending(file.checksum.name + ".lock") }

  /// Whether the blob is there. Its content was checked when it got its name.
  func isComplete(_ file: HubFile) -> Bool {
    (try? FileStatus(of: blob(file)).size) == UInt64(file.byteCount)
  }

  /// Makes the file in the snapshot a link to its blob, relative, so that the cache can be moved.
  func link(_ file: HubFile) throws(HubError) {
    let path = snapshot.appending(file.name)
    let depth = file.name.split(separator: "/").count
    let target =
      String(repeating: "../", count: depth + 1) + "blobs/" + file.checksum.name
    try Self.make(path.removingLastComponent())
    let passing = FilePath(path.string + ".link-\(getpid())")
    do {
      let made = passing.withPlatformString { name in target.withCString { symlink($0, name) } }
      guard made == 0 else { throw Errno(rawValue: errno) }
      try passing.rename(to: path)
    } catch {
      throw HubError(.unwritable, "cannot write \(path): \(error)")
    }
  }

  /// Says that a branch or tag is this commit; a commit says so itself.
  func record(_ revision: String) throws(HubError) {
    guard revision != commit else { return }
    let path = model.appending("refs").appending(revision)
    try Self.make(path.removingLastComponent())
    do {
      let passing = FilePath(path.string + ".\(getpid())")
      try passing.write(Array(commit.utf8))
      try passing.rename(to: path)
    } catch {
      throw HubError(.unwritable, "cannot write \(path): \(error)")
    }
  }

  private static func make(_ folder: FilePath) throws(HubError) {
    var path = FilePath(root: folder.root, [])
    for component in folder.components {
      path.append(component)
      guard path.withPlatformString({ mkdir($0, 0o755) }) != 0, errno != EEXIST else { continue }
      // An existing folder above may be one that cannot be written.
      if path.exists { continue }
      throw HubError(.unwritable, "cannot make the folder \(path): \(Errno(rawValue: errno))")
    }
  }
}
