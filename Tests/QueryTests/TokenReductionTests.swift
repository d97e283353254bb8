import FilipLateInteraction
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct TokenReductionTests {
  private func projection() -> TokenProjection {
    TokenProjection(axes: [1, 0, 0, 0, -0.5, 2], inputDimension: 3, outputDimension: 2)
  }

  @Test func `a request goes on top of what the index has`() throws {
    let stored = ReductionSetting(poolFactor: 2, dimension: 96)
    func setting(_ pool: Int?, _ dimension: Int?) throws -> ReductionSetting {
      try ReductionRequest(poolFactor: pool, dimension: dimension)
        .setting(over: stored, modelDimension: 128)
    }
    #expect(try setting(nil, nil) == stored)
    #expect(try setting(4, nil) == ReductionSetting(poolFactor: 4, dimension: 96))
    #expect(try setting(1, 128) == .none)
    #expect(try setting(nil, 64) == ReductionSetting(poolFactor: 2, dimension: 64))
    for (pool, dimension) in [(0, nil), (nil, 129), (nil, 0)] as [(Int?, Int?)] {
      #expect(throws: QueryError.self) { try setting(pool, dimension) }
    }
    #expect("\(stored)" == "--pool 2 --dimension 96")
  }

  @Test func `settings, recalls and projections come back from their bytes`() throws {
    for setting in [ReductionSetting(poolFactor: 3), ReductionSetting(poolFactor: 1, dimension: 7)]
    {
      #expect(try TokenReduction.setting(Array(TokenReduction.text(setting).utf8)) == setting)
    }
    let recall = ReductionRecall(
      value: 0.1 + 0.2, lowerBound: 0.25, upperBound: 1 / 3, queryCount: 100, imageCount: 998)
    #expect(try TokenReduction.recall(Array(TokenReduction.text(recall).utf8)) == recall)
    let bytes = TokenReduction.bytes(projection())
    #expect(try TokenReduction.projection(bytes) == projection())
    // The fixture of version 1, but for the checksum.
    #expect(
      bytes.dropLast(16) == [
        1, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0xBF, 0, 0, 0, 0x40,
      ])
    #expect(bytes.count == 36 + 16)
  }

  @Test func `damaged notes are an error, never a trap`() {
    for text in ["", "pool", "pool 0", "pool x", "pool 2 dimension", "pool 2 size 3", "poll 2"] {
      #expect(throws: QueryError.self) { try TokenReduction.setting(Array(text.utf8)) }
    }
    for text in ["", "0.5 0.4 0.6 100", "0.5 0.4 0.6 100 0", "0.5 0.4 1.6 9 9", "0.5 x 0.6 9 9"] {
      #expect(throws: QueryError.self) { try TokenReduction.recall(Array(text.utf8)) }
    }
    let bytes = TokenReduction.bytes(projection())
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 0x41
      #expect(throws: QueryError.self) { try TokenReduction.projection(damaged) }
      #expect(throws: QueryError.self) { try TokenReduction.projection(Array(bytes[..<index])) }
    }
    #expect(throws: QueryError.self) { try TokenReduction.projection(bytes + [0, 0, 0, 0]) }
  }

  @Test func `images are merged and projected, queries only projected`() throws {
    var generator = SeededGenerator(seed: 1)
    let image = try TokenMatrix(
      normalizing: generator.floats(10 * 3), tokenCount: 10, dimension: 3)
    let setting = ReductionSetting(poolFactor: 2, dimension: 2)
    var reduction = TokenReduction(setting: setting)
    #expect(!reduction.isReady)
    #expect(reduction.project(query: image) == image, "nothing is learnt yet")
    reduction.learn(from: [image])
    let projection = try #require(reduction.projection)
    let reduced = reduction.reduce(image)
    let pooled = TokenPooling(factor: 2).pool(image)
    #expect(reduced.patchTokens == pooled.tokenOfPatch)
    #expect(reduced.tokens == projection.project(image: pooled.tokens))
    #expect(reduction.project(query: image) == projection.project(query: image))

    let onlyProjected = TokenReduction(
      setting: ReductionSetting(dimension: 2), projection: projection)
    #expect(onlyProjected.reduce(image).patchTokens == nil)
    #expect(TokenReduction.none.reduce(image) == ReducedTokens(tokens: image))
  }

  @Test func `what an image takes follows from its tokens`() {
    let base = ImageFootprint(patchCount: 196, dimension: 512)
    #expect(base.isWide && !ImageFootprint(patchCount: 64, dimension: 128).isWide)
    #expect(base.byteCount() == 196 * 1_024 + 1_024 + 512)
    // 98 tokens of 192 bytes, the pooled vector, 7 bits for each patch, the record.
    #expect(
      base.byteCount(under: ReductionSetting(poolFactor: 2, dimension: 96))
        == 98 * 192 + 1_024 + 196 * 7 / 8 + 512)
    let sizes = base.halves.map(\.byteCount)
    #expect(sizes[2] < sizes[0] && sizes[0] < base.byteCount() * 6 / 10)
  }
}
