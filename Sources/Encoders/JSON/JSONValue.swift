/// A JSON value in memory, for small documents such as `config.json` or the header of a weight
/// file.
///
/// Strict (RFC 8259): no comments, no trailing commas, no byte order mark, only valid UTF-8, no
/// lone surrogates. Large tables are read with `JSONReader`, without a value per entry.
package enum JSONValue: Sendable, Hashable {
  /// Keys and values in the order of the text.
  case object(JSONObject)
  /// Values in order.
  case array([JSONValue])
  /// Text, escapes undone.
  case string(String)
  /// A number without fraction or exponent that fits: kept exactly.
  case integer(Int64)
  /// Any other number, rounded to the nearest double.
  case double(Double)
  /// `true` or `false`.
  case bool(Bool)
  /// `null`.
  case null

  /// Parses one value that fills all of `bytes`.
  ///
  /// - Throws: `JSONError` with the offset of the first offending byte; also when a key appears
  ///   twice in an object, and when values nest deeper than `JSONReader.depthLimit`.
  /// - Complexity: linear in `bytes.count`.
  package init(parsing bytes: [UInt8]) throws(JSONError) {
    var reader = JSONReader(bytes)
    self = try reader.readValue()
    try reader.finish()
  }

  // MARK: - Reading

  /// The value under `key`, or `nil` when this is no object or has no such key.
  package subscript(key: String) -> JSONValue? { object?[key] }

  /// The members, when this is an object.
  package var object: JSONObject? {
    if case .object(let object) = self { object } else { nil }
  }

  /// The elements, when this is an array.
  package var array: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// The text, when this is a string.
  package var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The number, when this is one without fraction or exponent that fits 64 bits.
  package var integer: Int64? {
    if case .integer(let number) = self { number } else { nil }
  }

  /// The number as a double, when this is any number.
  package var double: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .double(let number): number
    default: nil
    }
  }

  /// The truth value, when this is one.
  package var bool: Bool? {
    if case .bool(let flag) = self { flag } else { nil }
  }

  /// Whether this is `null`.
  package var isNull: Bool { self == .null }
}

/// The members of a JSON object: unique keys in the order of the text.
package struct JSONObject: Sendable, Hashable {
  /// One key with its value.
  package struct Member: Sendable, Hashable {
    /// The key, escapes undone.
    package let key: String
    /// The value.
    package let value: JSONValue
  }

  /// All members in the order of the text.
  package private(set) var members: [Member] = []
  /// Positions in `members`; kept only when there are more than a few.
  private var positions: [ExactString: Int] = [:]

  private static let directSearchLimit = 8

  /// An object without members.
  package init() {}

  /// Number of members.
  package var count: Int { members.count }

  /// The value under `key`, or `nil`.
  ///
  /// Keys are equal when their bytes are: `é` in one scalar and in two are different keys.
  package subscript(key: String) -> JSONValue? {
    position(of: key).map { members[$0].value }
  }

  /// Adds a member at the end; `false`, and no change, when the key is there already.
  package mutating func append(_ key: String, _ value: JSONValue) -> Bool {
    guard position(of: key) == nil else { return false }
    members.append(Member(key: key, value: value))
    if members.count == Self.directSearchLimit + 1 {
      for (position, member) in members.enumerated() {
        positions[ExactString(member.key)] = position
      }
    } else if members.count > Self.directSearchLimit {
      positions[ExactString(key)] = members.count - 1
    }
    return true
  }

  private func position(of key: String) -> Int? {
    let key = ExactString(key)
    if members.count > Self.directSearchLimit { return positions[key] }
    return members.firstIndex { ExactString($0.key) == key }
  }

  /// A string compared by its bytes, not by canonical equivalence as `String` is.
  private struct ExactString: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: Self, right: Self) -> Bool {
      left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
      for byte in text.utf8 { hasher.combine(byte) }
    }
  }
}
