import FilipLateInteraction
import TestSupport
import Testing

/// Sums and scores of boxes against the same in plain loops, on random grids.
@Suite struct BoxScorerTests {
  struct Case {
    var query: TokenMatrix
    var tile: TileTokens
    var similarities: ExactSimilarities { ExactSimilarities(text: query, image: tile.tokens) }
  }

  /// A tile of random tokens; with `merged`, fewer than patches, at random.
  private func example(_ rows: Int, _ columns: Int, merged: Bool, seed: UInt64) throws -> Case {
    var generator = SeededGenerator(seed: seed)
    func tokens(_ count: Int) throws -> TokenMatrix {
      try TokenMatrix(normalizing: generator.floats(count * 9), tokenCount: count, dimension: 9)
    }
    let grid = PatchGrid(rowCount: rows, columnCount: columns)
    let query = try tokens(3)
    guard merged else {
      return Case(query: query, tile: TileTokens(grid: grid, tokens: try tokens(grid.patchCount)))
    }
    let few = try tokens(5)
    let places = (0..<grid.patchCount).map { _ in Int.random(in: 0..<5, using: &generator) }
    return Case(
      query: query, tile: TileTokens(grid: grid, tokens: few, tokenOfPatch: places))
  }

  /// The rows of the patches of a box.
  private func patches(of box: PatchBox, _ tile: TileTokens) -> [[Double]] {
    let all = rows(tile.tokens)
    return box.rows.flatMap { row in
      box.columns.map { all[tile.tokenOfPatch[row * tile.grid.columnCount + $0]] }
    }
  }

  /// The rule as its documentation says it.
  private func score(_ words: [[Double]], _ patches: [[Double]]) -> Double {
    let center = normalized(sum(patches))
    let halves = words.map { word in
      (patches.map { dot(word, $0) }.max()! + dot(word, center)) / 2
    }
    return halves.reduce(0, +) / Double(words.count)
  }

  static let shapes: [(Int, Int, Bool)] = [
    (1, 1, false), (4, 7, false), (8, 8, false), (6, 5, true),
  ]

  @Test(arguments: shapes)
  func `the table's sums are those of the patches`(rows: Int, columns: Int, merged: Bool) throws {
    let tile = try example(rows, columns, merged: merged, seed: 11).tile
    let table = SummedAreaTable(tile)
    var found: [Double] = []
    for top in 0..<rows {
      for bottom in top + 1...rows {
        for left in 0..<columns {
          for right in left + 1...columns {
            let box = PatchBox(rows: top..<bottom, columns: left..<right)
            table.writeSum(of: box, into: &found)
            let naive = sum(patches(of: box, tile))
            #expect(zip(found, naive).allSatisfy { abs($0 - $1) < 1e-12 }, "\(box)")
          }
        }
      }
    }
  }

  @Test(arguments: shapes)
  func `scores are those of the rule, word by word too`(
    rows rowCount: Int, columns: Int, merged: Bool
  ) throws {
    let example = try example(rowCount, columns, merged: merged, seed: 12)
    let scorer = BoxScorer(query: example.query)
    let boxes = example.tile.grid.boxes
    let scores = scorer.scores(of: boxes, in: example.tile, example.similarities)
    let words = rows(example.query)
    let limit = scorer.upperBound(imageScore: example.similarities.score(.textToImage))
    for (box, found) in zip(boxes, scores) {
      #expect(abs(found - score(words, patches(of: box, example.tile))) < 1e-12, "\(box)")
      #expect(found <= limit + 1e-12)
      let matches = scorer.matches(in: box, of: example.tile, example.similarities)
      #expect(abs(matches.map(\.score).reduce(0, +) / 3 - found) < 1e-12)
      for (word, match) in zip(words, matches) {
        let (row, column) = match.patch.quotientAndRemainder(dividingBy: columns)
        #expect(box.rows.contains(row) && box.columns.contains(column))
        let alone = PatchBox(rows: row..<row + 1, columns: column..<column + 1)
        let best = patches(of: box, example.tile).map { dot(word, $0) }.max()!
        #expect(abs(dot(word, patches(of: alone, example.tile)[0]) - best) < 1e-12)
      }
    }
  }

  @Test func `a box of one patch scores as its patch, and the bound is reached`() throws {
    let patch = try TokenMatrix(normalizing: [0.6, 0.8], tokenCount: 1, dimension: 2)
    let tile = TileTokens(grid: PatchGrid(rowCount: 1, columnCount: 1), tokens: patch)
    let scorer = BoxScorer(query: patch)
    let scores = scorer.scores(
      of: tile.grid.boxes, in: tile, ExactSimilarities(text: patch, image: patch))
    #expect(scores.count == 1 && abs(scores[0] - 1) < 1e-6)
    #expect(abs(scorer.upperBound(imageScore: 1) - 1) < 1e-6)
  }

  @Test func `the mean of patches may be nearer to a word than each of them`() throws {
    // 0.6 each, with what else they show pointing apart: the mean is the word itself.
    let image = try TokenMatrix(
      normalizing: [0.6, 0.8, 0.6, -0.8], tokenCount: 2, dimension: 2)
    let word = try TokenMatrix(normalizing: [1, 0], tokenCount: 1, dimension: 2)
    let tile = TileTokens(grid: PatchGrid(rowCount: 1, columnCount: 2), tokens: image)
    let scores = BoxScorer(query: word).scores(
      of: [PatchBox(rows: 0..<1, columns: 0..<2)], in: tile,
      ExactSimilarities(text: word, image: image))
    #expect(abs(scores[0] - 0.8) < 1e-6)
  }

  @Test func `patches that cancel each other have no mean`() throws {
    let image = try TokenMatrix(normalizing: [1, 0, -1, 0], tokenCount: 2, dimension: 2)
    let word = try TokenMatrix(normalizing: [1, 0], tokenCount: 1, dimension: 2)
    let tile = TileTokens(grid: PatchGrid(rowCount: 1, columnCount: 2), tokens: image)
    let scores = BoxScorer(query: word).scores(
      of: [PatchBox(rows: 0..<1, columns: 0..<2)], in: tile,
      ExactSimilarities(text: word, image: image))
    #expect(scores == [0.5])
  }
}
