import Foundation
import Testing

@testable import FilipEncoders

/// Small tokenizers of every kind, with the ids that the reference libraries give, made by
/// `Training/fixtures/make_tokenizer_family_fixtures.py`.
struct TokenizerFamily {
  static let names = [
    "siglip", "siglip2", "tips", "bert", "bertcased", "minilm", "modernbert", "t5",
  ]

  static func path(_ name: String) throws -> String {
    let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    return folder.appending(path: "tokenizers").appending(path: name).path
  }

  static func tokenizer(_ name: String) throws -> any TextTokenizer {
    try loadTokenizer(directory: path(name))
  }

  static func golden() throws -> JSONValue {
    try JSONValue(parsing: Array(try Data(contentsOf: URL(filePath: path("golden.json")))))
  }

  static func ids(_ value: JSONValue?) throws -> [Int32] {
    try #require(value?.array).map { Int32(try #require($0.integer)) }
  }
}

@Suite struct TokenizerFamilyTests {
  @Test(arguments: TokenizerFamily.names)
  func `ids equal the reference's`(name: String) throws {
    let tokenizer = try TokenizerFamily.tokenizer(name)
    let golden = try TokenizerFamily.golden()
    let texts = try #require(golden["texts"]?.array)
    let expected = try #require(golden["ids"]?[name]?.array)
    #expect(texts.count >= 500)
    #expect(texts.count == expected.count)
    for (value, ids) in zip(texts, expected) {
      let text = try #require(value.string)
      let sequence = tokenizer.tokenize(text, limit: 1 << 20)
      let scalars = text.unicodeScalars.map { String($0.value, radix: 16) }
      #expect(sequence.ids == (try TokenizerFamily.ids(ids)), "\(text) \(scalars)")
    }
  }

  @Test(arguments: TokenizerFamily.names)
  func `a limit cuts as the reference does`(name: String) throws {
    let tokenizer = try TokenizerFamily.tokenizer(name)
    for value in try #require(TokenizerFamily.golden()["truncated"]?[name]?.array) {
      let text = try #require(value.array?[0].string)
      let limit = Int(try #require(value.array?[1].integer))
      let sequence = tokenizer.tokenize(text, limit: limit)
      #expect(sequence.ids == (try TokenizerFamily.ids(value.array?[2])), "\(text) to \(limit)")
      #expect(sequence.wordIndices.count == sequence.ids.count)
    }
  }

  @Test(arguments: TokenizerFamily.names)
  func `words own bytes of the text that no other word owns, in order`(name: String) throws {
    let tokenizer = try TokenizerFamily.tokenizer(name)
    for value in try #require(TokenizerFamily.golden()["texts"]?.array) {
      let text = try #require(value.string)
      let sequence = tokenizer.tokenize(text, limit: 1 << 20)
      #expect(sequence.wordIndices.count == sequence.ids.count)
      let known = sequence.wordIndices.compactMap(\.self)
      #expect(known == known.sorted())
      #expect(Set(known) == Set(sequence.words.indices))
      var end = 0
      for word in sequence.words {
        guard let range = word.sourceRange else { continue }
        #expect(range.lowerBound >= end && range.upperBound <= text.utf8.count, "\(text)")
        #expect(Array(text.utf8)[range].elementsEqual(word.text.utf8))
        #expect(!range.isEmpty)
        end = range.upperBound
      }
    }
  }

  @Test(arguments: [
    ("siglip", ["red", "Balloon", "2025", "don’t"]),
    ("siglip2", ["red", "Balloon", ",", "2025", "!", "don’t"]),
    ("tips", ["red", "Balloon", ",", "2025", "!", "don’t"]),
    // It has no digits, and neighbours without a token are one unknown token.
    ("t5", ["red", "Balloon", ",", "2025!", "don’t"]),
    ("bert", ["red", "Balloon", ",", "2025", "!", "don", "’", "t"]),
    ("minilm", ["red", "Balloon", ",", "2025", "!", "don", "’", "t"]),
    ("modernbert", ["red", "Balloon", ",", "2025", "!", "don", "’", "t"]),
  ])
  func `words are those of the text`(name: String, expected: [String]) throws {
    let text = " red  Balloon, 2025! don’t"
    let words = try TokenizerFamily.tokenizer(name).tokenize(text, limit: 99).words
    #expect(words.map(\.text) == expected)
    for word in words {
      let range = try #require(word.sourceRange)
      #expect(Array(text.utf8)[range].elementsEqual(word.text.utf8))
    }
  }

  @Test(arguments: ["bert", "minilm"])
  func `each Chinese character is a word of BERT's`(name: String) throws {
    let sequence = try TokenizerFamily.tokenizer(name).tokenize("红色的气球 café", limit: 99)
    #expect(sequence.words.map(\.text) == ["红", "色", "的", "气", "球", "café"])
    #expect(sequence.words[1].sourceRange == 3..<6)
  }

  @Test func `how texts are filled up is read from the files`() throws {
    func padding(_ name: String) throws -> PaddingRule? {
      try TokenizerFamily.tokenizer(name).padding
    }
    #expect(
      try padding("siglip")
        == PaddingRule(tokenID: 1, isOnLeft: false, isMasked: false, maximumLength: 64))
    #expect(
      try padding("siglip2")
        == PaddingRule(tokenID: 0, isOnLeft: true, isMasked: true, maximumLength: nil))
    #expect(
      try padding("tips")
        == PaddingRule(tokenID: 0, isOnLeft: false, isMasked: true, maximumLength: 64))
    #expect(
      try padding("minilm")
        == PaddingRule(tokenID: 0, isOnLeft: false, isMasked: true, maximumLength: 512))
    #expect(
      try padding("modernbert")?.maximumLength == 8192)
  }
}
