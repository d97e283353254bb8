import FilipEncoders
import Testing

@Suite struct LogitScaleTests {
  @Test func `the temperature is read under every naming, and is e to what is stored`() throws {
    func scale(_ fixture: String) throws -> Double? {
      try ModelDirectory(path: ModelFixture.directory(fixture)).logitScale
    }
    // 0.241 as a half, 0.19840565 as a float.
    #expect(abs(try #require(try scale("clip-f16")) - 1.27248) < 1e-4)
    #expect(abs(try #require(try scale("clip-quick-gelu")) - 1.2194570) < 1e-6)
    let same = try ["same-hugging-face", "same-open-clip", "same-openai/ViT-tiny.pt"].map(scale)
    for found in same { #expect(abs(try #require(found) - 1.24771) < 1e-3) }
  }

  @Test func `a checkpoint without one has none`() throws {
    #expect(try ModelDirectory(path: ModelFixture.directory("filip-plain")).logitScale == nil)
  }
}
