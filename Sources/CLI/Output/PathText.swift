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

  /// `path`, or `path_bytes` in base64 when the name is not UTF-8.
  func json(_ path: [UInt8]) -> (key: String, value: JSONValue) {
    let bytes = bytes(path)
    if let text = String(validating: bytes, as: UTF8.self) { return ("path", .string(text)) }
    return ("path_bytes", .string(base64(bytes)))
  }
}

/// A file or folder that the user named, as the index knows it: absolute, without links. It need not
/// exist any more.
func namedPath(_ text: String) throws -> FilePath {
  guard !text.isEmpty else { throw ValidationError("a path is empty") }
  let path = FilePath(text)
  return (try? path.resolved()) ?? path.absolute()
}
