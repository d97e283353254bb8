import Glibc

/// What a process was about to do and what it has done, in a file outside the index; each line is
/// on the disk before the next step begins.
struct Journal {
  let descriptor: CInt

  /// Continues the journal at `path`, or begins one.
  init(path: String) {
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { fail("no journal at \(path)") }
  }

  /// Adds a line.
  func note(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    guard count == bytes.count, fsync(descriptor) == 0 else { fail("the journal is not written") }
  }
}

/// Ends the process with what went wrong.
func fail(_ message: String) -> Never {
  let bytes = Array("store-driver: \(message)\n".utf8)
  _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  exit(1)
}
