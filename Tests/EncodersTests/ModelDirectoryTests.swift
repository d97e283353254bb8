import FilipLateInteraction
import Testing

@testable import FilipEncoders

@Suite struct ModelDirectoryTests {
  @Test func `the summary tells what the model is`() throws {
    let summary = try ModelFixture("filip-plain").model.summary
    #expect(summary.family == .filip && summary.dimension == 24)
    #expect(summary.version == "filip-test-1" && summary.domain == "random noise, for tests")
    #expect(summary.grid == PatchGrid(rowCount: 5, columnCount: 5) && summary.imageSize == 40)
    #expect(summary.vision?.layerCount == 3 && summary.vision?.width == 32)
    #expect(summary.vision?.elementTypes == [.float16])
    #expect(summary.textTokenLimit == 16 && summary.vocabularySize == 520)
    #expect(summary.tokenModes == [.native] && summary.defaultTokenMode == .native)
    // Counted by hand: three blocks, embeddings, final norm, two projections.
    let block = 4 * (32 * 32 + 32) + 2 * 32 * 72 + 72 + 32 + 4 * 32
    #expect(
      summary.vision?.parameterCount
        == 3 * block + 32 * 3 * 64 + 32 + 25 * 32 + 2 * 32 + 2 * 24 * 32)
  }

  @Test func `fingerprints tell models and token modes apart`() throws {
    var seen: Set<String> = []
    for name in EncoderParityTests.clip + EncoderParityTests.filip {
      let model = try ModelFixture(name).model
      for mode in model.tokenModes {
        let fingerprint = try model.imageFingerprint(tokenMode: mode)
        #expect(fingerprint.utf8.count == 32 && seen.insert(fingerprint).inserted)
        #expect(fingerprint == (try model.imageFingerprint(tokenMode: mode)))
      }
      #expect(seen.insert(model.textFingerprint).inserted)
    }
  }

  @Test func `the default mode is part of the fingerprint`() throws {
    let model = try ModelFixture("clip-quick-gelu").model
    #expect(try model.imageFingerprint() == model.imageFingerprint(tokenMode: .value))
    #expect(try model.summary.imageFingerprint == model.imageFingerprint())
  }

  @Test func `a token mode of another family is an error`() throws {
    for (name, mode) in [("clip-quick-gelu", TokenMode.native), ("filip-plain", .value)] {
      let model = try ModelFixture(name).model
      let error = #expect(throws: EncoderError.self) {
        try ImageEncoder(model: model, tokenMode: mode)
      }
      #expect(error?.code == .unsupportedTokenMode)
    }
  }

  @Test func `an image of another size is an error`() throws {
    let encoder = try ImageEncoder(model: ModelFixture("clip-quick-gelu").model)
    let image = PreparedImage(
      width: 16, height: 16, values: Array(repeating: 0, count: 768),
      region: PixelRegion(x: 0, y: 0, width: 16, height: 16))
    let error = #expect(throws: EncoderError.self) {
      try encoder.encode([image], workspace: encoder.makeWorkspace())
    }
    #expect(error?.code == .invalidInput)
    #expect(try encoder.encode([], workspace: encoder.makeWorkspace()).isEmpty)
  }
}
