import FilipEncoders
import Testing

@Suite struct JSONValueTests {
  func parse(_ text: String) throws(JSONError) -> JSONValue {
    try JSONValue(parsing: Array(text.utf8))
  }

  func error(_ text: String) -> JSONError? {
    error(Array(text.utf8))
  }

  func error(_ bytes: [UInt8]) -> JSONError? {
    do throws(JSONError) {
      _ = try JSONValue(parsing: bytes)
      return nil
    } catch { return error }
  }

  @Test func `a document is read with its keys in order`() throws {
    let value = try parse(
      #" {"b": [1, -2.5, 1e3, true, false, null, "x"], "a": {"": {}, "c": []}} "#)
    let object = try #require(value.object)
    #expect(object.members.map(\.key) == ["b", "a"])
    #expect(
      value["b"]
        == .array([
          .integer(1), .double(-2.5), .double(1000), .bool(true), .bool(false), .null,
          .string("x"),
        ]))
    #expect(value["a"]?["c"]?.array == [])
    #expect(value["a"]?[""]?.object?.count == 0)
    #expect(value["d"] == nil)
  }

  @Test func `integers of 64 bits are exact`() throws {
    #expect(try parse("9223372036854775807") == .integer(.max))
    #expect(try parse("-9223372036854775808") == .integer(.min))
    #expect(try parse("9223372036854775808") == .double(9_223_372_036_854_775_808))
    #expect(try parse("-9223372036854775809") == .double(-9_223_372_036_854_775_808))
    #expect(try parse("99999999999999999999999") == .double(1e23))
    #expect(try parse("0") == .integer(0))
    #expect(try parse("-0").double?.sign == .minus)
    #expect(try parse("1E-2") == .double(0.01))
    #expect(try parse("0.0e+0") == .double(0))
  }

  @Test func `escapes are undone`() throws {
    #expect(
      try parse(#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\uDE00""#)
        == .string("\"\\/\u{8}\u{c}\n\r\tA\u{e9}\u{20ac}\u{1f600}"))
    #expect(try parse(#""\u0000""#) == .string("\0"))
  }

  @Test func `text beyond ASCII is kept as it is`() throws {
    let text = "\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}e\u{301}"
    let value = try parse("\"\(text)\"")
    #expect(value.string.map { Array($0.unicodeScalars) } == Array(text.unicodeScalars))
  }

  @Test(arguments: [
    ("", JSONError.Code.unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("{", .unexpectedEnd, 1),
    ("[1", .unexpectedEnd, 2), ("[1,", .unexpectedEnd, 3), ("[1,]", .unexpectedByte, 3),
    ("[,1]", .unexpectedByte, 1), ("[1 2]", .unexpectedByte, 3), ("{\"a\"}", .unexpectedByte, 4),
    ("{\"a\":}", .unexpectedByte, 5), ("{\"a\":1,}", .unexpectedByte, 7),
    ("{a:1}", .unexpectedByte, 1), ("{\"a\":1 \"b\":2}", .unexpectedByte, 7),
    ("{1:2}", .unexpectedByte, 1), ("[1}", .unexpectedByte, 2), ("tru", .unexpectedEnd, 3),
    ("trux", .unexpectedByte, 3), ("nul", .unexpectedEnd, 3), ("None", .unexpectedByte, 0),
    ("NaN", .unexpectedByte, 0), ("Infinity", .unexpectedByte, 0), ("01", .invalidNumber, 0),
    ("-01", .invalidNumber, 1), ("-", .unexpectedEnd, 1), ("+1", .unexpectedByte, 0),
    (".5", .unexpectedByte, 0), ("1.", .unexpectedEnd, 2), ("[1.]", .invalidNumber, 3),
    ("1e", .unexpectedEnd, 2), ("1e+", .unexpectedEnd, 3), ("[1ex]", .invalidNumber, 3),
    ("-x", .invalidNumber, 1), ("1e999", .numberOutOfRange, 0), ("0x1", .trailingBytes, 1),
    ("1 2", .trailingBytes, 2), ("{}x", .trailingBytes, 2), ("\"a", .unexpectedEnd, 2),
    ("\"\\", .unexpectedEnd, 2), ("\"\\x\"", .invalidEscape, 1), ("\"\\u12", .unexpectedEnd, 5),
    ("\"\\u12g4\"", .invalidEscape, 1), ("\"\\ud800\"", .invalidEscape, 1),
    ("\"\\ud800\\u0041\"", .invalidEscape, 1), ("\"\\udc00\"", .invalidEscape, 1),
    ("\"\\ud800x\"", .invalidEscape, 1), ("\"a\nb\"", .controlCharacter, 2),
    ("\"\0\"", .controlCharacter, 1), ("\u{feff}1", .unexpectedByte, 0),
    ("// x\n1", .unexpectedByte, 0), ("'a'", .unexpectedByte, 0),
    ("{\"a\":1,\"a\":2}", .duplicateKey, 7), ("{\"a\":1,\"\\u0061\":2}", .duplicateKey, 7),
  ])
  func `a malformed text is refused with its place`(
    text: String, code: JSONError.Code, byteOffset: Int
  ) {
    #expect(error(text) == JSONError(code, at: byteOffset))
  }

  @Test(
    arguments: [
      [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x9F, 0xBF],
      [0xED, 0xA0, 0x80], [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xF0, 0x8F, 0xBF, 0xBF],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xF1, 0x80, 0x80],
    ] as [[UInt8]])
  func `invalid UTF-8 is refused`(bytes: [UInt8]) {
    #expect(error([0x22] + bytes + [0x22]) == JSONError(.invalidUTF8, at: 1))
    #expect(error([0x22] + bytes) == JSONError(.invalidUTF8, at: 1))
  }

