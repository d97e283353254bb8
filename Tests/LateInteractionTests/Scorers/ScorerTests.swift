import FilipLateInteraction
import Foundation
import TestSupport
import Testing

/// Every scorer against values that NumPy computed, and against its formula written down once more.
@Suite struct ScorerTests {
  static let shapes = [(1, 1), (1, 5), (4, 1), (3, 9), (6, 20)]

  /// Random pairs of several shapes, with their rows.
  func forEachRandomPair(
    _ body: (_ pair: TextImagePair, _ text: [[Double]], _ image: [[Double]]) throws -> Void
  ) throws {
    for (number, shape) in Self.shapes.enumerated() {
      let (text, image) = try GoldenPair.random(
        words: shape.0, patches: shape.1, seed: UInt64(number))
      try body(GoldenPair.pair(text, image), rows(text), rows(image))
    }
  }

  @Test func `golden values of an independent implementation`() throws {
    let pair = GoldenPair.pair(
      try GoldenPair.text(), try GoldenPair.image(), bags: [0..<1, 1..<3])
    let expected: [(any Scorer, Double)] = [
      (FILIPScorer(direction: .textToImage), 0.854082),
      (FILIPScorer(direction: .imageToText), 0.791286),
      (FILIPScorer(direction: .mean), (0.854082 + 0.791286) / 2),
      (ColBERTScorer(), 2.562246),
      (BagFormerScorer(side: .textToImage), 1.234778),
      (BagFormerScorer(side: .imageToText), 1.914265),
      (TokenFlowScorer(sharpness: 20), 0.843725),
      (OptimalTransportScorer(method: .ipot(proximity: 0.5), iterationCount: 50), 1 - 0.281292),
      (
        OptimalTransportScorer(method: .sinkhorn(entropy: 0.05), iterationCount: 100), 0.718889
      ),
      (SoftAlignmentScorer(temperature: 0.05), 0.852432),
    ]
    for (scorer, value) in expected {
      #expect(abs(scorer.score(pair) - value) < 2e-6, "\(scorer)")
    }
  }

  @Test func `padding that takes part lifts patches that match no word`() throws {
    let image = try TokenMatrix(normalizing: [-1, 0], tokenCount: 1, dimension: 2)
    let text = try TokenMatrix(normalizing: [1, 0, 0.6, 0.8], tokenCount: 2, dimension: 2)
    let pair = TextImagePair(ExactSimilarities(text: text, image: image))
    func score(_ direction: ScoreDirection, _ padding: FILIPScorer.Padding) -> Double {
      FILIPScorer(direction: direction, padding: padding).score(pair)
    }
    #expect(abs(score(.imageToText, .exclude) + 0.6) < 1e-6)
    #expect(score(.imageToText, .zero) == 0)
    // Words are averaged over the real ones alone.
    #expect(abs(score(.textToImage, .zero) + 0.8) < 1e-6)
    #expect(abs(score(.mean, .zero) + 0.4) < 1e-6)
    #expect(FILIPScorer(direction: .imageToText, padding: .zero).scan == .none)
    #expect(FILIPScorer(direction: .imageToText).scan == .tokens(.imageToText))
  }

  @Test func `a sum of bags is the late interaction of their normalised vectors`() throws {
    try forEachRandomPair { pair, text, image in
      var pair = pair
      let bags = stride(from: 0, to: text.count, by: 2).map { $0..<min($0 + 2, text.count) }
      let vectors = bags.map { normalized(sum(Array(text[$0]))) }
      pair.text.bags = bags
      pair.text.bagNorms = bags.map { dot(sum(Array(text[$0])), sum(Array(text[$0]))).squareRoot() }
      let wholes = vectors.map { bag in image.map { dot(bag, $0) }.max()! }.reduce(0, +)
      let patches = image.map { patch in vectors.map { dot($0, patch) }.max()! }.reduce(0, +)
      #expect(abs(BagFormerScorer(side: .textToImage).score(pair) - wholes) < 1e-9)
      #expect(abs(BagFormerScorer(side: .imageToText).score(pair) - patches) < 1e-9)
    }
  }

  @Test func `bags know the length of their sum, and rows in no bag do not count`() throws {
    let text = try TokenMatrix(
      normalizing: [1, 0, 0, 1, -1, 0], tokenCount: 3, dimension: 2)
    let traits = TextTraits(tokens: text, bags: [0..<2])
    #expect(abs(traits.bagNorms[0] - 2.0.squareRoot()) < 1e-7)
    let image = try TokenMatrix(normalizing: [1, 0], tokenCount: 1, dimension: 2)
    let pair = TextImagePair(ExactSimilarities(text: text, image: image), text: traits)
    #expect(abs(BagFormerScorer().score(pair) - 0.5.squareRoot()) < 1e-7)
    // Words that cancel out are no error.
    let opposite = TextTraits(tokens: text, bags: [0..<1, 2..<3, 0..<3])
    #expect(opposite.bagNorms.count == 3)
    let cancelling = try TokenMatrix(normalizing: [1, 0, -1, 0], tokenCount: 2, dimension: 2)
    let nothing = TextImagePair(
      ExactSimilarities(text: cancelling, image: image),
      text: TextTraits(tokens: cancelling, bags: [0..<2]))
    #expect(BagFormerScorer().score(nothing) == 0)
  }

