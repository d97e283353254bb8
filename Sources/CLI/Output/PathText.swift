#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import ArgumentParser
import FilipEncoders
import FilipQuery
import SystemPackage

/// How paths of the index are shown.
struct PathText {
  /// Paths below this folder are shown relative to it; `nil` shows all as they are stored.
  var base: FilePath?

  /// Relative to the current folder, or as stored.
  init(absolute: Bool) {
    base = absolute ? nil : FilePath(".").absolute()
  }

  /// The bytes to write: what a shell or another program can open.
  func bytes(_ path: [UInt8]) -> [UInt8] {
    guard let base else { return path }
    let prefix = base.bytes + (base.bytes.last == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")])
    guard path.starts(with: prefix), path.count > prefix.count else { return path }
    let relative = Array(path[prefix.count...])
    // A name that begins with a dash would be taken for a flag.
    return relative.first == UInt8(ascii: "-") ? Array("./".utf8) + relative : relative
  }

  /// One line to read: control characters and bytes that are not UTF-8 stand as escapes.
  func line(_ path: [UInt8]) -> String {
    let bytes = bytes(path)
    var text = ""
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: text += scalar.escaped(asASCII: true)
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// One field of a table: tab, newline and backslash stand as `\\t`, `\\n` and `\\\\`, all else
  /// as it is.
  func field(_ path: [UInt8]) -> [UInt8] { escapedField(bytes(path)) }

  /// `path`, or `path_bytes` in base64 when the name is not UTF-8.
  func json(_ path: [UInt8]) -> (key: String, value: JSONValue) {
    let bytes = bytes(path)
    if let text = String(validating: bytes, as: UTF8.self) { return ("path", .string(text)) }
    return ("path_bytes", .string(base64(bytes)))
  }
}

/// Bytes of a field of a tab-separated table, with what would end it escaped.
func escapedField(_ bytes: [UInt8]) -> [UInt8] {
  bytes.flatMap { byte -> [UInt8] in
    switch byte {
    case UInt8(ascii: "\t"): Array("\\t".utf8)
    case UInt8(ascii: "\n"): Array("\\n".utf8)
    case UInt8(ascii: "\\"): Array("\\\\".utf8)
    default: [byte]
    }
  }
}

/// The path that an argument names, byte for byte.
///
/// Swift repairs arguments that are not UTF-8; the original bytes are looked up again.
func argumentPath(_ text: String) -> FilePath {
  guard text.unicodeScalars.contains("\u{FFFD}") else { return FilePath(text) }
  for index in 0..<Int(CommandLine.argc) {
    guard let raw = CommandLine.unsafeArgv[index] else { continue }
    let bytes = UnsafeBufferPointer(start: raw, count: strlen(raw)).map { UInt8(bitPattern: $0) }
    let repaired = String(decoding: bytes, as: UTF8.self)
    if repaired == text { return FilePath(bytes: bytes) }
  }
  return FilePath(text)
}

/// A file or folder that the user named, as the index knows it: absolute, without links. It need not
/// exist any more; links above it are followed as far as there is something.
func namedPath(_ text: String) throws -> FilePath {
  guard !text.isEmpty else { throw ValidationError("a path is empty") }
  var existing = argumentPath(text).absolute()
  var rest: [FilePath.Component] = []
  while true {
    if let resolved = try? existing.resolved() {
      return rest.reversed().reduce(resolved) { $0.appending($1) }
    }
    guard let last = existing.lastComponent, existing.removeLastComponent() else {
      return argumentPath(text).absolute()
    }
    rest.append(last)
  }
}
