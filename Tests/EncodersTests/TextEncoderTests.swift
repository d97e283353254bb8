import FilipLateInteraction
import FilipLinearAlgebra
import Testing

@testable import FilipEncoders

@Suite struct TextEncoderTests {
  @Test func `a FILIP query has a row for every token of every word`() throws {
    let fixture = try ModelFixture("filip-plain")
    let encoder = try TextEncoder(model: fixture.model)
    let encoded = try encoder.encode("A red  dog")
    #expect(encoded.terms.map(\.text) == ["A", "red", "dog"])
    #expect(encoded.terms.map(\.rows) == [0..<1, 1..<4, 4..<7])
    #expect(encoded.terms.map(\.sourceRange) == [0..<1, 2..<5, 7..<10])
    #expect(encoded.terms.allSatisfy { $0.kind == .word })
    #expect(encoded.tokens.tokenCount == 7 && encoded.tokens.dimension == 24)
    #expect(encoded.pooled.count == 24)

    // The rows are those of the tower, less start and end.
    let sequence = try SubwordTokenizer(directory: fixture.directory)
      .tokenize("A red  dog", limit: 16)
    #expect(sequence.ids.count == 9)
    #expect(sequence.ids.first == 512 && sequence.ids.last == 513)
    let tower = try TextTransformer(fixture.model.configuration, in: fixture.model.checkpoint)
    let output = try tower.run(
      on: [TextInput(sequence.ids.map { Int($0) })], workspace: EncoderWorkspace())
    #expect(encoded.tokens == (try .normalizing(output.tokens.rows(1..<8))))
  }

  @Test func `special tokens are kept and marked where the model scores them`() throws {
    let encoder = try TextEncoder(model: ModelFixture("filip-class-token").model)
    let encoded = try encoder.encode("to")
    #expect(encoded.terms.map(\.kind) == [.special, .word, .special])
    #expect(encoded.terms.map(\.text) == ["start", "to", "end"])
    #expect(encoded.tokens.tokenCount == 4)
  }

  @Test func `a CLIP query has a row for each phrase and one for the sentence`() throws {
    let encoder = try TextEncoder(model: ModelFixture("clip-quick-gelu").model)
    let encoded = try encoder.encode("a cat on mats")
    #expect(encoded.terms.map(\.text) == ["cat", "mats", "a cat on mats"])
    #expect(encoded.terms.map(\.kind) == [.phrase, .phrase, .sentence])
    #expect(encoded.terms.map(\.rows) == [0..<1, 1..<2, 2..<3])
    #expect(encoded.tokens[2] == encoded.pooled[...])
    let prompt = try encoder.encode("a photo of a cat").pooled
    #expect(largestDifference(encoded.tokens[0], prompt) < 1e-5)
  }

  @Test(arguments: ["filip-plain", "clip-quick-gelu"])
  func `a query without words is an error`(name: String) throws {
    let encoder = try TextEncoder(model: ModelFixture(name).model)
    for query in ["", "  \n\t"] {
      let error = #expect(throws: EncoderError.self) { try encoder.encode(query) }
      #expect(error?.code == .emptyQuery)
    }
  }

  @Test func `a tokenizer of another model is refused at loading`() throws {
    struct Strange: TextTokenizer {
      var startTokenID: Int32? { nil }
      var endTokenID: Int32? { nil }
      var vocabularyCount: Int { 1 }
      var ids: [Int32]
      func tokenize(_ text: String, limit: Int) -> TokenSequence {
        TokenSequence(ids: ids, wordIndices: ids.map { _ in nil })
      }
    }
    let model = try ModelFixture("filip-plain").model
    for ids: [Int32] in [[], [512], [0, 99_999, 513], Array(repeating: 513, count: 17)] {
      let error = #expect(throws: EncoderError.self) {
        try TextEncoder(model: model, tokenizer: Strange(ids: ids))
      }
      #expect(error?.code == .invalidInput)
    }
  }

  @Test func `a long query loses its last words`() throws {
    let encoder = try TextEncoder(model: ModelFixture("filip-plain").model)
    let encoded = try encoder.encode(String(repeating: "abc ", count: 50))
    #expect(encoded.tokens.tokenCount == 14)
  }
}
