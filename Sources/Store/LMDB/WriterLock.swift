import Glibc

/// The right to write to an index: one holder over all processes.
///
/// LMDB would let a second writer wait without a word. This lock refuses it at once and names the
/// holder. The system drops it when the holder ends, however it ends.
final class WriterLock: Sendable {
  private let descriptor: CInt

  /// Takes the lock of the index in the folder `path` and writes down who holds it.
  ///
  /// - Throws: `StoreError` `.busy` when another store, here or in another process, holds it.
  init(path: String, program: String) throws(StoreError) {
    let lockPath = path + "/" + StoreLayout.writerLockFileName
    // Safe because the system only reads the path.
    let descriptor = unsafe open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw StoreError(.lastSystemError, path: path, doing: "locking")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let error = LMDBError.lastSystemError
      let holder = Self.content(of: descriptor)
      Glibc.close(descriptor)
      guard error.rawValue == EWOULDBLOCK else {
        throw StoreError(error, path: path, doing: "locking")
      }
      throw Self.busy(path: path, holder: holder)
    }
    // Kept only now: an initialiser that throws with its properties set runs `deinit`, which would
    // empty and close whatever file has the number by then.
    self.descriptor = descriptor
    ftruncate(descriptor, 0)
    let facts = [
      "pid \(getpid())", "host \(Self.hostName())", "program \(program)", "started \(Self.now())",
    ]
    let content = Array(facts.map { $0 + "\n" }.joined().utf8)
    // The text is for people; the lock holds without it.
    // Safe because the bytes live during the call.
    _ = unsafe content.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  deinit {
    ftruncate(descriptor, 0)
    // A child that another thread is just starting has a copy of the descriptor until it becomes
    // its program: closing ours alone would leave the lock with the child for that moment.
    flock(descriptor, LOCK_UN)
    Glibc.close(descriptor)
  }

  /// The error that names a holder by what it wrote into the lock file.
  fileprivate static func busy(path: String, holder: String) -> StoreError {
    var facts: [Substring: Substring] = [:]
    for line in holder.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 1)
      if words.count == 2 { facts[words[0]] = words[1] }
    }
    var name = facts["program"].map(String.init) ?? "another program"
    if let pid = facts["pid"] {
      let host = facts["host"].flatMap { $0 == hostName()[...] ? nil : " on \($0)" } ?? ""
      name += " (pid \(pid)\(host))"
    }
    if let start = facts["started"] { name += ", which started at \(start)," }
    return StoreError(
      .busy,
      "\(name) is writing to the index at \(path); wait for it to end (--wait SECONDS), or stop "
        + "it: what it saved so far stays")
  }

  fileprivate static func content(of descriptor: CInt) -> String {
    var bytes = [UInt8](repeating: 0, count: 512)
    // Safe because the system is told the length of the buffer.
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
    }
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  private static func hostName() -> String {
    var bytes = [CChar](repeating: 0, count: 256)
    // Safe because the system is told the length of the buffer, less one for the final zero.
    guard unsafe gethostname(&bytes, bytes.count - 1) == 0 else { return "" }
    return String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The present time in UTC, such as `2026-11-21T09:30:00Z`.
  private static func now() -> String {
    var moment = timespec()
    var parts = tm()
    // Safe because the system fills both structures.
    unsafe clock_gettime(CLOCK_REALTIME, &moment)
    unsafe gmtime_r(&moment.tv_sec, &parts)
    func padded(_ value: CInt) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let date = "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
    return "\(date)T\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))Z"
  }
}

/// What keeps writers away from an index whose readers leave no mark, since they read from a medium
/// that is mounted for reading only: it may be mounted for writing elsewhere.
///
/// The system drops it when the holder ends.
final class SharedLock: Sendable {
  private let descriptor: CInt

  /// Takes the lock of the index in the folder `path`; any number of readers may.
  ///
  /// An index without a file for it has no writer.
  /// - Throws: `StoreError` `.busy` when a writer holds it.
  init?(path: String) throws(StoreError) {
    // Safe because the system only reads the path.
    let descriptor = unsafe open(
      path + "/" + StoreLayout.writerLockFileName, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    guard flock(descriptor, LOCK_SH | LOCK_NB) == 0 else {
      let isHeld = errno == EWOULDBLOCK
      let holder = WriterLock.content(of: descriptor)
      Glibc.close(descriptor)
      // A file system without locks has no writer that holds one.
      guard isHeld else { return nil }
      throw WriterLock.busy(path: path, holder: holder)
    }
    self.descriptor = descriptor
  }

  deinit {
    flock(descriptor, LOCK_UN)
    Glibc.close(descriptor)
  }
}
