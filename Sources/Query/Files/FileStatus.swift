#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
public import SystemPackage

/// What the file system says about a file.
public struct FileStatus: Sendable, Hashable {
  /// Kinds the walk tells apart.
  public enum Kind: Sendable { case regular, directory, symbolicLink, other }

  /// What stands at the path.
  public var kind: Kind
  /// Bytes.
  public var size: UInt64
  /// Nanoseconds since 1970.
  public var modificationTime: Int64

  /// The status of a part of a file that counts as one of its own.
  init(size: UInt64, modificationTime: Int64) {
    kind = .regular
    self.size = size
    self.modificationTime = modificationTime
  }

  /// Reads the status of `path` without following a link at its end.
  /// - Throws: `Errno`, `.noSuchFileOrDirectory` when nothing is there.
  public init(of path: FilePath) throws(Errno) {
    let status = try path.stat(followTargetSymlink: false)
    switch status.type {
    case .regular: kind = .regular
    case .directory: kind = .directory
    case .symbolicLink: kind = .symbolicLink
    default: kind = .other
    }
    size = UInt64(max(0, status.size))
    modificationTime =
      Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
  }
}
