/// Reads the members of one JSON object of a configuration, with defaults and bounds.
///
/// A member that is absent or `null` takes its default, as in the Hugging Face library, whose files
/// list only what differs from it. A member of another type or out of bounds is an error.
struct ConfigurationReader {
  /// The file, for messages.
  let path: String
  /// The member of the file that this object is, for messages; empty for the whole file.
  let section: String
  /// The members.
  let object: JSONObject

  /// Reads `object`, which lies under `section` of the file at `path`.
  init(_ object: JSONObject, section: String = "", path: String) {
    self.object = object
    self.section = section
    self.path = path
  }

  /// Opens a file that is one JSON object.
  ///
  /// - Throws: `.unreadableFile`, `.malformedFile`.
  init(path: String) throws(EncoderError) {
    let bytes = try readFile(path)
    do throws(JSONError) {
      guard let object = try JSONValue(parsing: bytes).object else {
        throw JSONError(.wrongType, at: 0)
      }
      self.init(object, path: path)
    } catch {
      throw EncoderError.malformed(path, "\(error)")
    }
  }

  /// The members under some of this object's keys by other names, as if they were an object of their
  /// own: how flat files say what newer ones say in sections. What is there already counts first.
  func renaming(_ names: [String: String]) -> ConfigurationReader {
    var renamed = JSONObject()
    for member in object.members {
      guard let name = names[member.key] else { continue }
      _ = renamed.append(name, member.value)
    }
    return ConfigurationReader(renamed, section: section, path: path)
  }

  /// This object with the members of `values` that it lacks.
  func filled(_ values: [(key: String, value: JSONValue)]) -> ConfigurationReader {
    var object = object
    for (key, value) in values { _ = object.append(key, value) }
    return ConfigurationReader(object, section: section, path: path)
  }

  /// The object under `key`, or an empty one.
  func section(_ key: String) throws(EncoderError) -> ConfigurationReader {
    let object: JSONObject
    switch value(key) {
    case nil: object = JSONObject()
    case .object(let found): object = found
    case .some: throw invalid(key, "is not an object")
    }
    return ConfigurationReader(
      object, section: section.isEmpty ? key : section + "." + key, path: path)
  }

  /// All members that are not `null`.
  var members: [JSONObject.Member] { object.members.filter { !$0.value.isNull } }

  /// Whether `key` is there and not `null`.
  func contains(_ key: String) -> Bool { value(key) != nil }

  /// The elements under `key`, or `nil` when this is no list.
  func list(_ key: String) -> [JSONValue]? { value(key)?.array }

  /// A count within `range`.
  func count(
    _ key: String, default standard: Int, in range: ClosedRange<Int>
  ) throws(EncoderError) -> Int {
    guard let value = value(key) else { return standard }
    guard let number = value.integer.flatMap(Int.init(exactly:)), range.contains(number) else {
      throw invalid(
        key, "is not a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A number within `range`.
  func number(
    _ key: String, default standard: Double, in range: ClosedRange<Double>
  ) throws(EncoderError) -> Double {
    guard let value = value(key) else { return standard }
    guard let number = value.double, range.contains(number) else {
      throw invalid(key, "is not a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A number above 0 and below 1, such as an epsilon.
  func fraction(_ key: String, default standard: Float) throws(EncoderError) -> Float {
    guard let value = value(key) else { return standard }
    guard let number = value.double, number > 0, number < 1 else {
      throw invalid(key, "is not a number between 0 and 1")
    }
    return Float(number)
  }

  /// A number above 0.
  func positive(_ key: String, default standard: Float) throws(EncoderError) -> Float {
    guard let value = value(key) else { return standard }
    guard let number = value.double.map({ Float($0) }), number > 0, number.isFinite else {
      throw invalid(key, "is not a number above 0")
    }
    return number
  }

  /// A side length: one number, or a list of two equal ones.
  func side(
    _ key: String, default standard: Int, in range: ClosedRange<Int>
  ) throws(EncoderError) -> Int {
    if let sides = list(key) {
      guard sides.count == 2, sides[0] == sides[1],
        let side = sides[0].integer.flatMap(Int.init(exactly:)), range.contains(side)
      else { throw invalid(key, "is not a square") }
      return side
    }
    return try count(key, default: standard, in: range)
  }

  /// A flag.
  func flag(_ key: String, default standard: Bool) throws(EncoderError) -> Bool {
    guard let value = value(key) else { return standard }
    guard let flag = value.bool else { throw invalid(key, "is neither true nor false") }
    return flag
  }

  /// A text, or `nil` when there is none.
  func text(_ key: String) throws(EncoderError) -> String? {
    guard let value = value(key) else { return nil }
    guard let text = value.string else { throw invalid(key, "is not a text") }
    return text
  }

  /// The key with the section it is in, for messages.
  func name(of key: String) -> String { section.isEmpty ? key : section + "." + key }

  /// The error that `key` has a problem.
  func invalid(_ key: String, _ problem: String) -> EncoderError {
    EncoderError(
      .invalidConfiguration,
      "\(path): \(name(of: key)) \(problem); copy the file again from its source")
  }

  private func value(_ key: String) -> JSONValue? {
    guard let value = object[key], !value.isNull else { return nil }
    return value
  }
}
