#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A failure to write results.
struct OutputError: Error, CustomStringConvertible {
  var description: String
  var status: ExitStatus
}

/// Standard output: results only, buffered.
struct StandardOutput {
  private var buffer: [UInt8] = []

  /// Whether a person reads along.
  static let isTerminal = isatty(STDOUT_FILENO) == 1

  /// How many characters a line of the terminal holds; 80 where that is not known.
  static var columnCount: Int {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Adds text.
  mutating func write(_ text: String) { write(bytes: Array(text.utf8)) }

  /// Adds raw bytes, such as a path that is not UTF-8.
  mutating func write(bytes: [UInt8]) {
    buffer += bytes
  }

  /// Hands everything to the system.
  /// - Throws: `OutputError` when it cannot be written, such as on a full disk.
  mutating func flush() throws(OutputError) {
    var written = 0
    while written < buffer.count {
      let count = buffer[written...].withUnsafeBytes {
        Self.writeAll($0)
      }
      guard count > 0 else {
        // A reader that has seen enough, such as `head`, is success.
        if errno == EPIPE { exit(0) }
        let reason = String(cString: strerror(errno))
        throw OutputError(
          description: "cannot write the results: \(reason)", status: .outputError)
      }
      written += count
    }
    buffer.removeAll()
  }

  private static func writeAll(_ bytes: UnsafeRawBufferPointer) -> Int {
    while true {
      let count = write(STDOUT_FILENO, bytes.baseAddress, bytes.count)
      if count >= 0 || errno != EINTR { return count }
    }
  }

  private static func write(
    _ file: Int32, _ start: UnsafeRawPointer?, _ count: Int
  ) -> Int {
    #if canImport(Glibc)
      Glibc.write(file, start, count)
    #else
      Musl.write(file, start, count)
    #endif
  }
}

/// Messages to the user, on standard error.
enum Messages {
  /// Whether a person reads along and the terminal can redraw a line.
  static let isTerminal =
    isatty(STDERR_FILENO) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"

  /// Writes one line, as it is.
  static func line(_ text: String) { raw(text + "\n") }

  /// Writes one line that begins with the program's name.
  static func note(_ text: String) { line("filip: " + text) }

  /// Writes text without an end of line.
  static func raw(_ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}

/// ANSI colours, where they are wanted.
struct Style {
  var isColoured: Bool

  /// Colour on a terminal, unless `NO_COLOR` is set (https://no-color.org) or the terminal is dumb.
  static let automatic = Style(
    isColoured: StandardOutput.isTerminal && !isSet("NO_COLOR")
      && environment("TERM") != "dumb")

  func dim(_ text: String) -> String { wrap(text, "2") }
  func bold(_ text: String) -> String { wrap(text, "1") }
  func green(_ text: String) -> String { wrap(text, "32") }

  private func wrap(_ text: String, _ code: String) -> String {
    isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}

/// The value of an environment variable, `nil` when unset or empty.
func environment(_ name: String) -> String? {
  guard let value = getenv(name), value.pointee != 0 else { return nil }
  return String(cString: value)
}

private func isSet(_ name: String) -> Bool { environment(name) != nil }
