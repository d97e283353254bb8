import FilipLateInteraction
import FilipLinearAlgebra
import Foundation
import Testing

@testable import FilipEncoders

/// Tiny random text towers of every family against transformers and sentence-transformers.
///
/// Rows are normalised; both sides compute in 32 bits from the same 16-bit weights.
@Suite struct TextParityTests {
  static let tolerance: Float = 2e-5

  @Test(arguments: [
    "bert-mean", "bert-cls", "modernbert", "modernbert-old-words", "siglip", "siglip2", "tips",
    "tips-original", "chinese-clip", "wukong", "colmodernvbert",
    "fgclip",
  ])
  func `tokens and pooled vectors equal the reference, alone and in a batch`(name: String) throws {
    let fixture = try TextFixture(name)
    let tower = try TextTransformer(fixture.configuration, in: fixture.checkpoint)
    let workspace = EncoderWorkspace()
    let together = try tower.run(on: fixture.texts.map(\.input), workspace: workspace)
    var (tokens, pooled) = (together.tokens.elements, together.pooled.elements)
    for (index, text) in fixture.texts.enumerated() {
      let count = text.tokens.count
      try expectEqual(
        Array(tokens.prefix(count)), text.tokens, tower, "\(name), tokens of \(index)")
      try expectEqual(
        Array(pooled.prefix(tower.dimension)), text.pooled, tower, "\(name), pooled \(index)")
      tokens.removeFirst(count)
      pooled.removeFirst(tower.dimension)
      let alone = try tower.run(on: [text.input], workspace: workspace)
      try expectEqual(alone.tokens.elements, text.tokens, tower, "\(name), \(index) alone")
    }
    #expect(tokens.isEmpty && pooled.isEmpty)
  }

  private func expectEqual(
    _ rows: [Float], _ expected: [Float], _ tower: TextTransformer, _ comment: String
  ) throws {
    let normalized = try TokenMatrix(
      normalizing: rows, tokenCount: rows.count / tower.dimension, dimension: tower.dimension)
    let difference = largestDifference(normalized.elements, expected)
    #expect(difference <= Self.tolerance, "\(comment): \(difference)")
  }

  // MARK: - Filling up

  /// Gives the tokens of a text of the fixture, whose number the query's last character is.
  private struct NumberedTexts: TextTokenizer {
    var texts: [[Int]]
    var padding: PaddingRule?
    var startTokenID: Int32? { nil }
    var endTokenID: Int32? { nil }
    var vocabularyCount: Int { 60 }

    func tokenize(_ text: String, limit: Int) -> TokenSequence {
      guard let number = text.last?.wholeNumberValue else { return TokenSequence(ids: [3]) }
      let ids = texts[number].map { Int32($0) }
      return TokenSequence(
        ids: ids, wordIndices: ids.map { _ in 0 },
        words: [TokenizedWord(text: text, sourceRange: 0..<text.utf8.count)])
    }
  }

  /// What a tokenizer may say, and which of the fixture's texts come of it.
  @Test(arguments: [
    ("siglip", nil, 0, 1),
    ("siglip", PaddingRule(tokenID: 0, isOnLeft: false, isMasked: false, maximumLength: 24), 0, 1),
    ("siglip2", PaddingRule(tokenID: 0, isOnLeft: true, isMasked: true, maximumLength: nil), 0, 2),
    ("siglip2", PaddingRule(tokenID: 0, isOnLeft: false, isMasked: true, maximumLength: 99), 1, 2),
  ])
  func `SigLIP's texts are filled up as the tokenizer says, and read at the last position`(
    name: String, rule: PaddingRule?, first: Int, step: Int
  ) throws {
    let fixture = try TextFixture(name)
    var model = fixture.configuration
    // Without a rule the configuration's own token fills up; the fixture's texts have 0 there.
    if rule == nil { model.text.fillingToken = 0 }
    let texts = stride(from: first, to: fixture.texts.count, by: step).map { fixture.texts[$0] }
    let tokenizer = NumberedTexts(texts: texts.map(\.ownTokens), padding: rule)
    let encoder = try TextEncoder(model, in: fixture.checkpoint, tokenizer: tokenizer)
    for (number, text) in texts.enumerated() {
      let encoded = try encoder.encode("\(number)")
      #expect(largestDifference(encoded.pooled, text.pooled) <= Self.tolerance, "\(name) \(number)")
      #expect(encoded.terms.map(\.kind) == [.phrase, .sentence])
    }
  }

  /// Gives tokens by a text's words, each of which is the number of a token.
  private struct NumberTokenizer: TextTokenizer {
    var padding: PaddingRule?
    var startTokenID: Int32? { nil }
    var endTokenID: Int32? { 3 }
    var vocabularyCount: Int { 60 }

    func tokenize(_ text: String, limit: Int) -> TokenSequence {
      let all = text.split(separator: " ").compactMap { Int32($0) ?? ($0 == "a" ? 10 : 11) }
      let ids = Array(all.prefix(limit - 1))
      return TokenSequence(
        ids: ids + [3], wordIndices: ids.indices.map { $0 } + [nil],
        words: ids.map { TokenizedWord(text: "\($0)", sourceRange: 0..<1) })
    }
  }

