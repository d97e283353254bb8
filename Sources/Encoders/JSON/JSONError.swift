/// Bytes that are not the JSON we read, and where.
package struct JSONError: Error, Hashable, CustomStringConvertible {
  /// What is wrong.
  package enum Code: String, Sendable {
    /// The bytes end inside a value.
    case unexpectedEnd = "the text ends inside a value"
    /// A byte that cannot stand here.
    case unexpectedByte = "a byte that cannot stand here"
    /// A value of another type than the one asked for.
    case wrongType = "a value of another type"
    /// A number outside the grammar, such as `01` or `1.`.
    case invalidNumber = "a malformed number"
    /// A number too large for its type.
    case numberOutOfRange = "a number out of range"
    /// An unknown escape, or half a surrogate pair.
    case invalidEscape = "an invalid escape"
    /// Bytes of a string that are not UTF-8.
    case invalidUTF8 = "invalid UTF-8"
    /// A control character inside a string, where JSON wants an escape.
    case controlCharacter = "a control character inside a string"
    /// An object that names a key twice.
    case duplicateKey = "a key that appears twice"
    /// More nesting than `JSONReader.depthLimit`.
    case tooDeep = "nesting too deep"
    /// Something after the value.
    case trailingBytes = "bytes after the end of the value"
  }

  /// What is wrong.
  package let code: Code
  /// Where, in bytes from the start.
  package let byteOffset: Int

  /// An error at a byte.
  package init(_ code: Code, at byteOffset: Int) {
    self.code = code
    self.byteOffset = byteOffset
  }

  package var description: String { "\(code.rawValue) at byte \(byteOffset)" }
}
