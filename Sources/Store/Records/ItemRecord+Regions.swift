public import FilipLateInteraction

/// Where a token lies in its image.
///
/// Usually a token is a patch. Where tokens were merged, one stands for several patches, side by
/// side or apart. The single patches are not stored then, so the place of a token is the largest
/// connected piece of its patches: an area that is really there, unlike the box around all of them.
extension ItemRecord {
  /// Number of patches: one value each is what a heat map has.
  public var patchCount: Int { patchTokens?.count ?? tokenCount }

  /// The token that stands for a patch, counting patches tile after tile.
  /// - Precondition: `patch` is one of `patchCount`.
  public func token(ofPatch patch: Int) -> Int { patchTokens.map { Int($0[patch]) } ?? patch }

  /// The part of the upright original that a patch covers, counting patches tile after tile.
  public func region(ofPatch patch: Int) -> PixelRegion {
    guard let (tile, place) = tile(ofPatch: patch) else { return wholeRegion }
    return tiles[tile].region(ofPatch: place)
  }

  /// The patch that shows best where a token lies: of the largest connected piece of its patches,
  /// the one nearest to the middle.
  ///
  /// Of pieces of the same size the first counts, and of patches as near the first. A token that
  /// lies nowhere, such as one of the text around a page's picture, has the number after the last
  /// patch.
  public func patch(ofToken token: Int) -> Int {
    guard let patchTokens else { return token }
    guard let piece = largestPiece(ofToken: token) else {
      return patchTokens.firstIndex { $0 == token } ?? patchTokens.count
    }
    func middle(_ coordinate: (Piece.Cell) -> Int) -> Double {
      Double(piece.cells.reduce(0) { $0 + coordinate($1) }) / Double(piece.cells.count)
    }
    let (row, column) = (middle(\.row), middle(\.column))
    func distance(_ cell: Piece.Cell) -> Double {
      let (down, right) = (Double(cell.row) - row, Double(cell.column) - column)
      return down * down + right * right
    }
    let nearest = piece.cells.min { distance($0) < distance($1) }
    return nearest.map(\.patch) ?? patchTokens.count
  }

  /// The part of the upright original where a token lies: its patch, or the box around the largest
  /// connected piece of its patches.
  public func region(ofToken token: Int) -> PixelRegion {
    guard patchTokens != nil else { return region(ofPatch: token) }
    guard let piece = largestPiece(ofToken: token) else { return wholeRegion }
    let regions = piece.cells.map { tiles[piece.tile].region(ofPatch: $0.place) }
    let left = regions.map(\.x).min() ?? 0
    let top = regions.map(\.y).min() ?? 0
    return PixelRegion(
      x: left, y: top, width: (regions.map { $0.x + $0.width }.max() ?? 0) - left,
      height: (regions.map { $0.y + $0.height }.max() ?? 0) - top)
  }

  /// A value for every token, as a value for every patch.
  /// - Precondition: one value per token.
  public func expandedToPatches(_ values: [Float]) -> [Float] {
    precondition(values.count == tokenCount, "one value per token")
    guard let patchTokens else { return values }
    return patchTokens.map { values[Int($0)] }
  }

  /// The bytes of a text that a token stands for, the first piece of them where tokens were merged;
  /// `nil` when that is not known.
  public func span(ofToken token: Int) -> Range<Int>? {
    let place = patch(ofToken: token)
    return tokenSpans.indices.contains(place) ? tokenSpans[place] : nil
  }

  // MARK: - Pieces

  /// Patches of one tile that touch, corners included.
  private struct Piece {
    struct Cell {
      /// Counted over all tiles.
      var patch: Int
      /// Counted within the tile.
      var place: Int
      var row: Int
      var column: Int
    }

    var tile: Int
    /// In rising order.
    var cells: [Cell]
  }

  private func largestPiece(ofToken token: Int) -> Piece? {
    var rest: [Int: [Piece.Cell]] = [:]
    for (patch, other) in (patchTokens ?? []).enumerated() where other == token {
      guard let (tile, place) = tile(ofPatch: patch) else { continue }
      let (row, column) = place.quotientAndRemainder(dividingBy: tiles[tile].grid.columnCount)
      rest[tile, default: []].append(
        Piece.Cell(patch: patch, place: place, row: row, column: column))
    }
    var largest: Piece?
    for tile in rest.keys.sorted() {
      var cells = rest[tile] ?? []
      while let first = cells.first {
        var (piece, added) = ([Piece.Cell](), [first])
        cells.removeFirst()
        while let cell = added.popLast() {
          piece.append(cell)
          func touches(_ other: Piece.Cell) -> Bool {
            abs(other.row - cell.row) <= 1 && abs(other.column - cell.column) <= 1
          }
          added += cells.filter(touches)
          cells.removeAll(where: touches)
        }
        guard piece.count > largest?.cells.count ?? 0 else { continue }
        largest = Piece(tile: tile, cells: piece.sorted { $0.patch < $1.patch })
      }
    }
    return largest
  }

  /// The tile that a patch belongs to, and which of the tile's patches it is.
  private func tile(ofPatch patch: Int) -> (tile: Int, place: Int)? {
    var first = 0
    for (index, tile) in tiles.enumerated() {
      if patch < first + tile.grid.patchCount { return (index, patch - first) }
      first += tile.grid.patchCount
    }
    return nil
  }

  private var wholeRegion: PixelRegion {
    PixelRegion(x: 0, y: 0, width: Double(width), height: Double(height))
  }
}
