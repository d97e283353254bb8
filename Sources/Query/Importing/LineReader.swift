import SystemPackage

/// The lines of a file, one after the other, in little memory.
final class LineReader {
  private let path: FilePath
  private let file: FileDescriptor
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false

  private static let portionByteCount = 1 << 16
  private static let lineLimit = 16 << 20

  /// Opens the file.
  /// - Throws: `QueryError`.
  init(_ path: FilePath) throws(QueryError) {
    do {
      file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    } catch {
      throw QueryError(
        (error as? Errno) == .noSuchFileOrDirectory ? .notFound : .unreadable, "\(path): \(error)")
    }
    self.path = path
  }

  deinit { try? file.close() }

  /// The next line without its end, or `nil` behind the last one.
  /// - Throws: `QueryError` when the file cannot be read or a line is longer than 16 MiB.
  func next() throws(QueryError) -> [UInt8]? {
    while true {
      if let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { start = end + 1 }
        return Array(buffer[start..<end])
      }
      if isAtEnd {
        guard start < buffer.count else { return nil }
        defer { start = buffer.count }
        return Array(buffer[start...])
      }
      try fill()
    }
  }

  private func fill() throws(QueryError) {
    buffer.removeFirst(start)
    start = 0
    guard buffer.count < Self.lineLimit else {
      throw QueryError(.unreadable, "\(path): a line is longer than \(Self.lineLimit >> 20) MiB")
    }
    var portion = [UInt8](repeating: 0, count: Self.portionByteCount)
    do {
      let count = try portion.withUnsafeMutableBytes { try file.read(into: $0) }
      buffer += portion[..<count]
      isAtEnd = count == 0
    } catch {
      throw QueryError(.unreadable, "\(path): \(error)")
    }
  }
}
