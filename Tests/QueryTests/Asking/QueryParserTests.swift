import FilipLateInteraction
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct QueryParserTests {
  /// The text that the encoder reads, and per mark its words, its weight and whether it was quoted.
  private func parts(_ typed: String) throws -> (String, [String]) {
    let query = try QueryParser.parse(typed)
    let marks = query.marks.map { mark in
      let words = String(decoding: Array(query.text.utf8)[mark.range], as: UTF8.self)
      return "\(words)|\(mark.weight)|\(mark.isQuoted ? "phrase" : "word")"
    }
    return (query.text, marks)
  }

  @Test(arguments: [
    ("small balloon", "small balloon", []),
    ("small balloon^2", "small balloon", ["balloon|2.0|word"]),
    (
      "small^0.5 red^.25 balloon^0", "small red balloon",
      [
        "small|0.5|word", "red|0.25|word", "balloon|0.0|word",
      ]
    ),
    ("\"red balloon\" on sea", "red balloon on sea", ["red balloon|1.0|phrase"]),
    ("a \"red balloon\"^3", "a red balloon", ["red balloon|3.0|phrase"]),
    ("\"red\" \"sea\"^2", "red sea", ["red|1.0|phrase", "sea|2.0|phrase"]),
    // A quote inside a word is a sign like any other, and so is what a backslash shields.
    (#"a 5" disk"#, #"a 5" disk"#, []),
    (#"C\^2 \"so\" a\\b"#, #"C^2 "so" a\b"#, []),
    (#""say \"hi\""^2"#, #"say "hi""#, [#"say "hi"|2.0|phrase"#]),
    ("it's -dog +cat, (x)", "it's -dog +cat, (x)", []),
    ("\"red dog\", cat", "red dog, cat", ["red dog|1.0|phrase"]),
    ("", "", []), ("  ", "  ", []),
    ("é^2 红色", "é 红色", ["é|2.0|word"]),
  ])
  func `what was typed is text and marks`(typed: String, text: String, marks: [String]) throws {
    let found = try parts(typed)
    #expect(found.0 == text)
    #expect(found.1 == marks)
  }

  @Test(arguments: [
    ("small balloon^", 14, "a weight is a number"), ("balloon^x", 8, "a weight is a number"),
    ("balloon^2x", 8, "a weight is a number"), ("balloon^-1", 8, "a weight is a number"),
    ("balloon^1e3", 8, "a weight is a number"), ("balloon^1001", 8, "from 0 to 1000"),
    ("balloon^2^3", 8, "a weight is a number"), ("^2", 0, "right behind a word"),
    ("dog ^2", 4, "right behind a word"), ("a \"red", 2, "not closed"),
    ("a \"\" b", 2, "nothing between"), ("a \" \"", 2, "nothing between"),
    ("\"red^2 dog\"", 4, "inside quotes"), ("\"red\"dog", 5, "a blank behind"),
    ("\"red\"\"dog\"", 5, "a blank behind"), (#"dog \"#, 4, "nothing follows"),
    ("é \"x", 2, "not closed"),
  ])
  func `an error shows the place with a caret and says how the sign is written`(
    typed: String, column: Int, message: String
  ) throws {
    let error = try #require(throws: QueryError.self) { try QueryParser.parse(typed) }
    #expect(error.code == .malformedQuery)
    let lines = error.message.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 3)
    #expect(lines[0].contains(message) && lines[0].contains("itself write \\"), "\(lines[0])")
    #expect(lines[1] == "  " + typed)
    #expect(lines[2] == "  " + String(repeating: " ", count: column) + "^")
  }

  @Test func `ranges lead back to what was typed`() throws {
    let query = try QueryParser.parse(#"x "ré\"d dog"^2 cat^3"#)
    #expect(query.text == "x ré\"d dog cat")
    let typed = Array(query.typed.utf8)
    func shown(_ word: String) throws -> String {
      let text = Array(query.text.utf8)
      let start = try #require(
        text.indices.first { text[$0...].starts(with: Array(word.utf8)) })
      let range = query.typedRange(of: start..<start + word.utf8.count)
      return String(decoding: typed[range], as: UTF8.self)
    }
    #expect(try shown("cat") == "cat")
    #expect(try shown("dog") == "dog")
    #expect(try shown("ré\"d") == #"ré\"d"#)
    let end = query.text.utf8.count
    #expect(query.typedRange(of: end..<end) == typed.count..<typed.count)
  }

  @Test func `any literal text is read as it is when its signs are shielded`() throws {
    var generator = SeededGenerator(seed: 3)
    let signs: [Character] = ["a", "é", " ", "^", "\"", "\\", "2", "\u{301}", "红", "\t"]
    for _ in 0..<2_000 {
      let text = String((0..<12).map { _ in signs.randomElement(using: &generator)! })
      let shielded = text.map { "^\"\\".contains($0) ? "\\\($0)" : String($0) }.joined()
      let query = try QueryParser.parse(shielded)
      #expect(query.text == text && query.marks.isEmpty, "\(text)")
      #expect(QueryText(literal: text).text == text)
    }
  }

  @Test func `a region is four numbers`() throws {
    let region = try PixelRegion(parsing: "120,40.5,200,1")
    #expect(region == PixelRegion(x: 120, y: 40.5, width: 200, height: 1))
    for text in ["", "1,2,3", "1,2,3,4,5", "1,2,0,4", "-1,2,3,4", "a,2,3,4", "1,2,nan,4", "1,,3,4"]
    {
      #expect(throws: QueryError.self, "\(text)") { try PixelRegion(parsing: text) }
    }
  }
}
