/// Reads JSON in order, one value after the other, without building what the caller does not keep.
///
/// An object is read as `beginObject()`, then `nextKey()` until it returns `nil`, with one read or
/// `skipValue()` after each key; an array as `beginArray()`, then `nextElement()` until it returns
/// `false`, likewise. Duplicate keys are the caller's to refuse, except in `readValue()`.
package struct JSONReader {
  /// How deep values may nest.
  package static let depthLimit = 64

  /// The whole text.
  package let bytes: [UInt8]
  /// Offset of the next byte.
  package private(set) var position = 0
  /// Offset of the key read last, to name it in an error.
  package private(set) var keyPosition = 0

  private var depth = 0
  /// Whether the container that is open has no member yet.
  private var isFirst = false
  /// Holds a decoded string; kept to save allocations.
  private var scratch: [UInt8] = []

  /// A reader at the start of `bytes`.
  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// What kind of value comes next.
  package enum Kind: Sendable {
    /// `{`
    case object
    /// `[`
    case array
    /// `"`
    case string
    /// A digit or a minus sign.
    case number
    /// `t` or `f`
    case bool
    /// `n`
    case null
  }

  /// Looks at the next value without reading it.
  package mutating func peekKind() throws(JSONError) -> Kind {
    switch try peekByte() {
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
    case UInt8(ascii: "n"): return .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
    default: throw JSONError(.unexpectedByte, at: position)
    }
  }

  /// Checks that only white space is left.
  package mutating func finish() throws(JSONError) {
    skipWhitespace()
    guard position == bytes.count else { throw JSONError(.trailingBytes, at: position) }
  }

  // MARK: - Containers

  /// Opens an object.
  package mutating func beginObject() throws(JSONError) {
    try open(UInt8(ascii: "{"), as: .object)
  }

  /// Opens an array.
  package mutating func beginArray() throws(JSONError) {
    try open(UInt8(ascii: "["), as: .array)
  }

  /// Reads the next key of the open object, or closes the object and returns `nil`.
  package mutating func nextKey() throws(JSONError) -> String? {
    guard try advance(closing: UInt8(ascii: "}")) else { return nil }
    guard try peekByte() == UInt8(ascii: "\"") else {
      throw JSONError(.unexpectedByte, at: position)
    }
    keyPosition = position
    let key = try readString()
    try readColon()
    return key
  }

  /// Like `nextKey()`, but appends the key's UTF-8 to `buffer`; `false` when the object closed.
  package mutating func nextKey(appendingTo buffer: inout [UInt8]) throws(JSONError) -> Bool {
    guard try advance(closing: UInt8(ascii: "}")) else { return false }
    guard try peekByte() == UInt8(ascii: "\"") else {
      throw JSONError(.unexpectedByte, at: position)
    }
    keyPosition = position
    try readString(appendingTo: &buffer)
    try readColon()
    return true
  }

  /// Moves to the next element of the open array, or closes the array and returns `false`.
  package mutating func nextElement() throws(JSONError) -> Bool {
    try advance(closing: UInt8(ascii: "]"))
  }

  private mutating func open(_ byte: UInt8, as kind: Kind) throws(JSONError) {
    guard try peekKind() == kind else { throw JSONError(.wrongType, at: position) }
    guard depth < Self.depthLimit else { throw JSONError(.tooDeep, at: position) }
    depth += 1
    position += 1
    isFirst = true
  }

  /// Steps over the comma before a member, or over the closing byte.
  private mutating func advance(closing: UInt8) throws(JSONError) -> Bool {
    precondition(depth > 0, "open container")
    let byte = try peekByte()
    if byte == closing {
      position += 1
      depth -= 1
      // Whatever encloses the closed container has this one as a member.
      isFirst = false
      return false
    }
    if isFirst {
      isFirst = false
      return true
    }
    guard byte == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: position) }
    position += 1
    guard try peekByte() != closing else { throw JSONError(.unexpectedByte, at: position) }
    return true
  }

  private mutating func readColon() throws(JSONError) {
    guard try peekByte() == UInt8(ascii: ":") else {
      throw JSONError(.unexpectedByte, at: position)
    }
    position += 1
  }

  // MARK: - Values

  /// Reads any value.
  package mutating func readValue() throws(JSONError) -> JSONValue {
    switch try peekKind() {
    case .object:
      var object = JSONObject()
      try beginObject()
      while true {
        guard let key = try nextKey() else { return .object(object) }
        let start = keyPosition
        guard try object.append(key, readValue()) else {
          throw JSONError(.duplicateKey, at: start)
        }
      }
    case .array:
      var elements: [JSONValue] = []
      try beginArray()
      while try nextElement() { elements.append(try readValue()) }
      return .array(elements)
    case .string: return .string(try readString())
    case .number: return try readNumber()
    case .bool: return .bool(try readBool())
    case .null:
      try readLiteral("null")
      return .null
    }
  }

  /// Reads over a value, checking it as `readValue()` would, except for duplicate keys.
  package mutating func skipValue() throws(JSONError) {
    switch try peekKind() {
    case .object:
      try beginObject()
      while try nextKey() != nil { try skipValue() }
    case .array:
      try beginArray()
      while try nextElement() { try skipValue() }
    case .string: _ = try readString()
    case .number: _ = try readNumber()
    case .bool: _ = try readBool()
    case .null: try readLiteral("null")
    }
  }

  /// Reads `true` or `false`.
  package mutating func readBool() throws(JSONError) -> Bool {
    guard try peekKind() == .bool else { throw JSONError(.wrongType, at: position) }
    let value = bytes[position] == UInt8(ascii: "t")
    try readLiteral(value ? "true" : "false")
    return value
  }

  /// Reads a string.
  package mutating func readString() throws(JSONError) -> String {
    var buffer = scratch
    scratch = []
    buffer.removeAll(keepingCapacity: true)
    try readString(appendingTo: &buffer)
    let text = String(decoding: buffer, as: UTF8.self)
    scratch = buffer
    return text
  }

  /// Reads a number without fraction or exponent that fits 64 bits.
  package mutating func readInteger() throws(JSONError) -> Int64 {
    guard try peekKind() == .number else { throw JSONError(.wrongType, at: position) }
    let start = position
    if let number = readShortInteger() { return number }
    guard case .integer(let number) = try readNumber() else {
      throw JSONError(.wrongType, at: start)
    }
    return number
  }

  private mutating func readLiteral(_ literal: StaticString) throws(JSONError) {
    for byte in literal.description.utf8 {
      guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
      guard bytes[position] == byte else { throw JSONError(.unexpectedByte, at: position) }
      position += 1
    }
  }

  // MARK: - Numbers

  /// Reads an integer of few digits and no sign, as most are; else `nil`, and nothing is read.
  private mutating func readShortInteger() -> Int64? {
    var end = position
    var number: Int64 = 0
    while end < bytes.count, end - position < 18 {
      let digit = bytes[end] &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      number = number * 10 + Int64(digit)
      end += 1
    }
    guard end < bytes.count, end > position, end - position < 18,
      bytes[position] != UInt8(ascii: "0") || end == position + 1,
      bytes[end] != UInt8(ascii: "."), bytes[end] | 0x20 != UInt8(ascii: "e")
    else { return nil }
    position = end
    return number
  }

  private mutating func readNumber() throws(JSONError) -> JSONValue {
    let start = position
    let isNegative = bytes[position] == UInt8(ascii: "-")
    if isNegative { position += 1 }
    let firstDigit = position
    var magnitude: Int64 = 0
    var isExact = true
    while let digit = currentDigit() {
      position += 1
      let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.subtractingReportingOverflow(Int64(digit))
      // Counted downwards, since the smallest integer has no positive counterpart.
      magnitude = sum
      if overflow || carry { isExact = false }
    }
    guard position > firstDigit else { throw numberError() }
    if bytes[firstDigit] == UInt8(ascii: "0"), position > firstDigit + 1 {
      throw JSONError(.invalidNumber, at: firstDigit)
    }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      isExact = false
      position += 1
      try skipDigits()
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      isExact = false
      position += 1
      if position < bytes.count,
        bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
      {
        position += 1
      }
      try skipDigits()
    }
    if isExact, !(isNegative && magnitude == 0) {
      if isNegative { return .integer(magnitude) }
      if magnitude != .min { return .integer(-magnitude) }
    }
    guard let number = Double(String(decoding: bytes[start..<position], as: UTF8.self)),
      number.isFinite
    else { throw JSONError(.numberOutOfRange, at: start) }
    return .double(number)
  }

  private func currentDigit() -> UInt8? {
    guard position < bytes.count else { return nil }
    let digit = bytes[position] &- UInt8(ascii: "0")
    return digit < 10 ? digit : nil
  }

  private mutating func skipDigits() throws(JSONError) {
    guard currentDigit() != nil else { throw numberError() }
    while currentDigit() != nil { position += 1 }
  }

  private func numberError() -> JSONError {
    JSONError(position < bytes.count ? .invalidNumber : .unexpectedEnd, at: position)
  }

  // MARK: - Bytes

  private mutating func skipWhitespace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private mutating func peekByte() throws(JSONError) -> UInt8 {
    skipWhitespace()
    guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
    return bytes[position]
  }
}

