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

  /// What follows in a file: a line, or one that is longer than can be taken in.
  enum Piece {
    case line([UInt8])
    /// With the limit in bytes.
    case tooLong(Int)
  }

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
    switch try nextOrSkip() {
    case nil: return nil
    case .line(let line): return line
    case .tooLong(let limit):
      throw QueryError(.unreadable, "\(path): a line is longer than \(limit >> 20) MiB")
    }
  }

  /// The next line, or the news that it was too long and has been passed over; `nil` behind the
  /// last.
  /// - Throws: `QueryError` when the file cannot be read.
  func nextOrSkip() throws(QueryError) -> Piece? {
    var isTooLong = false
    // What was looked through is not looked through again when more has been read.
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { start = end + 1 }
        return isTooLong ? .tooLong(Self.lineLimit) : .line(Array(buffer[start..<end]))
      }
      if isAtEnd {
        defer { start = buffer.count }
        if isTooLong { return .tooLong(Self.lineLimit) }
        return start < buffer.count ? .line(Array(buffer[start...])) : nil
      }
      if buffer.count - start >= Self.lineLimit {
        isTooLong = true
        start = buffer.count
      }
      searched = buffer.count - start
      try fill()
    }
  }

  private func fill() throws(QueryError) {
    buffer.removeFirst(start)
    start = 0
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
