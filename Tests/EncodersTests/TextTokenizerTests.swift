import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

/// Texts and the ids that the reference library gives, made by
/// `Training/fixtures/make_tokenizer_fixtures.py`.
struct TokenizerFixture {
  /// The tokenizers of the fixture: an old layout with more added tokens, a new one of 4096 tokens,
  /// and `vocab.json` with `merges.txt`.
  static let names = ["small", "large", "pair"]

  static func path(_ name: String) throws -> String {
    let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    return folder.appending(path: "tokenizer").appending(path: name).path
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path(name))))
  }

  static func tokenizer(_ name: String) throws -> SubwordTokenizer {
    try SubwordTokenizer(directory: path(name))
  }

  static func golden(_ part: String) throws -> [JSONValue] {
    try #require(JSONValue(parsing: bytes("golden.json"))[part]?.array)
  }

  static func ids(_ value: JSONValue?) throws -> [Int32] {
    try #require(value?.array).map { Int32(try #require($0.integer)) }
  }
}

@Suite struct TextTokenizerTests {
  @Test(arguments: TokenizerFixture.names)
  func `ids equal the reference's for texts that are hard to get right`(name: String) throws {
    let tokenizer = try TokenizerFixture.tokenizer(name)
    let cases = try TokenizerFixture.golden("cases")
    #expect(cases.count >= 700)
    for value in cases {
      let text = try #require(value["text"]?.string)
      let sequence = tokenizer.tokenize(text, limit: .max)
      let scalars = text.unicodeScalars.map { String($0.value, radix: 16) }
      #expect(sequence.ids == (try TokenizerFixture.ids(value[name])), "\(scalars)")
    }
  }

  @Test(arguments: TokenizerFixture.names)
  func `ids equal the reference's for long texts`(name: String) throws {
    let tokenizer = try TokenizerFixture.tokenizer(name)
    for value in try TokenizerFixture.golden("long") {
      var text = ""
      for part in try #require(value["parts"]?.array) {
        let count = Int(try #require(part["count"]?.integer))
        text += String(repeating: try #require(part["piece"]?.string), count: count)
      }
      let ids = tokenizer.tokenize(text, limit: .max).ids
      var checksum: UInt64 = 0xCBF2_9CE4_8422_2325
      for id in ids { checksum = (checksum ^ UInt64(id)) &* 0x100_0000_01B3 }
      #expect(ids.count == value[name]?["count"]?.integer.map { Int($0) })
      #expect(UInt64(value[name]?["checksum"]?.string ?? "", radix: 16) == checksum)
    }
  }

  @Test(arguments: TokenizerFixture.names)
  func `a limit keeps start and end as the reference does`(name: String) throws {
    let tokenizer = try TokenizerFixture.tokenizer(name)
    for value in try TokenizerFixture.golden("truncated") {
      let text = try #require(value["text"]?.string)
      let limit = Int(try #require(value["limit"]?.integer))
      let sequence = tokenizer.tokenize(text, limit: limit)
      #expect(sequence.ids == (try TokenizerFixture.ids(value[name])), "\(text) to \(limit)")
      #expect(sequence.wordIndices.count == sequence.ids.count)
      #expect(Set(sequence.wordIndices.compactMap(\.self)) == Set(sequence.words.indices))
    }
  }

  @Test func `a limit without room for start and end is a mistake`() async {
    await #expect(processExitsWith: .failure) {
      _ = try TokenizerFixture.tokenizer("small").tokenize("a", limit: 1)
    }
  }

  @Test func `start, end and the size of the vocabulary are known`() throws {
    let small = try TokenizerFixture.tokenizer("small")
    #expect(small.startTokenID == 0)
    #expect(small.endTokenID == 1)
    // 600 tokens and five added ones.
    #expect(small.vocabularyCount == 605)
    #expect(try TokenizerFixture.tokenizer("large").vocabularyCount == 4096)
    #expect(try TokenizerFixture.tokenizer("pair").vocabularyCount == 600)
  }
}

// MARK: - Words

@Suite struct TextWordTests {
  func words(_ text: String, limit: Int = .max) throws -> [TokenizedWord] {
    try TokenizerFixture.tokenizer("large").tokenize(text, limit: limit).words
  }

  @Test(arguments: [
    ("A photo of a Dog", ["A", "photo", "of", "a", "Dog"]),
    ("it's 12°C, isn't it?", ["it", "'s", "1", "2", "°", "C", ",", "isn", "'t", "it", "?"]),
    ("  Crème  BRÛLÉE\n", ["Crème", "BRÛLÉE"]), ("Straße", ["Straße"]),
    ("Cre\u{301}me bru\u{302}le\u{301}e!", ["Cre\u{301}me", "bru\u{302}le\u{301}e", "!"]),
    ("赤い車、2台", ["赤い車", "、", "2", "台"]), ("한국어", ["한국어"]),
    ("\u{1112}\u{1161}\u{11ab}a", ["\u{1112}\u{1161}\u{11ab}a"]),
    ("dog👩‍👩‍👧🇩🇪cat", ["dog", "👩‍👩‍👧🇩🇪", "cat"]), ("قطة على السطح", ["قطة", "على", "السطح"]),
    ("\u{212b}ngstr\u{f6}m", ["\u{212b}ngstr\u{f6}m"]), ("", []), (" \t", []),
  ])
  func `words are as typed, with their bytes`(text: String, expected: [String]) throws {
    let words = try words(text)
    #expect(words.map { Array($0.text.utf8) } == expected.map { Array($0.utf8) })
    for word in words {
      let range = try #require(word.sourceRange)
      #expect(Array(text.utf8)[range].elementsEqual(word.text.utf8))
    }
  }