// MARK: - Strings

extension JSONReader {
  /// Reads a string and appends its UTF-8, escapes undone, to `buffer`.
  package mutating func readString(appendingTo buffer: inout [UInt8]) throws(JSONError) {
    guard try peekKind() == .string else { throw JSONError(.wrongType, at: position) }
    position += 1
    while true {
      let end = try endOfPlainText(from: position)
      buffer.append(contentsOf: bytes[position..<end])
      position = end
      if bytes[position] == UInt8(ascii: "\"") {
        position += 1
        return
      }
      try readEscape(appendingTo: &buffer)
    }
  }

  /// Reads a string without escapes and returns where its UTF-8 lies in `bytes`.
  ///
  /// Returns `nil` for a string with an escape; it is not read then.
  package mutating func readStringRange() throws(JSONError) -> Range<Int>? {
    guard try peekKind() == .string else { throw JSONError(.wrongType, at: position) }
    let start = position + 1
    let end = try endOfPlainText(from: start)
    guard bytes[end] == UInt8(ascii: "\"") else { return nil }
    position = end + 1
    return start..<end
  }

  /// Offset of the quote or backslash that ends the characters from `start`.
  private func endOfPlainText(from start: Int) throws(JSONError) -> Int {
    let span = bytes.span
    var end = start
    while end < span.count {
      let byte = span[end]
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): return end
      case 0x20..<0x80: end += 1
      case 0x80...: end += try lengthOfScalar(at: end)
      default: throw JSONError(.controlCharacter, at: end)
      }
    }
    throw JSONError(.unexpectedEnd, at: bytes.count)
  }

  /// Number of bytes of the well-formed multi-byte scalar at `start` (Unicode 16, table 3-7).
  private func lengthOfScalar(at start: Int) throws(JSONError) -> Int {
    let second: ClosedRange<UInt8>
    let length: Int
    switch bytes[start] {
    case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: throw JSONError(.invalidUTF8, at: start)
    }
    guard start + length <= bytes.count else { throw JSONError(.invalidUTF8, at: start) }
    guard second.contains(bytes[start + 1]) else {
      throw JSONError(.invalidUTF8, at: start)
    }
    for offset in 2..<max(2, length) {
      guard bytes[start + offset] & 0xC0 == 0x80 else {
        throw JSONError(.invalidUTF8, at: start)
      }
    }
    return length
  }

  private mutating func readEscape(appendingTo buffer: inout [UInt8]) throws(JSONError) {
    let start = position
    guard start + 1 < bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
    position += 2
    switch bytes[start + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
      buffer.append(bytes[start + 1])
    case UInt8(ascii: "b"): buffer.append(0x08)
    case UInt8(ascii: "f"): buffer.append(0x0C)
    case UInt8(ascii: "n"): buffer.append(0x0A)
    case UInt8(ascii: "r"): buffer.append(0x0D)
    case UInt8(ascii: "t"): buffer.append(0x09)
    case UInt8(ascii: "u"):
      let scalar = try readEscapedScalar(from: start)
      buffer.append(contentsOf: Character(scalar).utf8)
    default: throw JSONError(.invalidEscape, at: start)
    }
  }

  /// Reads the hexadecimal digits after `\u`, and the second half of a surrogate pair.
  private mutating func readEscapedScalar(from start: Int) throws(JSONError) -> Unicode.Scalar {
    let unit = try readHexUnit(from: start)
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard unit < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw JSONError(.invalidEscape, at: start) }
    position += 2
    let low = try readHexUnit(from: start)
    guard 0xDC00..<0xE000 ~= low,
      let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
    else { throw JSONError(.invalidEscape, at: start) }
    return scalar
  }

  private mutating func readHexUnit(from start: Int) throws(JSONError) -> UInt32 {
    guard position + 4 <= bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
    var unit: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
        throw JSONError(.invalidEscape, at: start)
      }
      unit = unit << 4 | UInt32(digit)
    }
    position += 4
    return unit
  }
}
