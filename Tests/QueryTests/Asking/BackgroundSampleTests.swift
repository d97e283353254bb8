import FilipLateInteraction
import FilipStore
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct BackgroundSampleTests {
  /// Strengths of red that rise from image to image, and a patch of ground.
  private func images(_ count: Int) -> [PlantedImage] {
    (0..<count).map { number in
      var image = PlantedImage(rowCount: 1, columnCount: 2)
      image.paint(.red, strength: Double(number) / Double(count), row: 0, column: 1)
      return image
    }
  }

  private func background(_ planted: PlantedStore) throws -> [Background?] {
    try planted.store.read { snapshot in
      try BackgroundSample.backgrounds(
        of: [PlantedImage.words([.red]), PlantedImage.words([.red, .blue])], snapshot,
        planted.store.layout)
    }
  }

  @Test(arguments: [
    (PlaneLayout(), 1_000), (PlaneLayout(bits: .four), 250),
    (PlaneLayout(bits: .four, originals: .none), 1_000), (PlaneLayout(originals: .none), 1_000),
  ])
  func `a sample is spread over the index and scores what each thing finds`(
    layout: PlaneLayout, count: Int
  ) throws {
    let planted = try PlantedStore(images(2_600).map(\.tokens), layout: layout)
    let found = try background(planted)
    let (red, both) = (try #require(found[0]), try #require(found[1]))
    #expect(red.imageCount == count && both.imageCount == count)
    // Strengths are even over 0…1; codes of four bits alone are bounds that lie above.
    let slack = layout.originals == .none && layout.bits == .four ? 0.15 : 0.02
    #expect(abs(red.mean - 0.5) < slack && abs(red.median - 0.5) < slack)
    #expect(abs(red.deviation - (1 / 12.0).squareRoot()) < slack)
    #expect(abs(red.spread - 1.4826 / 4) < slack)
    #expect(abs(both.mean - 0.25) < slack)
  }

  @Test func `removed images are not in it, and an empty index has none`() throws {
    let planted = try PlantedStore(images(100))
    try planted.store.write { writer in
      // Too few for the segment to be made anew: they stay in it as dead.
      for number in 80..<100 { try writer.remove(ItemID(rawValue: UInt64(number + 1))) }
    }
    let red = try #require(try background(planted)[0])
    #expect(red.imageCount == 80)
    #expect(abs(red.mean - 0.395) < 0.01)
    #expect(try background(PlantedStore([PlantedImage]())) == [nil, nil])
  }

  @Test func `mean, deviation, median and spread are what they are called`() throws {
    let background = try #require(Background([1, 2, 4, 9]))
    #expect(background.mean == 4 && background.median == 3)
    #expect(abs(background.deviation - 9.5.squareRoot()) < 1e-12)
    #expect(abs(background.spread - 1.4826 * 1.5) < 1e-12)
    #expect(abs(background.ceiling - (3 + 3 * 1.4826)) < 1e-12)
    #expect(background.evidence(of: 5) == nil, "four images say nothing")
    let many = try #require(Background((0..<20).map(Double.init)))
    #expect(many.median == 9.5 && many.evidence(of: 9.5) == 0)
    #expect(try #require(Background(Array(repeating: 2, count: 30))).evidence(of: 3) == nil)
    #expect(Background([]) == nil)
  }
}
