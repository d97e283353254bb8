import FilipLateInteraction
import Testing

@testable import FilipEncoders

/// Tiny random models against transformers (CLIP) and plain PyTorch (FILIP).
///
/// Rows are normalised, so entries are at most 1. Both sides compute in 32 bits and add in different
/// orders; 1e-5 is ten times what that makes.
@Suite struct EncoderParityTests {
  static let tolerance: Float = 1e-5
  static let clip = [
    "clip-quick-gelu", "clip-legacy-end", "clip-f16", "clip-bf16", "clip-sharded",
  ]
  static let filip = ["filip-plain", "filip-class-token"]

  @Test(arguments: clip + filip)
  func `image tokens and pooled vectors equal the reference in every token mode`(
    name: String
  ) throws {
    let fixture = try ModelFixture(name)
    let images = try fixture.images()
    let pooled = try fixture.expectation("image.pooled").values
    for mode in [TokenMode.native, .patch, .value, .csa] {
      guard fixture.model.family.tokenModes.contains(mode) else { continue }
      let encoder = try ImageEncoder(model: fixture.model, tokenMode: mode)
      let encoded = try encoder.encode(images, workspace: encoder.makeWorkspace())
      let expected = try fixture.expectation("image.\(mode.rawValue)")
      #expect(expected.shape == [images.count, encoder.maximumPatchCount, encoder.dimension])
      let tokens = largestDifference(encoded.flatMap(\.tokens.elements), expected.values)
      let whole = largestDifference(encoded.flatMap(\.pooled), pooled)
      #expect(tokens <= Self.tolerance && whole <= Self.tolerance, "\(name), \(mode)")
    }
  }

  @Test(arguments: clip + filip)
  func `text tokens and pooled vectors equal the reference`(name: String) throws {
    let fixture = try ModelFixture(name)
    let transformer = try TextTransformer(
      fixture.model.configuration, in: fixture.model.checkpoint)
    let texts = try fixture.texts()
    #expect(texts.count == 4)
    let output = try transformer.run(on: texts.map { TextInput($0) }, workspace: EncoderWorkspace())
    let tokens = try TokenMatrix.normalizing(output.tokens).elements
    let pooled = try TokenMatrix.normalizing(output.pooled).elements
    let expectedTokens = try texts.indices.flatMap {
      try fixture.expectation("text.\($0).tokens").values
    }
    let expectedPooled = try texts.indices.flatMap {
      try fixture.expectation("text.\($0).pooled").values
    }
    let differences = (
      largestDifference(tokens, expectedTokens), largestDifference(pooled, expectedPooled)
    )
    #expect(differences.0 <= Self.tolerance && differences.1 <= Self.tolerance)
  }

  @Test func `an image is encoded alike alone and in a batch`() throws {
    let fixture = try ModelFixture("clip-quick-gelu")
    let encoder = try ImageEncoder(model: fixture.model)
    let images = try fixture.images()
    let workspace = encoder.makeWorkspace()
    let together = try encoder.encode(images, workspace: workspace)
    let alone = try images.flatMap { try encoder.encode([$0], workspace: workspace) }
    for (left, right) in zip(together, alone) {
      #expect(largestDifference(left.tokens.elements, right.tokens.elements) < 1e-5)
      #expect(largestDifference(left.pooled, right.pooled) < 1e-5)
    }
  }
}
