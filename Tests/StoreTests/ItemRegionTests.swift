import FilipLateInteraction
import TestSupport
import Testing

@testable import FilipStore

@Suite struct ItemRegionTests {
  /// A picture of 400 × 300 pixels in patches of 100 × 100, whose tokens are drawn as letters.
  private func item(_ drawing: String, tileCount: Int = 1) -> ItemRecord {
    var item = image("/a")
    (item.width, item.height) = (400, 300)
    item.tiles = (0..<tileCount).map { tile in
      ImageTile(
        grid: PatchGrid(rowCount: 3, columnCount: 4),
        region: PixelRegion(x: 0, y: Double(tile) * 1_000, width: 400, height: 300))
    }
    let letters = drawing.unicodeScalars.filter { $0 != " " && $0 != "\n" }
    item.patchTokens = letters.map { $0.value - ("a" as Unicode.Scalar).value }
    item.tokenCount = Int(item.patchTokens?.max() ?? 0) + 1
    return item
  }

  @Test func `a token lies where the largest piece of its patches lies`() {
    let item = item(
      """
      a b b a
      c b c a
      c c c a
      """)
    // a: one patch at the left, three in a column at the right.
    #expect(item.region(ofToken: 0) == PixelRegion(x: 300, y: 0, width: 100, height: 300))
    #expect(item.patch(ofToken: 0) == 7)
    #expect(item.region(ofToken: 1) == PixelRegion(x: 100, y: 0, width: 200, height: 200))
    // c: a horseshoe; the patch nearest to its middle, (1.6, 1), is the one below.
    #expect(item.region(ofToken: 2) == PixelRegion(x: 0, y: 100, width: 300, height: 200))
    #expect(item.patch(ofToken: 2) == 9)
    #expect(item.patchCount == 12 && item.token(ofPatch: 11) == 0)
    #expect(
      item.expandedToPatches([0.5, 0.25, 1])
        == [0.5, 0.25, 0.25, 0.5, 1, 0.25, 1, 0.5, 1, 1, 1, 0.5])
  }

  @Test func `corners connect, tiles do not, and the first of equal pieces wins`() {
    let item = item(
      """
      a b c c
      b a c a
      c c a c
      b c c c
      c c c c
      c c c a
      """, tileCount: 2)
    // a: four patches on a diagonal path in the first tile, one in the second.
    #expect(item.region(ofToken: 0) == PixelRegion(x: 0, y: 0, width: 400, height: 300))
    #expect(item.region(ofToken: 1) == PixelRegion(x: 0, y: 0, width: 200, height: 200))
    #expect(item.patch(ofToken: 1) == 1)
    // c: eleven patches in the second tile.
    #expect(item.region(ofToken: 2).y == 1_000)
  }

  @Test func `without merging a token is its patch`() {
    var item = item("a b c d e f g h i j k l")
    item.patchTokens = nil
    for patch in 0..<12 {
      #expect(item.patch(ofToken: patch) == patch && item.token(ofPatch: patch) == patch)
      let region = PixelRegion(
        x: Double(patch % 4) * 100, y: Double(patch / 4) * 100, width: 100, height: 100)
      #expect(item.region(ofToken: patch) == region && item.region(ofPatch: patch) == region)
    }
    let whole = PixelRegion(x: 0, y: 0, width: 400, height: 300)
    #expect(item.region(ofPatch: 12) == whole, "a patch outside of all tiles")
    item.patchTokens = [0, 1]
    item.tiles = []
    #expect(item.region(ofToken: 1) == whole && item.patch(ofToken: 1) == 1)
  }

  @Test func `a token that no patch belongs to lies nowhere, and is shown as all of the image`() {
    // As the text around the picture of a page has: tokens 0 and 13.
    var item = item("a b c d e f g h i j k l")
    item.patchTokens = (1...12).map { UInt32($0) }
    item.tokenCount = 14
    let whole = PixelRegion(x: 0, y: 0, width: 400, height: 300)
    for token in [0, 13] {
      #expect(item.region(ofToken: token) == whole)
      #expect(item.patch(ofToken: token) == item.patchCount)
    }
    #expect(item.patch(ofToken: 1) == 0 && item.patch(ofToken: 12) == 11)
    let values = (0..<14).map(Float.init)
    #expect(item.expandedToPatches(values) == Array(values[1...12]))
  }

  @Test func `whatever the map, a token's patch is one of its own and lies in its region`() {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<200 {
      var item = item("", tileCount: 2)
      let count = Int.random(in: 1...9, using: &generator)
      item.patchTokens = (0..<24).map { _ in UInt32.random(in: 0..<UInt32(count), using: &generator)
      }
      for token in Set(item.patchTokens ?? []) {
        let patch = item.patch(ofToken: Int(token))
        #expect(item.token(ofPatch: patch) == Int(token))
        let (inner, outer) = (item.region(ofPatch: patch), item.region(ofToken: Int(token)))
        #expect(inner.x >= outer.x && inner.x + inner.width <= outer.x + outer.width)
        #expect(inner.y >= outer.y && inner.y + inner.height <= outer.y + outer.height)
      }
    }
  }
}
