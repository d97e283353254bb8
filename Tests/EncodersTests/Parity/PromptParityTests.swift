import FilipLateInteraction
import FilipLinearAlgebra
import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

/// Prompts against sentence-transformers' own `encode_query` and `encode_document`, from texts on; see
/// `make_text_fixtures.py`.
@Suite struct PromptParityTests {
  static let tolerance: Float = 2e-5
  static let texts = ["small boat", "Boats", "a red boat, and a house"]

  private func encoder(
    of fixture: ModelFixture, _ change: (inout ModelConfiguration) -> Void = { _ in }
  ) throws -> TextEncoder {
    var model = fixture.model.configuration
    change(&model)
    return try TextEncoder(
      model, in: fixture.model.checkpoint, tokenizer: try fixture.model.tokenizer())
  }

  private func encoded(_ text: String, as kind: String, by encoder: TextEncoder) throws
    -> EncodedText
  {
    guard kind == "document" else { return try encoder.encode(text) }
    return try #require(
      try encoder.encode(documents: [text], workspace: encoder.makeWorkspace())[0])
  }

  @Test(arguments: ["query", "document"], [false, true])
  func `words behind a prompt and their vector equal the library's`(
    kind: String, isPooled: Bool
  ) throws {
    let fixture = try ModelFixture("text/bert-prompts")
    let encoder = try encoder(of: fixture) { $0.prompts.isPooled = isPooled }
    let promptCount = Int(try #require(try fixture.expectation("\(kind).length").values.first))
    for (number, text) in Self.texts.enumerated() {
      let stem = "\(kind).\(number)."
      let encoded = try encoded(text, as: kind, by: encoder)
      // The library's tokens less those of prompt and start, and the end.
      let (shape, all) = try fixture.expectation(stem + "tokens")
      let own = Array(all[promptCount * 32..<(shape[0] - 1) * 32])
      #expect(largestDifference(encoded.tokens.elements, own) <= Self.tolerance, "\(stem)")
      let pooled = try fixture.expectation(stem + (isPooled ? "with" : "without")).values
      #expect(largestDifference(encoded.pooled, pooled) <= Self.tolerance, "\(stem)")
    }
  }

  @Test func `a query's words are those that were typed, and lie where they were typed`() throws {
    let encoder = try encoder(of: ModelFixture("text/bert-prompts"))
    let encoded = try encoder.encode("a red boat, and a house")
    #expect(encoded.terms.map(\.text) == ["a", "red", "boat", ",", "and", "a", "house"])
    #expect(
      encoded.terms.map(\.sourceRange) == [
        0..<1, 2..<5, 6..<10, 10..<11, 12..<15, 16..<17, 18..<23,
      ])
    for query in ["", "   "] {
      let error = #expect(throws: EncoderError.self) { try encoder.encode(query) }
      #expect(error?.code == .emptyQuery)
    }
  }

  @Test func `a prompt that leaves no room for a text is refused`() throws {
    let fixture = try ModelFixture("text/bert-prompts")
    let error = #expect(throws: EncoderError.self) {
      try encoder(of: fixture) {
        $0.prompts.document = String(repeating: "find ", count: 14)
      }
    }
    #expect(error?.code == .invalidConfiguration)
  }

  @Test func `prompts are part of the identity of texts' vectors`() throws {
    let fixture = try ModelFixture("text/bert-prompts")
    let prompts = fixture.model.configuration.prompts
    #expect(prompts.query == "find this: " && prompts.document == "a passage. ")
    #expect(!prompts.isPooled)
    let folder = try TemporaryDirectory()
    let copy = folder.path + "/model"
    try FileManager.default.copyItem(atPath: fixture.directory, toPath: copy)
    #expect(try ModelDirectory(path: copy).textFingerprint == fixture.model.textFingerprint)
    try FileManager.default.removeItem(atPath: copy + "/config_sentence_transformers.json")
    #expect(try ModelDirectory(path: copy).textFingerprint != fixture.model.textFingerprint)
  }
}
