import FilipLateInteraction
import Testing

@Suite struct PatchBoxTests {
  @Test func `square grids have as many boxes as the rule gives by hand`() {
    // Sides 1, 2, 3, 4, 6, 8 …, three shapes, half overlap: counted by another program.
    for (side, count) in [(1, 1), (8, 347), (14, 1_243), (16, 1_663), (32, 7_190)] {
      #expect(PatchGrid(rowCount: side, columnCount: side).boxes.count == count)
    }
    #expect(PatchGrid(rowCount: 0, columnCount: 4).boxes.isEmpty)
  }

  @Test(arguments: [(1, 1), (1, 7), (5, 3), (8, 8), (9, 20)])
  func `boxes lie in the grid, are all different, and end with the whole`(rows: Int, columns: Int) {
    let grid = PatchGrid(rowCount: rows, columnCount: columns)
    let boxes = grid.boxes
    #expect(Set(boxes).count == boxes.count)
    for box in boxes {
      #expect(!box.rows.isEmpty && !box.columns.isEmpty)
      #expect((0..<rows).contains(box.rows) && (0..<columns).contains(box.columns))
    }
    #expect(boxes.last == PatchBox(rows: 0..<rows, columns: 0..<columns))
    #expect(boxes.map(\.patchCount) == boxes.map(\.patchCount).sorted())
  }

  @Test func `boxes of every size cover the whole grid, neighbours by half`() {
    let grid = PatchGrid(rowCount: 7, columnCount: 10)
    let sizes = Dictionary(grouping: grid.boxes) { [$0.rows.count, $0.columns.count] }
    #expect(sizes[[2, 4]] != nil && sizes[[4, 2]] != nil && sizes[[3, 3]] != nil)
    for (size, boxes) in sizes {
      let tops = Set(boxes.map(\.rows.lowerBound)).sorted()
      #expect(tops.first == 0 && tops.last == 7 - size[0], "\(size)")
      for (top, next) in zip(tops, tops.dropFirst()) {
        #expect(next - top <= max(1, size[0] / 2), "\(size)")
      }
      let lefts = Set(boxes.map(\.columns.lowerBound)).sorted()
      #expect(lefts.first == 0 && lefts.last == 10 - size[1], "\(size)")
    }
  }

  @Test func `a box covers the pixels of its patches`() {
    let tile = ImageTile(
      grid: PatchGrid(rowCount: 4, columnCount: 5),
      region: PixelRegion(x: 100, y: 20, width: 50, height: 80))
    let region = tile.region(of: PatchBox(rows: 1..<3, columns: 2..<5))
    #expect(region == PixelRegion(x: 120, y: 40, width: 30, height: 40))
  }
}
