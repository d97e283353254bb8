/// Reads what was typed as a query.
///
///     small balloon^2           a word that counts twice
///     "red balloon" dog         a phrase: its words are one part of the query
///     "red balloon"^0.5         a phrase that counts half
///     C\^2 3\"                  a backslash makes the sign behind it an ordinary one
///
/// Words are separated by white space. A quote opens a phrase at the beginning of a word only, and a
/// weight is a number from 0 to 1000. All other signs belong to the text.
public struct QueryParser {
  /// The largest weight.
  static let largestWeight = 1_000.0

  private let typed: String
  private let characters: [(value: Character, offset: Int)]
  private var position = 0
  private var text = ""
  private var offsets: [Int] = []
  private var marks: [QueryText.Mark] = []
  /// Where the current word begins in the UTF-8 of `text`.
  private var wordStart: Int?

  /// The query that was typed.
  /// - Throws: `QueryError.malformedQuery` with a caret under the place.
  public static func parse(_ typed: String) throws(QueryError) -> QueryText {
    var parser = QueryParser(typed)
    return try parser.run()
  }

  private init(_ typed: String) {
    self.typed = typed
    var offset = 0
    var characters: [(Character, Int)] = []
    for character in typed {
      characters.append((character, offset))
      offset += character.utf8.count
    }
    self.characters = characters
  }

  private mutating func run() throws(QueryError) -> QueryText {
    while let character = next {
      switch character {
      case "\\":
        beginWord()
        try takeEscaped()
      case "\"" where wordStart == nil: try takePhrase()
      case "^":
        guard let wordStart else {
          throw error("a weight stands right behind a word or a phrase, as in balloon^2", "^")
        }
        let range = wordStart..<text.utf8.count
        marks.append(
          QueryText.Mark(range: range, weight: try takeWeight(), isQuoted: false))
        self.wordStart = nil
      default:
        if character.isWhitespace { wordStart = nil } else { beginWord() }
        take()
      }
    }
    return QueryText(typed: typed, text: text, marks: marks, offsets: offsets)
  }

  private var next: Character? {
    position < characters.count ? characters[position].value : nil
  }

  private mutating func beginWord() {
    if wordStart == nil { wordStart = text.utf8.count }
  }

  /// The next character becomes text.
  private mutating func take() {
    let (character, offset) = characters[position]
    text.append(character)
    offsets += offset..<offset + character.utf8.count
    position += 1
  }

  /// A backslash and what it shields.
  private mutating func takeEscaped() throws(QueryError) {
    guard position + 1 < characters.count else {
      throw error("nothing follows this backslash", "\\")
    }
    position += 1
    take()
  }

  /// A phrase in quotes, and its weight if it has one.
  private mutating func takePhrase() throws(QueryError) {
    let opening = position
    let start = text.utf8.count
    var isBlank = true
    position += 1
    while let character = next, character != "\"" {
      if !character.isWhitespace { isBlank = false }
      switch character {
      case "\\": try takeEscaped()
      case "^":
        throw error("inside quotes no word has a weight; it stands behind the closing quote", "^")
      default: take()
      }
    }
    guard next != nil else { throw error("this quote is not closed", "\"", at: opening) }
    guard !isBlank else {
      throw error("there is nothing between these quotes", "\"", at: opening)
    }
    let range = start..<text.utf8.count
    position += 1
    let weight = next == "^" ? try takeWeight() : 1
    if let next, next.isLetter || next.isNumber || next == "\"" {
      throw error("put a blank behind the quote", "\"")
    }
    marks.append(QueryText.Mark(range: range, weight: weight, isQuoted: true))
  }

  /// `^` and a number.
  private mutating func takeWeight() throws(QueryError) -> Double {
    position += 1
    let start = position
    while let next, next.isASCII, next.isNumber || next == "." { position += 1 }
    let digits = String(characters[start..<position].map(\.value))
    guard let weight = Double(digits), (0...Self.largestWeight).contains(weight),
      next?.isWhitespace ?? true
    else {
      throw error(
        "a weight is a number from 0 to \(Int(Self.largestWeight)), such as 2 or 0.5, with a blank "
          + "behind it", "^", at: start)
    }
    return weight
  }

  /// One line that says what is wrong and how the sign is written as it stands, and the query with
  /// a caret under the place.
  private func error(_ message: String, _ sign: Character, at place: Int? = nil) -> QueryError {
    let shown = characters.map { $0.value.isWhitespace ? " " : String($0.value) }.joined()
    let blanks = String(repeating: " ", count: place ?? position)
    return QueryError(
      .malformedQuery, "\(message); for the sign itself write \\\(sign)\n  \(shown)\n  \(blanks)^")
  }
}
