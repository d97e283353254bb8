import FilipLateInteraction
import FilipStore
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct ExplanationTests {
  /// A picture of 3 × 4 patches, red at one place and fainter beside it, and blue elsewhere.
  private func picture() -> PlantedImage {
    var image = PlantedImage(rowCount: 3, columnCount: 4)
    image.paint(.red, strength: 0.9, row: 1, column: 2)
    image.paint(.red, strength: 0.6, row: 2, column: 3)
    image.paint(.red, strength: 0.4, row: 0, column: 1)
    image.paint(.red, strength: 0.7, row: 2, column: 0)
    image.paint(.blue, strength: 0.5, row: 0, column: 3)
    return image
  }

  /// An item that shows `image` in a picture of 200 × 100 pixels, of which the model sees `region`.
  private func item(
    _ image: PlantedImage,
    seeing region: PixelRegion = PixelRegion(x: 20, y: 5, width: 160, height: 90)
  ) -> ItemRecord {
    var item = ItemRecord(kind: .image, path: nil)
    (item.width, item.height) = (200, 100)
    item.tiles = [ImageTile(grid: image.grid, region: region)]
    item.tokenCount = image.grid.patchCount
    return item
  }

  private func explain(
    _ query: EncodedQuery, _ image: PlantedImage, _ item: ItemRecord
  ) -> Explanation {
    let rows = query.tokens.appending(query.exclusions.map(\.tokens))
    return Explanation(query, ExactSimilarities(text: rows, image: image.tokens), of: item)
  }

  @Test func `each word has the patch that it was planted in, and the region joined to it`() throws
  {
    let image = picture()
    let explanation = explain(EncodedQuery(.red, .blue), image, item(image))
    let (red, blue) = (explanation.parts[0], explanation.parts[1])
    #expect(red.match.patch == 6 && blue.match.patch == 3)
    #expect(abs(red.match.score - 0.9) < 1e-6 && abs(blue.match.score - 0.5) < 1e-6)
    // Half-way is 0.45: the patch below to the right belongs to it, 0.4 does not, and 0.7 is apart.
    #expect(red.region == PixelRegion(x: 100, y: 35, width: 80, height: 60))
    #expect(blue.region == PixelRegion(x: 140, y: 5, width: 40, height: 30))
    #expect(red.map.count == 12 && abs(red.map[8] - 0.7) < 1e-6 && abs(red.map[5]) < 1e-6)
    #expect(
      explanation.range.map { abs($0.upperBound - 0.9) < 1e-6 && abs($0.lowerBound) < 1e-6 } == true
    )
  }

  @Test func `a region ends where the picture does, though the model saw black beyond it`() {
    var image = PlantedImage(rowCount: 2, columnCount: 2)
    image.paint(.green, row: 0, column: 1)
    let seen = PixelRegion(x: 0, y: -50, width: 200, height: 200)
    let explanation = explain(EncodedQuery(.green), image, item(image, seeing: seen))
    #expect(
      explanation.parts[0].match.region == PixelRegion(x: 100, y: -50, width: 100, height: 100))
    #expect(explanation.parts[0].region == PixelRegion(x: 100, y: 0, width: 100, height: 50))
  }

  @Test func `tokens that stand for several patches respond where their best patch lies`() {
    var image = PlantedImage(rowCount: 1, columnCount: 2)
    image.paint(.red, strength: 0.8, row: 0, column: 1)
    var item = ItemRecord(kind: .image, path: nil)
    (item.width, item.height) = (60, 10)
    item.tiles = [
      ImageTile(
        grid: PatchGrid(rowCount: 1, columnCount: 6),
        region: PixelRegion(x: 0, y: 0, width: 60, height: 10))
    ]
    // The red token's patches: one by itself, and two together, which are where it lies.
    item.patchTokens = [1, 0, 0, 1, 1, 0]
    item.tokenCount = 2
    let explanation = explain(EncodedQuery(.red), image, item)
    #expect(explanation.parts[0].map.map { ($0 * 10).rounded() } == [8, 0, 0, 8, 8, 0])
    #expect(explanation.parts[0].region == PixelRegion(x: 30, y: 0, width: 20, height: 10))
    #expect(explanation.winners == [0, 0, 0, 0, 0, 0])
  }

  @Test func `what the parts add, and what belongs to none, makes the score`() {
    let image = picture()
    // Two rows of red count as one part; the row of green is shown as none.
    var query = EncodedQuery(
      tokens: PlantedImage.words([.red, .red, .blue, .green]), weights: [2, 2, 1, 1],
      parts: [
        EncodedQuery.Part(term: ScoredTerm(text: "red", weight: 2), rows: 0..<2),
        EncodedQuery.Part(term: ScoredTerm(text: "blue"), rows: 2..<3),
      ])
    let explanation = explain(query, image, item(image))
    let contributions = explanation.parts.map(\.contribution)
    #expect(abs(contributions[0] - 4 * 0.9 / 6) < 1e-6)
    #expect(abs(contributions[1] - 0.5 / 6) < 1e-6)
    #expect(explanation.restCount == 1 && abs(explanation.restContribution) < 1e-6)
    #expect(abs(explanation.score - (contributions[0] + contributions[1])) < 1e-6)
    let shares = contributions.compactMap(explanation.share)
    #expect(abs(shares.reduce(0, +) - 1) < 1e-6 && abs(shares[0] - 3.6 / 4.1) < 1e-6)

    // Patches of ground are as unlike all words: of equals the first; no patch is green's.
    #expect(explanation.winners == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    query.parts.removeFirst()
    #expect(explain(query, image, item(image)).winners[3] == 0)
    #expect(explain(query, image, item(image)).winners[6] == nil, "won by rows of no part")
  }

  @Test func `contributions add up to the score that a search gives, whatever is asked`()
    async throws
  {
    var generator = SeededGenerator(seed: 11)
    var images: [PlantedImage] = []
    for _ in 0..<40 {
      var image = PlantedImage(rowCount: 3, columnCount: 3)
      for patch in 0..<9 where Bool.random(using: &generator) {
        image.paint(
          .allCases.randomElement(using: &generator) ?? .red,
          strength: .random(in: 0...1, using: &generator), row: patch / 3, column: patch % 3)
      }
      images.append(image)
    }
    let planted = try PlantedStore(images)
    var withRest = EncodedQuery(.red, .blue, .green, weights: [1, 3, 0.5])
    withRest.parts.removeLast()
    let queries = [
      EncodedQuery(.red, .blue), withRest, EncodedQuery(.red, .green, combination: .all),
      EncodedQuery(.red, .green, combination: .any),
      EncodedQuery(.red, .blue, weights: [5, 1]).without(.violet, weight: 2).without(.yellow),
    ]
    var (restCount, exclusionCount) = (0, 0)
    for (number, query) in queries.enumerated() {
      let (_, results) = try await planted.search(query, count: 40) { $0.explains = true }
      #expect(results.hits.count == 40)
      for hit in results.hits {
        let explanation = try #require(hit.explanation)
        let parts = explanation.parts.map(\.contribution).reduce(0, +)
        let taken = explanation.exclusions.map(\.contribution).reduce(0, +)
        let sum = parts + explanation.restContribution + taken
        #expect(abs(sum - Double(hit.score)) < 1e-6, "query \(number)")
        #expect(abs(explanation.score - sum) < 1e-12)
        #expect(explanation.parts.map(\.match) == hit.matches)
        #expect(explanation.exclusions.map(\.match) == hit.exclusions)
        restCount += explanation.restContribution == 0 ? 0 : 1
        exclusionCount += taken < -0.01 ? 1 : 0
        // One part makes the score where not all do.
        if query.combination != .mean {
          #expect(explanation.parts.count { $0.contribution != 0 } <= 1)
        }
      }
    }
    #expect(restCount > 10 && exclusionCount > 3, "\(restCount), \(exclusionCount)")
  }
}
