import Glibc

/// Which file or folder a path leads to, however it is spelled.
struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let node: UInt64

  /// Looks at what is at `path`.
  init(path: String) throws(StoreError) {
    var status = stat()
    // Safe because the system fills the structure.
    guard unsafe stat(path, &status) == 0 else {
      throw StoreError(.lastSystemError, path: path, doing: "opening")
    }
    device = UInt64(status.st_dev)
    node = UInt64(status.st_ino)
  }
}

/// Makes the folder `path` and those above it; does nothing where they exist.
func makeFolder(_ path: String) throws(StoreError) {
  if makeOneFolder(path) { return }
  let error = LMDBError.lastSystemError
  let parent = parentFolder(of: path)
  guard error == .noSuchFile, !parent.isEmpty, parent.utf8.count < path.utf8.count else {
    throw StoreError(error, path: path, doing: "creating")
  }
  try makeFolder(parent)
  guard makeOneFolder(path) else {
    throw StoreError(.lastSystemError, path: path, doing: "creating")
  }
}

/// Whether the folder exists now, given that those above it do.
func makeOneFolder(_ path: String) -> Bool {
  // Safe because the system only reads the path. The user's umask applies.
  unsafe mkdir(path, 0o777) == 0 || errno == EEXIST
}

/// The path without its last component; empty when there is only one.
func parentFolder(of path: String) -> String {
  var bytes = Array(path.utf8)
  while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
  guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "" }
  return String(decoding: bytes[..<max(slash, 1)], as: UTF8.self)
}

/// The length of a file in bytes, or `nil` when there is none.
func fileByteCount(_ path: String) -> Int? {
  var status = stat()
  // Safe because the system fills the structure.
  guard unsafe stat(path, &status) == 0 else { return nil }
  return Int(status.st_size)
}

/// The length of an open file in bytes.
func fileByteCount(of descriptor: CInt) -> Int {
  var status = stat()
  // Safe because the system fills the structure.
  return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
}

/// When a file was last changed, in seconds since 1970, or `nil` when there is none.
func fileChangeTime(_ path: String) -> Int64? {
  var status = stat()
  // Safe because the system fills the structure.
  guard unsafe stat(path, &status) == 0 else { return nil }
  return Int64(status.st_mtim.tv_sec)
}

/// Why a megabyte cannot be written into the folder, or `nil` when it can.
///
/// It is reserved in a file that is gone afterwards.
func spaceError(inFolder path: String) -> LMDBError? {
  let probe = path + "/" + StoreLayout.spaceProbeFileName
  // Safe because the system only reads the path.
  let descriptor = unsafe open(probe, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
  guard descriptor >= 0 else { return fullDiskErrors.first { $0 == .lastSystemError } }
  defer {
    close(descriptor)
    unlink(probe)
  }
  let error = LMDBError(rawValue: posix_fallocate(descriptor, 0, 1 << 20))
  return fullDiskErrors.first { $0 == error }
}

/// What the system reports when a file may not grow.
private let fullDiskErrors: [LMDBError] = [.noSpace, .quotaExceeded, .fileTooLarge]

/// A number for the calling thread, never zero.
func currentThread() -> UInt { UInt(pthread_self()) }
