import FilipLateInteraction
import TestSupport
import Testing

@Suite struct ReductionRecallTests {
  private func images(_ count: Int, seed: UInt64) throws -> [TokenMatrix] {
    var generator = SeededGenerator(seed: seed)
    return try (0..<count).map { index in
      try TokenMatrix(
        normalizing: generator.floats((8 + index % 3) * 16), tokenCount: 8 + index % 3,
        dimension: 16)
    }
  }

  @Test func `unchanged tokens are found again, other tokens only by chance`() throws {
    let full = try images(150, seed: 1)
    let same = try #require(ReductionRecall(full: full, reduced: full) { $0 })
    #expect(same.value == 1 && same.lowerBound == 1 && same.upperBound == 1)
    #expect(same.queryCount == 100 && same.imageCount == 150)
    let other = try #require(
      ReductionRecall(full: full, reduced: try images(150, seed: 2)) { $0 })
    #expect(abs(other.value - 10 / 150) < 0.05)
  }

  @Test func `half of the images lost is half of the recall, inside its interval`() throws {
    let full = try images(400, seed: 3)
    let nothing = try TokenMatrix(
      normalizing: [Float](repeating: 0, count: 16), tokenCount: 1, dimension: 16)
    let half = full.enumerated().map { $0.offset % 2 == 0 ? $0.element : nothing }
    let recall = try #require(ReductionRecall(full: full, reduced: half) { $0 })
    #expect(recall.lowerBound < recall.value && recall.value < recall.upperBound)
    #expect(abs(recall.value - 0.5) < 0.08)
    // The deviation of a mean of 100 shares of ten coins is 0.016.
    #expect((0.04...0.09).contains(recall.upperBound - recall.lowerBound))
    #expect(ReductionRecall(full: full, reduced: half) { $0 } == recall, "the same every time")
  }

  @Test func `few images are no measurement`() throws {
    let empty = try TokenMatrix(normalizing: [], tokenCount: 0, dimension: 16)
    let few = try images(99, seed: 4) + [empty]
    #expect(ReductionRecall(full: few, reduced: few) { $0 } == nil)
  }
}