  @Test func `a letter that becomes two words has no bytes for either`() throws {
    let words = try words("\u{130}x y")
    #expect(words.map(\.text) == ["i", "\u{307}", "x", "y"])
    #expect(words.map(\.sourceRange) == [nil, nil, 2..<3, 4..<5])
  }

  @Test func `each id knows its word, special tokens know none`() throws {
    let sequence = try TokenizerFixture.tokenizer("large").tokenize(
      "two Zebras<|endoftext|>!", limit: .max)
    #expect(sequence.words.map(\.text) == ["two", "Zebras", "!"])
    let indices = sequence.wordIndices
    #expect(indices.first == .some(nil))
    #expect(indices.last == .some(nil))
    #expect(indices[1] == 0)
    let known = indices.compactMap(\.self)
    #expect(known == known.sorted())
    #expect(Set(known) == [0, 1, 2])
    let inner = indices.dropFirst().dropLast()
    #expect(inner.filter { $0 == nil }.count == 1)
    #expect(sequence.words[2].sourceRange == 23..<24)
  }

  @Test func `a word that was cut in the middle is kept whole as a word`() throws {
    let sequence = try TokenizerFixture.tokenizer("pair").tokenize("kqxzvjw cat", limit: 4)
    #expect(sequence.words.map(\.text) == ["kqxzvjw"])
    #expect(sequence.wordIndices == [nil, 0, 0, nil])
  }
}

// MARK: - Pieces

@Suite struct TextPiecesTests {
  @Test func `the letters for bytes are those of GPT-2`() {
    let letters = (UInt8.min...UInt8.max).map { ByteTokens.letter(for: $0) }
    #expect(Set(letters).count == 256)
    #expect(letters[0] == "Ā")
    #expect(letters[0x20] == "Ġ")
    #expect(letters[0x41] == "A")
    #expect(letters[0x7F] == "ġ")
    #expect(letters[0xA0] == "ł")
    #expect(letters[0xA1] == "¡")
    #expect(letters[0xAD] == "Ń")
    #expect(letters[0xFF] == "ÿ")
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `composition works on stretches as on the whole`(seed: UInt64) {
    let normalizer = TextNormalizer(steps: [.composition])
    var generator = SeededGenerator(seed: seed)
    let pool: [ClosedRange<UInt32>] = [
      0x41...0x5A, 0x300...0x345, 0x1100...0x11FF, 0xAC00...0xAC40, 0x9BE...0x9D7, 0xF71...0xF84,
      0x1E00...0x1EFF, 0x3041...0x309A, 0x5B0...0x5EA,
    ]
    for _ in 0..<1000 {
      var scalars: [Unicode.Scalar] = []
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        let range = pool.randomElement(using: &generator) ?? 0x41...0x5A
        // The standard library leaves these three in place.
        let value = UInt32.random(in: range, using: &generator)
        guard ![0xF73, 0xF75, 0xF81].contains(value), let scalar = Unicode.Scalar(value) else {
          continue
        }
        scalars.append(scalar)
      }
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars)
      let expected = String(text).precomposedStringWithCanonicalMapping.unicodeScalars
      let composed = normalizer.normalize(SourceScalar.scalars(of: String(text)))
      #expect(composed.map(\.scalar) == Array(expected), "\(scalars)")
    }
  }

  @Test func `merging takes the earliest merge first and the leftmost of equals`() {
    var table = MergeTable(capacity: 3)
    let isNew = [(1, 1, 2), (2, 2, 3), (3, 1, 4), (1, 1, 5)].map {
      table.append($0.0, $0.1, result: $0.2)
    }
    #expect(isNew == [true, true, true, false])
    #expect(table.merge([]) == [])
    #expect(table.merge([1]) == [1])
    #expect(table.merge([1, 1, 1]) == [2, 1])
    #expect(table.merge([1, 1, 1, 1, 1]) == [4])
    #expect(table.merge([7, 1, 1, 7]) == [7, 2, 7])
  }

  @Test func `a vocabulary finds what it was given, and only that`() {
    var vocabulary = Vocabulary()
    for index in 0..<20_000 {
      vocabulary.bytes += Array("token\(index)".utf8)
      vocabulary.addToken(id: Int64(index))
    }
    #expect(vocabulary.failure == nil)
    #expect(vocabulary.count == 20_000)
    for index in stride(from: 0, to: 20_000, by: 7) {
      #expect(vocabulary.id(of: "token\(index)") == Int32(index))
    }
    #expect(vocabulary.id(of: "token") == nil)
    #expect(vocabulary.id(of: "") == nil)
  }
}