  @Test func `values nest at most 64 deep`() {
    func nested(_ depth: Int, _ open: String, _ close: String) -> String {
      String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
    }
    #expect(error(nested(64, "[", "]")) == nil)
    #expect(error(nested(65, "[", "]")) == JSONError(.tooDeep, at: 64))
    #expect(error(nested(64, "{\"a\":", "}")) == nil)
    #expect(error(nested(65, "{\"a\":", "}"))?.code == .tooDeep)
    #expect(error(String(repeating: "[", count: 1_000_000))?.code == .tooDeep)
  }

  @Test func `keys differ when their bytes do`() throws {
    let value = try parse("{\"\u{e9}\": 1, \"e\u{301}\": 2}")
    #expect(value["\u{e9}"] == .integer(1))
    #expect(value["e\u{301}"] == .integer(2))
  }

  @Test func `an object of many keys finds each and refuses a second`() throws {
    let members = (0..<1000).map { "\"key\($0)\": \($0)" }
    let value = try parse("{" + members.joined(separator: ",") + "}")
    for index in 0..<1000 { #expect(value["key\(index)"] == .integer(Int64(index))) }
    #expect(value["key1000"] == nil)
    let twice = (members + ["\"key7\": 0"]).joined(separator: ",")
    #expect(error("{" + twice + "}")?.code == .duplicateKey)
  }

  @Test func `every cut of a document is an error and never a trap`() {
    let document = Array(#"{"a": [1.5e3, "\ud83d\ude00é", {"b": null, "c": true}], "d": -7}"#.utf8)
    for length in 0..<document.count {
      #expect(error(Array(document[..<length])) != nil, "cut at \(length)")
    }
    for position in document.indices {
      for byte in UInt8.min...UInt8.max {
        var damaged = document
        damaged[position] = byte
        _ = error(damaged)
      }
    }
  }
}

@Suite struct JSONReaderTests {
  @Test func `a reader visits members without building them`() throws {
    var reader = JSONReader(Array(#"{"skip": [{"x": "y"}, 2], "list": ["a", "é"], "n": 3}"#.utf8))
    try reader.beginObject()
    #expect(try reader.nextKey() == "skip")
    try reader.skipValue()
    #expect(try reader.nextKey() == "list")
    try reader.beginArray()
    var bytes: [UInt8] = []
    while try reader.nextElement() { try reader.readString(appendingTo: &bytes) }
    #expect(bytes == Array("aé".utf8))
    #expect(try reader.nextKey(appendingTo: &bytes))
    #expect(bytes == Array("aén".utf8))
    #expect(try reader.readInteger() == 3)
    #expect(try reader.nextKey() == nil)
    try reader.finish()
  }

  @Test func `asking for another type is an error`() {
    #expect(throws: JSONError(.wrongType, at: 0)) {
      var reader = JSONReader(Array("[1]".utf8))
      try reader.beginObject()
    }
    #expect(throws: JSONError(.wrongType, at: 0)) {
      var reader = JSONReader(Array("1.5".utf8))
      _ = try reader.readInteger()
    }
    #expect(throws: JSONError(.wrongType, at: 0)) {
      var reader = JSONReader(Array("1".utf8))
      _ = try reader.readString()
    }
  }
}
