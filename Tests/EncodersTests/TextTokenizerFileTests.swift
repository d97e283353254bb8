import Foundation
import Testing

@testable import FilipEncoders

@Suite struct TextTokenizerFileTests {
  /// A complete small tokenizer, to be damaged.
  static let base = """
    {"added_tokens": [{"id": 0, "content": "<s>", "special": true}],
     "normalizer": {"type": "Lowercase"},
     "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
       {"type": "Split", "pattern": {"Regex": "\(pattern)"}, "behavior": "Removed", "invert": true},
       {"type": "ByteLevel", "add_prefix_space": false}]},
     "post_processor": {"type": "RobertaProcessing", "sep": ["<s>", 0], "cls": ["<s>", 0]},
     "model": {"type": "BPE", "unk_token": "<s>", "end_of_word_suffix": "</w>", "dropout": null,
       "fuse_unk": false, "vocab": {"<s>": 0, "a": 1, "b</w>": 2, "ab</w>": 3},
       "merges": ["a b</w>"]}}
    """
  static let pattern = WordSplitter.pattern.replacing(#"\"#, with: #"\\"#)

  func load(_ text: String) throws(TokenizerError) -> SubwordTokenizer {
    try SubwordTokenizer(tokenizerJSON: Array(text.utf8), file: "tokenizer.json")
  }

  func failure(_ text: String) -> TokenizerError? {
    do throws(TokenizerError) {
      _ = try load(text)
      return nil
    } catch { return error }
  }

  @Test func `a small file is read`() throws {
    let tokenizer = try load(Self.base)
    #expect(tokenizer.tokenize("AB ab, a", limit: .max).ids == [0, 3, 3, 0, 0, 0])
    let pairs = Self.base.replacing(#"["a b</w>"]"#, with: #"[["a", "b</w>"]]"#)
    #expect(try load(pairs).tokenize("AB", limit: .max).ids == [0, 3, 0])
    let escaped = Self.base.replacing(#""a b</w>""#, with: #""\u0061\u0020b<\/w>""#)
    #expect(try load(escaped).tokenize("AB", limit: .max).ids == [0, 3, 0])
  }

  @Test func `bytes without a token fall away when nothing stands for them`() throws {
    let tokenizer = try load(Self.base.replacing(#""unk_token": "<s>", "#, with: ""))
    let sequence = tokenizer.tokenize("c ab", limit: .max)
    #expect(sequence.ids == [0, 3, 0])
    #expect(sequence.words.map(\.text) == ["ab"])
    let fused = try load(Self.base.replacing(#""fuse_unk": false"#, with: #""fuse_unk": true"#))
    #expect(fused.tokenize("cccab", limit: .max).ids == [0, 0, 3, 0])
  }

  @Test(arguments: [
    (#""type": "BPE""#, #""type": "WordLevel""#, "the model WordLevel"),
    (#""dropout": null"#, #""dropout": 0.1"#, "dropout"),
    (#""dropout": null"#, #""byte_fallback": true"#, "byte_fallback"),
    (#""dropout": null"#, #""ignore_merges": true"#, "ignore_merges"),
    (#""dropout": null"#, #""continuing_subword_prefix": "x""#, "continuing_subword_prefix"),
    (#""type": "Lowercase""#, #""type": "NFKC""#, "the normaliser NFKC"),
    (
      #""type": "Lowercase""#, ##""type": "Replace", "content": "b", "pattern": {"Regex": "a|b"}"##,
      "Replace"
    ),
    (#""type": "Lowercase""#, #""kind": 1"#, "the normaliser without a type"),
    ("'s|", "'x|", "Split with this pattern"), (#""Removed""#, #""Isolated""#, "behavior"),
    (#""add_prefix_space": false"#, #""add_prefix_space": true"#, "add_prefix_space"),
    (#""add_prefix_space": false"#, #""trim_offsets": false"#, "add_prefix_space"),
    (#""ByteLevel""#, #""Metaspace""#, "Split, Metaspace"),
    (#""RobertaProcessing""#, #""OtherProcessing""#, "the post-processor OtherProcessing"),
  ])
  func `what we do not reproduce is refused by name`(
    part: String, replacement: String, name: String
  ) throws {
    let error = try #require(failure(Self.base.replacing(part, with: replacement)))
    #expect(error.code == .unsupportedComponent)
    #expect(error.problem.contains(name), "\(error)")
    #expect(!error.description.contains("\n"))
  }

  @Test(arguments: [
    (#""b</w>": 2"#, #""b</w>": 1"#), (#""b</w>": 2"#, #""b</w>": -1"#),
    (#""b</w>": 2"#, #""b</w>": 1048576"#), (#""b</w>": 2"#, #""a": 2"#),
    (#""unk_token": "<s>""#, #""unk_token": "<u>""#), (#""ab</w>": 3"#, #""abc</w>": 3"#),
    (#""a b</w>""#, #""a c</w>""#), (#""a b</w>""#, #""a b</w>", "a b</w>""#),
    (#""id": 0"#, #""id": 1"#), (#""<s>", 0], "cls""#, #""<s>", 4], "cls""#),
    (#""<s>", 0], "cls""#, #""<s>", -1], "cls""#),
    (#""content": "<s>""#, #""content": "<t>""#),
  ])
  func `tokens, ids and merges that contradict each other are refused`(
    part: String, replacement: String
  ) throws {
    let error = try #require(failure(Self.base.replacing(part, with: replacement)))
    #expect(error.code == .inconsistentVocabulary, "\(error)")
  }

  @Test(arguments: [
    (#""a b</w>""#, #""a""#), (#""a b</w>""#, #""a b </w>""#), (#""a b</w>""#, #"" b</w>""#),
    (#""a b</w>""#, #"["a"]"#), (#""a b</w>""#, #"["a", "b</w>", "a"]"#), (#""a b</w>""#, "1"),
    (#""b</w>": 2"#, #""b</w>": 2.5"#), (#""b</w>": 2"#, #""b</w>": "2""#),
    (#""content": "<s>""#, #""content": """#), (#""fuse_unk": false"#, #""fuse_unk": 1"#),
    (#""model": {"#, #""model": 1, "x": {"#), (#""merges""#, #""vocab""#),
    (#""normalizer""#, #""added_tokens""#), (#""unk_token": "<s>""#, #""unk_token": 3"#),
    (#""model""#, #""models""#),
  ])
  func `a malformed file is refused`(part: String, replacement: String) throws {
    let error = try #require(failure(Self.base.replacing(part, with: replacement)))
    #expect(error.code == .malformedFile, "\(error)")
  }

  @Test func `one wrong byte is an error or another tokenizer, never a trap`() {
    let bytes = Array(Self.base.utf8)
    for position in bytes.indices {
      for byte: UInt8 in [0x00, 0x22, 0x2C, 0x30, 0x5C, 0x5D, 0x61, 0x7B, 0xFF] {
        var damaged = bytes
        damaged[position] = byte
        if let tokenizer = try? SubwordTokenizer(tokenizerJSON: damaged, file: "") {
          _ = tokenizer.tokenize("ab <s> \u{e9}", limit: 10)
        }
      }
    }
  }

  @Test(arguments: [("small", 50), ("large", 8)])
  func `a file that was cut off or damaged in one place does not trap`(
    name: String, placeCount: Int
  ) throws {
    let bytes = try TokenizerFixture.bytes("\(name)/tokenizer.json")
    let body = bytes.count - 2
    for place in 0..<placeCount {
      let position = body * place / placeCount
      #expect(throws: TokenizerError.self) {
        try SubwordTokenizer(tokenizerJSON: Array(bytes[..<position]), file: "cut")
      }
      var damaged = bytes
      damaged[position] ^= UInt8(1 << (place % 8))
      if let tokenizer = try? SubwordTokenizer(tokenizerJSON: damaged, file: "damaged") {
        _ = tokenizer.tokenize("a photo of a dog", limit: 77)
      }
    }
  }

  @Test func `vocabulary and merges of their own give the ids of tokenizer json`() throws {
    let pair = try TokenizerFixture.tokenizer("pair")
    let small = try TokenizerFixture.tokenizer("small")
    for text in ["a photo of a dog", "Crème brûlée, 3 cars!", "猫 isn't 🐈", "<|endoftext|> x"] {
      #expect(pair.tokenize(text, limit: 77) == small.tokenize(text, limit: 77))
    }
    let vocabulary = try TokenizerFixture.bytes("pair/vocab.json")
    let merges = try TokenizerFixture.bytes("pair/merges.txt")
    let windows = Array(String(decoding: merges, as: UTF8.self).replacing("\n", with: "\r\n").utf8)
    let other = try SubwordTokenizer(vocabularyJSON: vocabulary, mergesText: windows)
    #expect(other.tokenize("a photo", limit: 77) == pair.tokenize("a photo", limit: 77))
  }

  @Test(arguments: ["a", "a b c", "", "zzz qqq", " a", "a "])
  func `a malformed line of merges is refused with its number`(line: String) throws {
    let vocabulary = try TokenizerFixture.bytes("pair/vocab.json")
    let error = #expect(throws: TokenizerError.self) {
      try SubwordTokenizer(
        vocabularyJSON: vocabulary, mergesText: Array("#version: 0.2\n\(line)\n".utf8))
    }
    #expect(error?.file == "merges.txt")
    #expect(error?.problem.contains("merge 1") == true)
  }

  @Test func `a folder without a tokenizer is an error that names it`() throws {
    let folder = try TokenizerFixture.path("")
    let error = #expect(throws: TokenizerError.self) { try SubwordTokenizer(directory: folder) }
    #expect(error?.code == .unreadableFile)
    #expect(error?.file == folder)
    #expect(throws: TokenizerError.self) {
      // A folder where the file should be.
      try SubwordTokenizer(directory: TokenizerFixture.path("small/tokenizer.json"))
    }
  }
}
