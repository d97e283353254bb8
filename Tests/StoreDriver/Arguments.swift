/// The words behind the program's name: what to do, then `name=value`.
struct Arguments {
  let role: String
  private var values: [Substring: Substring] = [:]

  init(_ words: [String]) {
    role = words.dropFirst().first ?? ""
    for word in words.dropFirst(2) {
      let parts = word.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { fail("\(word) is not name=value") }
      values[parts[0]] = parts[1]
    }
  }

  /// A value that must be there.
  func text(_ name: Substring) -> String {
    guard let value = values[name] else { fail("no \(name)=") }
    return String(value)
  }

  /// A number, or `standard` where there is none.
  func number<Number: FixedWidthInteger>(_ name: Substring, else standard: Number) -> Number {
    guard let value = values[name] else { return standard }
    guard let number = Number(value) else { fail("\(name)=\(value) is no number") }
    return number
  }

  /// Whether the value is there.
  func has(_ name: Substring) -> Bool { values[name] != nil }
}
