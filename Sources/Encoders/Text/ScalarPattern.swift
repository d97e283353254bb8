/// What a `Replace` of a normaliser looks for: the part of regular expressions that tokenizers use.
enum ScalarPattern: Sendable {
  /// These scalars, one after the other.
  case literal([Unicode.Scalar])
  /// As many scalars of a set as there are, up to `maximum`; at least `minimum`.
  case run(of: ScalarSet, minimum: Int, maximum: Int)

  /// Reads one item with an optional quantifier: `\s+`, ` {2,}`, `[!?]`, `x`; `nil` for any other
  /// expression.
  init?(regularExpression text: String) {
    var reader = PatternReader(text)
    guard let set = reader.readItem(), let (minimum, maximum) = reader.readQuantifier(),
      reader.isAtEnd
    else { return nil }
    self = .run(of: set, minimum: minimum, maximum: maximum)
  }

  /// Number of scalars of the match that starts at `position`, or `nil`; never zero.
  func matchLength(in scalars: [SourceScalar], at position: Int) -> Int? {
    switch self {
    case .literal(let literal):
      guard scalars[position...].lazy.map(\.scalar).starts(with: literal) else { return nil }
      return literal.count
    case .run(let set, let minimum, let maximum):
      var end = position
      while end < scalars.count, end - position < maximum, set.contains(scalars[end].scalar) {
        end += 1
      }
      return end - position >= minimum ? end - position : nil
    }
  }
}

/// Some scalars: listed ones, ranges and white space.
struct ScalarSet: Sendable {
  var ranges: [ClosedRange<Unicode.Scalar>] = []
  var hasSpaces = false
  var isInverted = false

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    let isListed =
      ranges.contains { $0.contains(scalar) } || (hasSpaces && scalar.isReferenceSpace)
    return isListed != isInverted
  }
}

/// Reads a regular expression from left to right.
private struct PatternReader {
  private let scalars: [Unicode.Scalar]
  private var position = 0

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  var isAtEnd: Bool { position == scalars.count }

  private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  mutating func readItem() -> ScalarSet? {
    var set = ScalarSet()
    guard let first = next else { return nil }
    guard first == "[" else { return readMember(into: &set, isInBrackets: false) ? set : nil }
    position += 1
    if next == "^" {
      set.isInverted = true
      position += 1
    }
    guard next != "]" else { return nil }
    while let scalar = next {
      if scalar == "]" {
        position += 1
        return set
      }
      guard readMember(into: &set, isInBrackets: true) else { return nil }
    }
    return nil
  }

  /// `*`, `?` and their kin would match nothing at all, which replaces between scalars: refused.
  mutating func readQuantifier() -> (minimum: Int, maximum: Int)? {
    switch next {
    case nil: return (1, 1)
    case "+":
      position += 1
      return (1, .max)
    case "{":
      position += 1
      guard let minimum = readNumber(), minimum > 0 else { return nil }
      var maximum = minimum
      if next == "," {
        position += 1
        maximum = next == "}" ? .max : readNumber() ?? 0
      }
      guard next == "}", maximum >= minimum else { return nil }
      position += 1
      return (minimum, maximum)
    default: return nil
    }
  }

  private mutating func readNumber() -> Int? {
    var number: Int?
    while let scalar = next, let digit = Int(String(scalar)), (number ?? 0) < 1000 {
      number = (number ?? 0) * 10 + digit
      position += 1
    }
    return number
  }

  private mutating func readMember(into set: inout ScalarSet, isInBrackets: Bool) -> Bool {
    if next == "\\", position + 1 < scalars.count, scalars[position + 1] == "s" {
      position += 2
      set.hasSpaces = true
      return true
    }
    guard let first = readScalar(isInBrackets: isInBrackets) else { return false }
    guard isInBrackets, next == "-", position + 1 < scalars.count, scalars[position + 1] != "]"
    else {
      set.ranges.append(first...first)
      return true
    }
    position += 1
    guard let last = readScalar(isInBrackets: true), last >= first else { return false }
    set.ranges.append(first...last)
    return true
  }

  /// One scalar; a letter or digit after a backslash would be a class or a control.
  private mutating func readScalar(isInBrackets: Bool) -> Unicode.Scalar? {
    guard let scalar = next else { return nil }
    position += 1
    if scalar == "\\" {
      guard let escaped = next, !escaped.properties.isAlphabetic,
        !("0"..."9").contains(escaped)
      else { return nil }
      position += 1
      return escaped
    }
    // In brackets these begin a class of POSIX or an intersection.
    if isInBrackets {
      if scalar == "[" || (scalar == "&" && next == "&") { return nil }
      return scalar
    }
    return "^$.|?*+()[]{}".unicodeScalars.contains(scalar) ? nil : scalar
  }
}
