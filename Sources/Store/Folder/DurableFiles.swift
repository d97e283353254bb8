import Glibc

/// The content of a small file, or `nil` when there is none.
///
/// Bytes past the first 4,096 are left out.
func smallFile(_ path: String) throws(LMDBError) -> [UInt8]? {
  // Safe because the system only reads the path.
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else {
    let error = LMDBError.lastSystemError
    if error == .noSuchFile { return nil }
    throw error
  }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 4096)
  // Safe because the system is told the length of the buffer.
  let count = unsafe bytes.withUnsafeMutableBytes {
    unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
  }
  guard count >= 0 else { throw .lastSystemError }
  return Array(bytes.prefix(count))
}

/// Puts `content` in place of the file at `path`; a crash leaves the old file or the new one.
///
/// The folder must be synchronised for the new one to survive a loss of power. `passing` is the
/// name that the new file has until it is complete.
func replaceFile(
  _ path: String, with content: [UInt8], passing: String
) throws(LMDBError) {
  // Safe because the system only reads the path. The user's umask applies.
  let descriptor = unsafe open(passing, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
  guard descriptor >= 0 else { throw .lastSystemError }
  // Safe because the bytes live during the call.
  let count = unsafe content.withUnsafeBytes {
    unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0)
  }
  let isWritten = count == content.count && fsync(descriptor) == 0
  let error: LMDBError = count >= 0 && count < content.count ? .noSpace : .lastSystemError
  close(descriptor)
  guard isWritten else {
    unlink(passing)
    throw error
  }
  try renameFile(passing, to: path)
}

/// Gives a file or folder another name, in place of a file or an empty folder that has it.
func renameFile(_ path: String, to other: String) throws(LMDBError) {
  // Safe because the system only reads the paths.
  guard unsafe rename(path, other) == 0 else { throw .lastSystemError }
}

/// Waits until the disk has what was written to a file, or which names a folder holds.
///
/// File systems that cannot do that for folders are taken as they are.
func synchronize(_ path: String) throws(LMDBError) {
  // Safe because the system only reads the path.
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw .lastSystemError }
  defer { close(descriptor) }
  guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else {
    throw .lastSystemError
  }
}

/// The names in a folder, in alphabetical order, without `.` and `..`; empty when there is none.
func namesInFolder(_ path: String) throws(LMDBError) -> [String] {
  // Safe because the system only reads the path.
  guard let folder = unsafe opendir(path) else {
    let error = LMDBError.lastSystemError
    if error == .noSuchFile { return [] }
    throw error
  }
  defer { unsafe closedir(folder) }
  var names: [String] = []
  while let entry = unsafe readdir(folder) {
    // Safe because the system ends the name with a zero, and the entry lives until the next call.
    let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
      unsafe String(cString: $0.baseAddress!.assumingMemoryBound(to: CChar.self))
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// Removes a folder and the files in it, if it is there; what cannot be removed stays.
func removeFlatFolder(_ path: String) {
  for name in (try? namesInFolder(path)) ?? [] { unlink(path + "/" + name) }
  rmdir(path)
}
