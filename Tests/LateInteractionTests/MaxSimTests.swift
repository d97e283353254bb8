import FilipLateInteraction
import TestSupport
import Testing

@Suite struct MaxSimTests {
  func tokens(
    _ count: Int, _ dimension: Int, _ generator: inout SeededGenerator
  ) throws -> TokenMatrix {
    try TokenMatrix(
      normalizing: generator.floats(count * dimension), tokenCount: count, dimension: dimension)
  }

  @Test(arguments: ScoreDirection.allCases)
  func `batched scores equal the reference on random and odd shapes`(
    direction: ScoreDirection
  ) throws {
    for seed in UInt64(0)..<60 {
      var generator = SeededGenerator(seed: seed)
      let dimension = [1, 2, 3, 7, 16, 33, 128][Int(seed) % 7]
      let query = try tokens([1, 2, 5, 8, 33][Int(seed) % 5], dimension, &generator)
      let images = try (0..<[1, 2, 9][Int(seed) % 3]).map { _ in
        try tokens([1, 1, 3, 49, 64, 197].randomElement(using: &generator)!, dimension, &generator)
      }
      var scorer = MaxSimScorer(query: query, direction: direction)
      for _ in 0..<2 {  // the second pass meets used work space
        var batch = TokenBatch(dimension: dimension)
        for image in images { batch.append(image) }
        for (score, image) in zip(scorer.scores(of: batch), images) {
          let expected = referenceMaxSim(
            text: rows(query), image: rows(image), direction: direction)
          #expect(abs(Double(score) - expected) < 2e-6, "seed \(seed)")
        }
      }
    }
  }

  @Test func `golden values of an independent implementation`() throws {
    func wave(_ count: Int, _ a: Double, _ b: Double) -> [Float] {
      (0..<count).map { Float(sine(a * Double($0) + b)) }
    }
    let image = try TokenMatrix(normalizing: wave(20, 0.7, 0.3), tokenCount: 5, dimension: 4)
    let text = try TokenMatrix(normalizing: wave(12, 1.1, 0.2), tokenCount: 3, dimension: 4)
    #expect(abs(maxSim(text: text, image: image) - 0.854082) < 2e-6)
    #expect(abs(maxSim(text: text, image: image, direction: .imageToText) - 0.791286) < 2e-6)
    let wordPerPatch = Alignment(text: image, image: text).patches
    #expect(wordPerPatch == [0, 2, 1, 2, 1])
  }

  @Test func `an image less than all zeros keeps its negative score`() throws {
    let image = try TokenMatrix(normalizing: [-1, 0], tokenCount: 1, dimension: 2)
    let text = try TokenMatrix(normalizing: [1, 0, 0.6, 0.8], tokenCount: 2, dimension: 2)
    // Patches of unlike counts in one batch: nothing stands in for the missing rows.
    let other = try TokenMatrix(
      normalizing: [1, 0, 0, 1, -1, 0], tokenCount: 3, dimension: 2)
    var batch = TokenBatch(dimension: 2)
    batch.append(other)
    batch.append(image)
    batch.append(other)
    var scorer = MaxSimScorer(query: text, direction: .textToImage)
    #expect(abs(scorer.scores(of: batch)[1] - (-0.8)) < 1e-6)
    #expect(
      abs(maxSim(text: text, image: image, direction: .imageToText) - (-0.6)) < 1e-6)
  }

  @Test func `an image without tokens scores below everything and is never kept`() throws {
    let text = try TokenMatrix(normalizing: [1, 0], tokenCount: 1, dimension: 2)
    for direction in ScoreDirection.allCases {
      var batch = TokenBatch(dimension: 2)
      batch.append(try TokenMatrix(normalizing: [], tokenCount: 0, dimension: 2))
      batch.append(try TokenMatrix(normalizing: [-1, 0], tokenCount: 1, dimension: 2))
      var scorer = MaxSimScorer(query: text, direction: direction)
      let scores = scorer.scores(of: batch)
      #expect(scores == [-.infinity, -1])
      var best = TopK<Int>(capacity: 5)
      for (id, score) in scores.enumerated() {
        best.insert(ScoredItem(id: id, score: Double(score)))
      }
      #expect(best.sorted.map(\.id) == [1])
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func `values that are not numbers are refused at the door`(value: Float) {
    #expect(throws: TokenMatrixError(token: 1)) {
      try TokenMatrix(normalizing: [1, 0, 0, value], tokenCount: 2, dimension: 2)
    }
  }

  @Test func `huge and tiny values normalise to length one`() throws {
    let matrix = try TokenMatrix(
      normalizing: [1e30, 1e30, 1e-30, 1e-30, 0, 0], tokenCount: 3, dimension: 2)
    #expect(abs(matrix.elements[0] - 0.70710678) < 1e-6)
    #expect(abs(matrix.elements[2] - 0.70710678) < 1e-6)
    #expect(matrix.elements[4...] == [0, 0])
  }

  @Test func `permuting patches keeps the score and moves the alignment`() throws {
    var generator = SeededGenerator(seed: 7)
    let text = try tokens(4, 16, &generator)
    let image = try tokens(20, 16, &generator)
    let order = Array(0..<20).shuffled(using: &generator)
    let moved = try TokenMatrix(
      normalizing: order.flatMap { Array(image[$0]) }, tokenCount: 20, dimension: 16)
    #expect(abs(maxSim(text: text, image: image) - maxSim(text: text, image: moved)) < 1e-6)
    let before = Alignment(text: text, image: image)
    let after = Alignment(text: text, image: moved)
    #expect(before.patches == after.patches.map { order[$0] })
  }

  @Test func `adding a patch never lowers a word's similarity`() throws {
    var generator = SeededGenerator(seed: 8)
    let text = try tokens(3, 8, &generator)
    let image = try tokens(9, 8, &generator)
    let fewer = try TokenMatrix(
      normalizing: Array(image.elements.prefix(64)), tokenCount: 8, dimension: 8)
    let all = Alignment(text: text, image: image).similarities
    for (more, less) in zip(all, Alignment(text: text, image: fewer).similarities) {
      #expect(more >= less - 1e-6)
    }
    let score = all.map(Double.init).reduce(0, +) / 3
    #expect(abs(score - Double(maxSim(text: text, image: image))) < 1e-6)
  }
}

/// sin by its power series: the tests need no Foundation.
private func sine(_ x: Double) -> Double {
  let reduced = x.remainder(dividingBy: 2 * .pi)
  var (term, sum) = (reduced, reduced)
  for n in 1..<20 {
    term *= -reduced * reduced / Double((2 * n) * (2 * n + 1))
    sum += term
  }
  return sum
}