  @Test func `token flow is its formula`() throws {
    try forEachRandomPair { pair, text, image in
      let (wholeText, wholeImage) = (mean(text), mean(image))
      func scaled(_ values: [Double]) -> [Double] {
        let total = values.reduce(0, +)
        return values.map { total > 0 ? $0 * Double(values.count) / total : 1 }
      }
      let d = scaled(image.map { max(0, dot($0, wholeText)) })
      let e = scaled(text.map { max(0, dot($0, wholeImage)) })
      var (v, t) = (0.0, 0.0)
      for (i, patch) in image.enumerated() {
        let all = text.map { dot(patch, $0) }
        let weights = zip(all, e).map { exp(20 * $0 * $1) }
        for j in text.indices {
          v += d[i] / Double(image.count) * weights[j] / weights.reduce(0, +) * all[j]
        }
      }
      for (j, word) in text.enumerated() {
        let all = image.map { dot($0, word) }
        let weights = zip(all, d).map { exp(20 * $0 * $1) }
        for i in image.indices {
          t += e[j] / Double(text.count) * weights[i] / weights.reduce(0, +) * all[i]
        }
      }
      #expect(abs(TokenFlowScorer(sharpness: 20).score(pair) - (v + t) / 2) < 1e-9)
    }
  }

  @Test func `a sharp flow between equals is FILIP's mean of both directions`() throws {
    try forEachRandomPair { pair, text, image in
      let plain = TextImagePair(pair.similarities)
      let expected = referenceMaxSim(text: text, image: image, direction: .mean)
      #expect(abs(TokenFlowScorer(sharpness: 1000).score(plain) - expected) < 1e-3)
    }
  }

  @Test func `soft alignment is its formula, below the maximum and near it when it is cold`() throws
  {
    try forEachRandomPair { pair, text, image in
      let expected =
        text.map { word in
          let all = image.map { dot($0, word) }
          let weights = all.map { exp($0 / 0.2) }
          return zip(all, weights).reduce(0) { $0 + $1.0 * $1.1 } / weights.reduce(0, +)
        }.reduce(0, +) / Double(text.count)
      #expect(abs(SoftAlignmentScorer(temperature: 0.2).score(pair) - expected) < 1e-9)
      let largest = pair.similarities.score(.textToImage)
      #expect(abs(SoftAlignmentScorer(temperature: 1e-4).score(pair) - largest) < 1e-6)
    }
  }

  @Test func `top r is the mean of the r largest, of as many as there are`() throws {
    try forEachRandomPair { pair, text, image in
      for r in [1, 3, 1000] {
        let expected =
          text.map { word in
            let best = image.map { dot($0, word) }.sorted(by: >).prefix(r)
            return best.reduce(0, +) / Double(best.count)
          }.reduce(0, +) / Double(text.count)
        #expect(abs(TopRScorer(r: r).score(pair) - expected) < 1e-9)
      }
      #expect(
        abs(TopRScorer(r: 1).score(pair) - FILIPScorer().score(pair)) < 1e-12)
    }
  }

  @Test func `a hybrid is what its weight says, also at both ends`() throws {
    try forEachRandomPair { pair, text, image in
      let tokens = referenceMaxSim(text: text, image: image, direction: .textToImage)
      let pooled = dot(mean(text), mean(image))
      for weight in [0, 0.25, 1] {
        let expected = weight * tokens + (1 - weight) * pooled
        #expect(abs(HybridScorer(weight: weight).score(pair) - expected) < 1e-9)
      }
      #expect(abs(GlobalScorer().score(pair) - pooled) < 1e-9)
    }
    let unpooled = TextImagePair(
      ExactSimilarities(text: try GoldenPair.text(), image: try GoldenPair.image()))
    #expect(GlobalScorer().score(unpooled) == -.infinity)
    #expect(abs(HybridScorer(weight: 0.5).score(unpooled) - (0.854082 - 1) / 2) < 2e-6)
  }

  @Test func `tags add a bonus for the share of words that they name`() throws {
    let text = try GoldenPair.text()
    var pair = GoldenPair.pair(text, try GoldenPair.image())
    let plain = FILIPScorer().score(pair)
    pair.text.words = ["red", "boat"]
    #expect(TagScorer(weight: 0.2).score(pair) == plain)
    pair.tags = ["boat", "boats", "sea"]
    #expect(abs(TagScorer(weight: 0.2).score(pair) - (plain + 0.1)) < 1e-12)
    pair.text.words = []
    #expect(TagScorer(weight: 0.2).score(pair) == plain)
  }

  @Test func `no image scores above the bound that its text-to-image score gives`() throws {
    let scorers: [any Scorer] = [
      SoftAlignmentScorer(), TopRScorer(), TopRScorer(r: 1), HybridScorer(weight: 0.5), TagScorer(),
      OptimalTransportScorer(), OptimalTransportScorer(method: .ipot(proximity: 0.1)),
      OptimalTransportScorer(method: .sinkhorn(entropy: 0.01), iterationCount: 100),
    ]
    for seed in UInt64(100)..<140 {
      let (text, image) = try GoldenPair.random(
        words: 1 + Int(seed) % 5, patches: 1 + Int(seed) % 17, seed: seed)
      var pair = GoldenPair.pair(text, image)
      pair.text.words = ["a"]
      pair.tags = ["a"]
      let base = FILIPScorer().score(pair)
      for scorer in scorers {
        let bound = try #require(scorer.upperBound(textToImage: base))
        #expect(scorer.score(pair) <= bound + 1e-9, "\(scorer), seed \(seed)")
      }
    }
    for scorer in [TokenFlowScorer(), BagFormerScorer(), GlobalScorer()] as [any Scorer] {
      #expect(scorer.upperBound(textToImage: 1) == nil)
    }
  }

  @Test func `an image without patches scores below everything`() throws {
    let text = try GoldenPair.text()
    let nothing = try TokenMatrix(normalizing: [], tokenCount: 0, dimension: 4)
    let pair = TextImagePair(ExactSimilarities(text: text, image: nothing))
    for name in ScorerSpecification.names {
      let score = try ScorerSpecification(parsing: name).scorer.score(pair)
      #expect(score == -.infinity, "\(name)")
    }
  }
}
