import SystemPackage

/// Writes lines to a file that appears under its name when it is complete.
///
/// Until then it is `path` with `.partial` added, which is removed when the writer goes away
/// unfinished.
final class LineWriter {
  private let path: FilePath
  private let partialPath: FilePath
  private let file: FileDescriptor
  private var buffer: [UInt8] = []
  private var isFinished = false

  private static let portionByteCount = 1 << 16

  /// Creates the file.
  /// - Throws: `Errno`.
  init(_ path: FilePath) throws {
    self.path = path
    partialPath = FilePath(path.string + ".partial")
    file = try FileDescriptor.open(
      partialPath, .writeOnly, options: [.create, .truncate, .closeOnExec],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
  }

  deinit {
    guard !isFinished else { return }
    try? file.close()
    partialPath.removeFile()
  }

  /// Adds bytes.
  /// - Throws: `Errno`.
  func write(_ bytes: [UInt8]) throws {
    buffer += bytes
    if buffer.count >= Self.portionByteCount { try flush() }
  }

  /// Gives the file its name.
  /// - Throws: `Errno`.
  func finish() throws {
    try flush()
    try file.close()
    isFinished = true
    try partialPath.rename(to: path)
  }

  private func flush() throws {
    _ = try file.writeAll(buffer)
    buffer.removeAll(keepingCapacity: true)
  }
}
