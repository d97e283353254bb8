import FilipLateInteraction
import FilipStore
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct PlantedSearchTests {
  /// An image of one row of these colours at these strengths.
  private func image(_ paints: (PlantedImage.Colour, Double)...) -> PlantedImage {
    var image = PlantedImage(rowCount: 1, columnCount: paints.count + 1)
    for (column, paint) in paints.enumerated() {
      image.paint(paint.0, strength: paint.1, row: 0, column: column)
    }
    return image
  }

  @Test func `a word counts as much as its weight says`() async throws {
    let planted = try PlantedStore([
      image((.red, 0.9), (.blue, 0.3)), image((.red, 0.4), (.blue, 0.7)), image((.green, 1)),
    ])
    for (weights, best, score) in [
      ([1.0, 1], 0, 0.6), ([1, 3], 1, (0.4 + 3 * 0.7) / 4), ([0.5, 0.25], 0, (0.9 + 0.15) / 1.5),
      ([20, 20], 0, 0.6),
    ] {
      let (numbers, results) = try await planted.search(
        EncodedQuery(.red, .blue, weights: weights))
      #expect(numbers[0] == best && numbers[2] == 2, "\(weights)")
      #expect(abs(Double(results.hits[0].score) - score) < 1e-3, "\(weights)")
      // A word's own score, and its patch, do not depend on its weight.
      let scores = results.hits[0].matches.map(\.score)
      for (a, b) in zip(scores, best == 0 ? [0.9, 0.3] : [0.4, 0.7]) {
        #expect(abs(Double(a) - b) < 1e-3, "\(weights)")
      }
      #expect(results.hits[0].matches.map(\.patch) == [0, 1])
      #expect(results.proof.isExact)
    }
  }

  @Test func `all takes the weakest word and any the strongest`() async throws {
    let planted = try PlantedStore([
      image((.red, 1), (.blue, 0.1)), image((.red, 0.4), (.blue, 0.5)), image((.blue, 0.8)),
    ])
    let mean = try await planted.search(EncodedQuery(.red, .blue))
    #expect(mean.numbers == [0, 1, 2])
    let all = try await planted.search(EncodedQuery(.red, .blue, combination: .all))
    #expect(all.numbers == [1, 0, 2])
    #expect(abs(all.results.hits[0].score - 0.4) < 1e-3)
    let any = try await planted.search(EncodedQuery(.red, .blue, combination: .any))
    #expect(any.numbers == [0, 2, 1])
    #expect(abs(any.results.hits[1].score - 0.8) < 1e-3)
    // What each word found is shown, whatever made the score.
    #expect(any.results.hits.allSatisfy { $0.matches.count == 2 })
    #expect(any.results.hits[1].matches[1].patch == 0)
  }

  @Test func `an excluded word pushes down the images that show it, by as much as they do`()
    async throws
  {
    // Forty images of grounds; three show red, two of them blue besides, to a different degree.
    var images = (0..<40).map { _ in image() }
    images[3] = image((.red, 0.9), (.blue, 0.8))
    images[17] = image((.red, 0.7))
    images[30] = image((.red, 0.8), (.blue, 0.2))
    let planted = try PlantedStore(images)
    let query = EncodedQuery(.red)
    #expect(try await planted.search(query, count: 3).numbers == [3, 30, 17])
    let (numbers, results) = try await planted.search(query.without(.blue), count: 3)
    #expect(numbers == [17, 30, 3])
    // No other image shows any blue, so nothing is forgiven.
    for (hit, score) in zip(results.hits, [0.7, 0.6, 0.1]) {
      #expect(abs(Double(hit.score) - score) < 0.01)
    }
    #expect(abs(results.hits[1].exclusions[0].score - 0.2) < 1e-3)
    #expect(results.hits[1].exclusions[0].patch == 1)
    #expect(results.exclusions[0].background?.imageCount == 40)
    let twice = try await planted.search(query.without(.blue, weight: 2), count: 2)
    #expect(abs(twice.results.hits[1].score - 0.4) < 0.01)
    let both = try await planted.search(query.without(.blue).without(.green), count: 3)
    #expect(both.numbers == numbers)
  }

  @Test func `an excluded word that all images show does nothing`() async throws {
    let strengths = (0..<50).map { 0.3 + 0.01 * Double($0 % 30) }
    let planted = try PlantedStore(strengths.map { image((.red, $0), (.blue, 0.9)) })
    let plain = try await planted.search(EncodedQuery(.red), count: 50)
    let excluding = try await planted.search(EncodedQuery(.red).without(.blue), count: 50)
    #expect(plain.numbers == excluding.numbers)
    #expect(plain.results.hits.map(\.score) == excluding.results.hits.map(\.score))
    // Also where they show it to different degrees, as long as none stands out.
    let varied = try PlantedStore(
      strengths.enumerated().map { image((.red, $1), (.blue, 0.5 + 0.004 * Double($0))) })
    let same = try await varied.search(EncodedQuery(.red).without(.blue), count: 50)
    #expect(same.results.hits.map(\.score) == plain.results.hits.map(\.score))
  }

  @Test func `an excluded word works although a third of the images show it`() async throws {
    let planted = try PlantedStore(
      (0..<60).map { $0 % 3 == 0 ? image((.red, 0.9), (.blue, 0.8)) : image((.red, 0.6)) })
    let (numbers, _) = try await planted.search(EncodedQuery(.red).without(.blue), count: 40)
    #expect(numbers.allSatisfy { $0 % 3 != 0 })
  }

  @Test func `evidence counts deviations above the mean, and what none shows is not found`()
    async throws
  {
    // Strengths of red: 0.2 and 0.4 in turn, one image of 0.9; of green: 0.2 and 0.4 only.
    var images = (0..<40).map {
      image((.red, $0 % 2 == 0 ? 0.2 : 0.4), (.green, $0 % 2 == 0 ? 0.4 : 0.2))
    }
    images[11] = image((.red, 0.9), (.green, 0.2))
    let planted = try PlantedStore(images)
    let query = EncodedQuery(.red, .green)
    let (numbers, results) = try await planted.search(query) { $0.measuresEvidence = true }
    #expect(numbers[0] == 11)
    let scores = (0..<40).map { $0 == 11 ? 0.9 : $0 % 2 == 0 ? 0.2 : 0.4 }
    let mean = scores.reduce(0, +) / 40
    let deviation = (scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 40).squareRoot()
    let evidence = try #require(results.hits[0].matches[0].evidence)
    #expect(abs(evidence - (0.9 - mean) / deviation) < 0.1)
    #expect(results.hits[0].evidence == results.hits[0].matches[1].evidence, "the weakest part")
    #expect(results.unclearTerms == [1])
    #expect(results.terms[0].background?.imageCount == 40)
    let any = try await planted.search(EncodedQuery(.red, .green, combination: .any)) {
      $0.minimumEvidence = 3
    }
    #expect(any.numbers == [11])
    #expect(any.results.omittedCount == 9 && any.results.hits[0].rank == 1)
    let none = try await planted.search(query) { $0.minimumEvidence = 3 }
    #expect(none.numbers == [] && none.results.omittedCount == 10)
    let strong = try await planted.search(query) { $0.minimumScore = 0.5 }
    #expect(strong.numbers == [11])
    #expect(strong.results.unclearTerms == [], "nothing was measured")
  }

  @Test func `chance alone reaches what the largest of normal numbers does`() throws {
    var generator = SeededGenerator(seed: 5)
    // Sums of twelve even numbers are close to normal where it matters here.
    for count in [30, 300, 1_000] {
      let largest = (0..<300).map { _ in
        (0..<count).map { _ in
          (0..<12).reduce(-6.0) { sum, _ in sum + .random(in: 0..<1, using: &generator) }
        }.max()!
      }
      let middle = largest.sorted()[110]
      #expect(abs(Background.chanceEvidence(imageCount: count) - middle) < 0.15, "\(count)")
    }
    #expect(Background.chanceEvidence(imageCount: 0).isFinite)
  }

  @Test func `of a few images nothing is said about evidence`() async throws {
    let planted = try PlantedStore((0..<19).map { image((.red, 0.05 * Double($0))) })
    let (_, results) = try await planted.search(EncodedQuery(.red)) { $0.measuresEvidence = true }
    #expect(results.hits.allSatisfy { $0.evidence == nil })
    #expect(results.unclearTerms == [])
  }

  @Test func `what cannot be had together is refused`() async throws {
    let planted = try PlantedStore([image((.red, 1))])
    let refused: [(EncodedQuery, (inout SearchParameters) -> Void)] = [
      (EncodedQuery(.red), { $0.usesPooledVectors = true }),
      (EncodedQuery(.red, .blue, combination: .any), { $0.method = .cascade(candidates: 5) }),
    ]
    for (query, change) in refused {
      let error = await #expect(throws: QueryError.self) {
        try await planted.search(query, change)
      }
      #expect(error?.code == .contradictoryQuery)
    }
  }
}
