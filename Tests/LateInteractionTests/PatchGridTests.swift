import FilipLateInteraction
import Testing

@Suite struct PatchGridTests {
  @Test func `a patch of a cropped tile maps back to original pixels`() {
    // A 400 × 200 photo, of which the model saw the middle square in a 4 × 4 grid.
    let tile = ImageTile(
      grid: PatchGrid(rowCount: 4, columnCount: 4),
      region: PixelRegion(x: 100, y: 0, width: 200, height: 200))
    #expect(tile.region(ofPatch: 0) == PixelRegion(x: 100, y: 0, width: 50, height: 50))
    #expect(tile.region(ofPatch: 6) == PixelRegion(x: 200, y: 50, width: 50, height: 50))
    #expect(tile.region(ofPatch: 15) == PixelRegion(x: 250, y: 150, width: 50, height: 50))
  }
}