  @Test func `FG-CLIP 2 reads phrases as regions, and its pooled vector is a caption's`() throws {
    let fixture = try TextFixture("fgclip")
    var model = fixture.configuration
    model.text.fillingToken = 0
    let rule = PaddingRule(tokenID: 0, isOnLeft: false, isMasked: false, maximumLength: 24)
    for padding in [nil, rule] {
      let tokenizer = NumberTokenizer(padding: padding)
      let encoder = try TextEncoder(model, in: fixture.checkpoint, tokenizer: tokenizer)
      // The fixture's first text in its three walks; its last is only read in the third.
      let texts = fixture.texts
      #expect(texts.map(\.input.walk.rawValue) == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 2])
      let short = texts[0].ownTokens.dropLast().map { "\($0)" }.joined(separator: " ")
      let encoded = try encoder.encode(short)
      #expect(encoded.terms.map(\.kind) == [.phrase, .sentence])
      #expect(encoded.tokens.tokenCount == 2)
      #expect(largestDifference(encoded.tokens[0], texts[1].pooled) <= Self.tolerance)
      #expect(largestDifference(encoded.tokens[1], texts[1].pooled) <= Self.tolerance)
      #expect(largestDifference(encoded.pooled, texts[0].pooled) <= Self.tolerance)

      let long = texts[12].ownTokens.dropLast().map { "\($0)" }.joined(separator: " ")
      let whole = try encoder.encode(documents: [long], workspace: encoder.makeWorkspace())
      #expect(largestDifference(try #require(whole[0]).pooled, texts[12].pooled) <= Self.tolerance)
      // Its rows are of as many words as a region's text may have.
      let cut = long.split(separator: " ").prefix(23).joined(separator: " ")
      let expected = try encoder.encode(cut)
      #expect(largestDifference(try #require(whole[0]).tokens[1], expected.tokens[1]) <= 1e-6)
      #expect(largestDifference(try #require(whole[0]).pooled, expected.pooled) > 0.01)
    }
  }

  @Test func `FG-CLIP 2's phrases are asked for bare and in small letters`() throws {
    let fixture = try TextFixture("fgclip")
    let encoder = try TextEncoder(
      fixture.configuration, in: fixture.checkpoint, tokenizer: NumberTokenizer())
    // The tokenizer knows the word "a"; "A", "photo" and "of" would be another token each.
    let encoded = try encoder.encode("20 A on 30")
    #expect(encoded.terms.map(\.text) == ["20", "30", "20 A on 30"])
    #expect(encoded.tokens[0] == (try encoder.encode("20")).tokens[0])
    let small = try encoder.encode("20 a on 30")
    #expect(encoded.tokens == small.tokens && encoded.pooled == small.pooled)
  }

  @Test func `a model's own limit and way of pooling are those of its sentence modules`() throws {
    let mean = try TextFixture("bert-mean").configuration.text
    #expect(mean.pooling == .mean && mean.lengthLimit == 30 && mean.positionCount == 40)
    let first = try TextFixture("bert-cls").configuration.text
    #expect(first.pooling == .first && first.lengthLimit == 40)
  }

  @Test func `documents are encoded as queries are, and those without words are left out`() throws {
    let fixture = try TextFixture("tips")
    let tokenizer = NumberedTexts(texts: fixture.texts.map(\.ownTokens), padding: nil)
    let encoder = try TextEncoder(
      fixture.configuration, in: fixture.checkpoint, tokenizer: tokenizer)
    let encoded = try encoder.encode(
      documents: ["2", "none", "0"], workspace: encoder.makeWorkspace())
    #expect(encoded.map { $0 == nil } == [false, true, false])
    for (number, document) in [(2, encoded[0]), (0, encoded[2])] {
      let query = try encoder.encode("\(number)")
      let document = try #require(document)
      #expect(document.terms == query.terms)
      #expect(largestDifference(document.tokens.elements, query.tokens.elements) < 1e-5)
      #expect(largestDifference(document.pooled, query.pooled) < 1e-5)
    }
  }
}

/// A tiny text tower that `Training/fixtures/make_text_fixtures.py` made.
private struct TextFixture {
  struct Text {
    var input: TextInput
    var tokens: [Float]
    var pooled: [Float]

    /// The tokens without what fills up.
    var ownTokens: [Int] {
      input.visible.map { Array(input.ids[$0]) }
        ?? Array(input.ids.prefix { $0 != 0 })
    }
  }

  let configuration: ModelConfiguration
  let checkpoint: Checkpoint
  var texts: [Text] = []

  init(_ name: String) throws {
    let directory = try ModelFixture.directory("text/" + name)
    if FileManager.default.fileExists(atPath: directory + "/modules.json") {
      let model = try ModelDirectory(path: directory)
      (configuration, checkpoint) = (model.configuration, model.checkpoint)
    } else {
      configuration = try ModelConfiguration(path: directory + "/config.json")
      checkpoint = try ModelSource(directory).checkpoint
    }
    let parity = try SafetensorsFile(path: directory + "/parity.safetensors")
    func values(_ name: String) throws -> [Float]? {
      try parity.tensors[name].map { try parity.matrix(of: $0).elements }
    }
    while let ids = try values("text.\(texts.count).ids") {
      let mask = try values("text.\(texts.count).mask")
      let walk = try values("text.\(texts.count).walk")?.first
      let visible = mask.map { mask in mask.indices.filter { mask[$0] == 1 } }
      texts.append(
        Text(
          input: TextInput(
            ids.map { Int($0) }, visible: visible.map { $0[0]..<$0[$0.count - 1] + 1 },
            walk: walk.flatMap { TextWalk(rawValue: Int($0)) } ?? .short),
          tokens: try #require(try values("text.\(texts.count).tokens")),
          pooled: try #require(try values("text.\(texts.count).pooled"))))
    }
  }
}
