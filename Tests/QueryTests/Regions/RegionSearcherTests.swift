import FilipLateInteraction
import FilipStore
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct RegionSearcherTests {
  /// An index of planted images whose patches are 10 pixels wide and 20 high.
  private func store(_ images: [PlantedImage]) throws -> PlantedStore {
    try PlantedStore(images.map(\.tokens)) { number, record in
      record.place(images[number].grid)
    }
  }

  private func search(
    _ planted: PlantedStore, _ query: EncodedQuery, count: Int = 10, candidates: Int = 1_000,
    _ change: (inout SearchParameters) -> Void = { _ in }
  ) async throws -> SearchResults {
    var searcher = RegionSearcher(store: planted.store, encoder: nil)
    searcher.candidateCount = candidates
    var parameters = SearchParameters()
    parameters.count = count
    parameters.threadCount = 2
    change(&parameters)
    return try await searcher.search(query, parameters: parameters)
  }

  private func number(_ hit: SearchHit) -> Int {
    Int(String(decoding: hit.item.path ?? [], as: UTF8.self)) ?? -1
  }

  @Test func `the box around what is asked for is found, in pixels, and the image that shows it`()
    async throws
  {
    // Both images have the best patches for both words; in one they are neighbours.
    var apart = PlantedImage(rowCount: 5, columnCount: 6)
    apart.paint(.red, strength: 0.9, row: 0, column: 0)
    apart.paint(.blue, strength: 0.9, row: 4, column: 5)
    var together = PlantedImage(rowCount: 5, columnCount: 6)
    together.paint(.red, strength: 0.9, row: 3, column: 2)
    together.paint(.blue, strength: 0.9, row: 3, column: 3)
    let planted = try store([PlantedImage(rowCount: 5, columnCount: 6), apart, together])
    let results = try await search(planted, EncodedQuery(.red, .blue), count: 3)
    let best = results.hits[0]
    #expect(number(best) == 2 && best.rank == 1)
    #expect(best.box == PixelRegion(x: 20, y: 60, width: 20, height: 20))
    // The mean of both patches: 0.9 (red + blue) and twice 0.436 of the ground.
    let length = (2 * 0.81 + 4 * 0.19).squareRoot()
    #expect(abs(Double(best.score) - (0.9 + 0.9 / length) / 2) < 1e-3)
    #expect(best.matches.map(\.patch) == [20, 21])
    #expect(best.matches.map(\.region.x) == [20, 30])
    let scores = best.matches.map(\.score)
    #expect(abs((scores[0] + scores[1]) / 2 - best.score) < 1e-6)
    #expect(results.proof.isExact)
  }

  @Test func `a picture with two of a thing has two hits, and a box is not found twice`()
    async throws
  {
    var image = PlantedImage(rowCount: 4, columnCount: 4)
    image.paint(.red, strength: 0.9, row: 0, column: 0)
    image.paint(.red, strength: 0.8, row: 3, column: 3)
    let results = try await search(try store([image]), EncodedQuery(.red), count: 2)
    #expect(
      results.hits.compactMap(\.box) == [
        PixelRegion(x: 0, y: 0, width: 10, height: 20),
        PixelRegion(x: 30, y: 60, width: 10, height: 20),
      ])
    let all = try await search(try store([image]), EncodedQuery(.red), count: 100)
    let boxes = all.hits.compactMap(\.box)
    #expect(boxes.count > 2 && boxes.count == all.hits.count)
    for (index, box) in boxes.enumerated() {
      #expect(boxes[..<index].allSatisfy { $0.shareOfSmaller(box) < 0.5 })
    }
  }

  @Test func `the hits are those of scoring every box of every image, and exact`() async throws {
    var generator = SeededGenerator(seed: 8)
    let grids = (0..<40).map { _ in
      PatchGrid(
        rowCount: Int.random(in: 1...5, using: &generator),
        columnCount: Int.random(in: 1...5, using: &generator))
    }
    func tokens(_ count: Int) throws -> TokenMatrix {
      try TokenMatrix(normalizing: generator.floats(count * 6), tokenCount: count, dimension: 6)
    }
    let images = try grids.map { try tokens($0.patchCount) }
    let planted = try PlantedStore(images) { number, record in record.place(grids[number]) }
    var query = EncodedQuery(tokens: try tokens(2))
    query.weights = [1, 3]
    let found = try await search(planted, query, count: 8)

    // Every image's best box, by the rule, from what is stored.
    let stored = try planted.store.read { snapshot in
      try (1...40).map { try #require(try snapshot.tokens(of: ItemID(rawValue: $0))) }
    }
    let words = rows(query.tokens)
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    var best: [Int: Double] = [:]
    for (number, grid) in grids.enumerated() {
      let all = rows(stored[number])
      best[number] = grid.boxes.map { box in
        let patches = box.rows.flatMap { row in
          box.columns.map { all[row * grid.columnCount + $0] }
        }
        let sum = all[0].indices.map { column in patches.reduce(0) { $0 + $1[column] } }
        let length = dot(sum, sum).squareRoot()
        let scores = words.map { word in
          (patches.map { dot(word, $0) }.max()! + dot(word, sum) / length) / 2
        }
        return (scores[0] + 3 * scores[1]) / 4
      }.max()
    }
    let firsts = found.hits.map { ($0, number($0)) }
    var seen: [Int] = []
    for (hit, number) in firsts where !seen.contains(number) {
      seen.append(number)
      #expect(abs(Double(hit.score) - best[number]!) < 1e-6)
    }
    let order = best.sorted { $0.value > $1.value }.map(\.key)
    #expect(seen == Array(order.prefix(seen.count)) && seen.count >= 2)
    #expect(found.hits.map(\.score) == found.hits.map(\.score).sorted(by: >))
    #expect(found.proof.isExact && found.hits.map(\.rank) == Array(1...8))
    // The weighted mean of the words is the hit's score.
    for hit in found.hits {
      #expect(abs((hit.matches[0].score + 3 * hit.matches[1].score) / 4 - hit.score) < 1e-6)
    }
  }

  @Test func `a box can be better than its image, so candidates alone prove nothing`() async throws
  {
    // Of the first image each patch shows 0.6 of the word and the mean is the word itself.
    let images = try [[0.6, 0.8, 0.6, -0.8], [0.7, 0.714, 0, 1], [0.1, 1, 0.1, 1]].map {
      try TokenMatrix(normalizing: $0.map { Float($0) }, tokenCount: 2, dimension: 2)
    }
    let planted = try PlantedStore(images) { _, record in
      record.place(PatchGrid(rowCount: 1, columnCount: 2))
    }
    let word = EncodedQuery(
      tokens: try TokenMatrix(normalizing: [1, 0], tokenCount: 1, dimension: 2))
    let all = try await search(planted, word, count: 1)
    #expect(number(all.hits[0]) == 0 && abs(all.hits[0].score - 0.8) < 1e-3)
    #expect(all.proof.isExact)
    let one = try await search(planted, word, count: 1, candidates: 1)
    #expect(number(one.hits[0]) == 1 && one.proof.candidateCount == 1)
    #expect(!one.proof.isExact)
  }

  @Test func `few candidates are proven where no other image can have a better box`() async throws {
    let images = [1.0, 0.3, 0.2, 0.1].map { strength in
      var image = PlantedImage(rowCount: 2, columnCount: 2)
      image.paint(.red, strength: strength, row: 1, column: 1)
      return image
    }
    // A box of the second scores at most (0.3 + 1) / 2.
    let results = try await search(try store(images), EncodedQuery(.red), count: 1, candidates: 2)
    #expect(number(results.hits[0]) == 0 && results.proof.isExact)
    let two = try await search(try store(images), EncodedQuery(.red), count: 2, candidates: 2)
    #expect(two.proof.candidateCount == 2)
  }

  @Test func `merged tokens count as often as they have patches, and tiles have their own boxes`()
    async throws
  {
    // Red, ground; the tokens of two tiles of 1 × 2 patches, the first red twice.
    let planted = try PlantedStore([PlantedImage(.red, nil, .blue).tokens]) { _, record in
      (record.width, record.height) = (100, 40)
      record.tiles = [0, 50].map { left in
        ImageTile(
          grid: PatchGrid(rowCount: 1, columnCount: 2),
          region: PixelRegion(x: left, y: 0, width: 50, height: 40))
      }
      record.patchTokens = [0, 0, 1, 2]
    }
    let red = try await search(planted, EncodedQuery(.red), count: 1)
    #expect(red.hits[0].box == PixelRegion(x: 0, y: 0, width: 25, height: 40))
    let blue = try await search(planted, EncodedQuery(.blue), count: 1)
    #expect(blue.hits[0].box == PixelRegion(x: 75, y: 0, width: 25, height: 40))
    #expect(blue.hits[0].matches[0].patch == 3)
    #expect(abs(blue.hits[0].score - 1) < 1e-3)
  }

  @Test func `what has no boxes is refused by name, or left out and counted`() async throws {
    let image = PlantedImage(.red, .blue)
    let without = try PlantedStore([image])
    await #expect { try await search(without, EncodedQuery(.red)) } throws: {
      ($0 as? QueryError)?.code == .contradictoryQuery
        && "\($0)".contains("imported without a grid")
    }
    let some = try PlantedStore([image.tokens, image.tokens]) { number, record in
      if number == 1 { record.place(image.grid) }
    }
    let results = try await search(some, EncodedQuery(.red), count: 5)
    #expect(results.unplacedCount == 1)
    #expect(!results.hits.isEmpty && results.hits.allSatisfy { number($0) == 1 })
    for query in [EncodedQuery(.red, combination: .all), EncodedQuery(.red).without(.blue)] {
      await #expect { try await search(some, query) } throws: { "\($0)".contains("--regions") }
    }
    let limited = try await search(some, EncodedQuery(.red), count: 5) { $0.minimumScore = 0.99 }
    #expect(limited.hits.count == 1 && limited.omittedCount == results.hits.count - 1)
  }
}

extension ItemRecord {
  /// One tile of patches that are 10 pixels wide and 20 high.
  fileprivate mutating func place(_ grid: PatchGrid) {
    width = UInt32(grid.columnCount * 10)
    height = UInt32(grid.rowCount * 20)
    tiles = [
      ImageTile(
        grid: grid,
        region: PixelRegion(x: 0, y: 0, width: Double(width), height: Double(height)))
    ]
  }
}
