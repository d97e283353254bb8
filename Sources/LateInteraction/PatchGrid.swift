/// How an image's patches are laid out: `rowCount` × `columnCount`, row by row from the top left.
public struct PatchGrid: Sendable, Hashable {
  /// Patches from top to bottom.
  public var rowCount: Int
  /// Patches from left to right.
  public var columnCount: Int

  /// A grid of the given size.
  public init(rowCount: Int, columnCount: Int) {
    self.rowCount = rowCount
    self.columnCount = columnCount
  }

  /// Number of patches.
  public var patchCount: Int { rowCount * columnCount }
}

/// A rectangle in pixels of the upright original image; fractions of a pixel are allowed.
public struct PixelRegion: Sendable, Hashable {
  /// Left edge.
  public var x: Double
  /// Top edge.
  public var y: Double
  /// Extent to the right.
  public var width: Double
  /// Extent downwards.
  public var height: Double

  /// A rectangle from its top left corner.
  public init(x: Double, y: Double, width: Double, height: Double) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }
}

/// One pass of the image encoder: which part of the original it saw, and in which grid its
/// patches lie.
///
/// Most models see an image as one tile. The tokens of an image are its tiles' patches, tile after
/// tile.
public struct ImageTile: Sendable, Hashable {
  /// Layout of the tile's patches.
  public var grid: PatchGrid
  /// The part of the upright original that the grid covers.
  public var region: PixelRegion

  /// A tile that covers `region` with `grid`.
  public init(grid: PatchGrid, region: PixelRegion) {
    self.grid = grid
    self.region = region
  }

  /// The part of the original that one patch covers.
  public func region(ofPatch patch: Int) -> PixelRegion {
    precondition(patch >= 0 && patch < grid.patchCount, "patch index")
    let width = region.width / Double(grid.columnCount)
    let height = region.height / Double(grid.rowCount)
    let (row, column) = patch.quotientAndRemainder(dividingBy: grid.columnCount)
    return PixelRegion(
      x: region.x + Double(column) * width, y: region.y + Double(row) * height, width: width,
      height: height)
  }
}
