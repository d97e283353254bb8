#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A file mapped into memory, read-only, until the object goes away.
///
/// Only the pages that are read are loaded. The size is taken when the file is opened; a file that
/// someone cuts short afterwards ends the process with SIGBUS when the lost pages are touched, as
/// with every mapped file. Replace weight files by renaming, never in place.
final class MappedFile: @unchecked Sendable {
  // Sendable because the mapping is never written to and lives as long as the object.

  /// Where the file lies.
  let path: String
  /// All bytes. Valid while the object lives.
  let bytes: UnsafeRawBufferPointer

  /// Maps the regular file at `path`.
  ///
  /// - Throws: `.unreadableFile` when it cannot be opened or is no regular file.
  init(path: String) throws(EncoderError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw EncoderError.system("open", path, reason: systemReason())
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw EncoderError.system("read the size of", path, reason: systemReason())
    }
    guard status.st_mode & S_IFMT == S_IFREG, let count = Int(exactly: status.st_size) else {
      throw EncoderError.system("read", path, reason: "not a regular file")
    }
    self.path = path
    if count == 0 {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    // Safe because the mapping has exactly the size that the system reported for the file.
    guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      start != MAP_FAILED
    else {
      throw EncoderError.system("map", path, reason: systemReason())
    }
    bytes = UnsafeRawBufferPointer(start: start, count: count)
  }

  /// Lets the system take back the memory of these bytes; they are read again when they are touched.
  func release(_ range: Range<Int>) {
    guard let start = bytes.baseAddress, !range.isEmpty else { return }
    let pageByteCount = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = range.lowerBound / pageByteCount * pageByteCount
    // Safe because the pages are those of the mapping, which nobody writes to: what is dropped is
    // still in the file.
    madvise(
      UnsafeMutableRawPointer(mutating: start + first), range.upperBound - first, MADV_DONTNEED)
  }

  deinit {
    if let start = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
    }
  }
}

/// What the system says about the last failure.
func systemReason() -> String {
  // Safe because strerror returns a C string that stays valid until this thread calls it again.
  String(cString: strerror(errno))
}

/// All bytes of a small file, such as `config.json`.
///
/// - Throws: `.unreadableFile`; `.malformedFile` beyond `byteCountLimit`.
func readFile(_ path: String, byteCountLimit: Int = 64 << 20) throws(EncoderError) -> [UInt8] {
  let file = try MappedFile(path: path)
  guard file.bytes.count <= byteCountLimit else {
    throw EncoderError.malformed(path, "larger than \(byteCountLimit >> 20) MiB")
  }
  return withExtendedLifetime(file) { Array(file.bytes) }
}

/// Whether a regular file (or a link to one) is there.
func fileExists(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
}
