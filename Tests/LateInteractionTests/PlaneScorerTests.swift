import FilipLateInteraction
import TestSupport
import Testing

@Suite struct PlaneScorerTests {
  @Test(arguments: ScoreDirection.allCases, [PlaneBits.four, .eight])
  func `every bound holds for the exact score`(
    direction: ScoreDirection, bits: PlaneBits
  ) throws {
    var generator = SeededGenerator(seed: 3)
    var tightest = Double.infinity
    for dimension in [1, 2, 7, 8, 9, 24, 64, 100, 257] {
      var builder = PlaneSegmentBuilder(dimension: dimension, bits: bits)
      let images = try (0..<60).map { number in
        try tokens(Int.random(in: 1...40, using: &generator), dimension, number, &generator)
      }
      for (id, image) in images.enumerated() {
        builder.append(
          id: UInt64(id), rows: image.elements[...], tokenCount: image.tokenCount)
      }
      for words in [1, 3, 9] {
        let text = try tokens(words, dimension, words, &generator)
        try PlaneSegment.withSegment(builder.bytes().span) { segment in
          let scorer = PlaneScorer(
            query: PlaneQuery(text), direction: direction, reference: .originals)
          var uppers: [Double] = []
          // A run that begins inside a block.
          let run = 7..<60
          scorer.writeUpperBounds(of: run, in: segment, into: &uppers)
          var intervals: [ScoreInterval] = []
          if bits == .eight { scorer.writeEstimates(of: run, in: segment, into: &intervals) }
          for (index, image) in run.enumerated() {
            let exact = referenceMaxSim(
              text: rows(text), image: rows(images[image]), direction: direction)
            #expect(exact <= uppers[index], "\(dimension) dimensions, image \(image)")
            guard bits == .eight else { continue }
            #expect(exact <= intervals[index].upper, "\(dimension) dimensions, image \(image)")
            #expect(exact >= intervals[index].lower, "\(dimension) dimensions, image \(image)")
            tightest = min(tightest, intervals[index].error)
          }
        }
      }
    }
    // A bound that never rules anything out would pass the rest of this test.
    if bits == .eight { #expect(tightest < 0.02) }
  }

  @Test(arguments: ScoreDirection.allCases, [PlaneBits.four, .eight])
  func `bounds for the codes hold for decoded tokens`(
    direction: ScoreDirection, bits: PlaneBits
  ) throws {
    var generator = SeededGenerator(seed: 4)
    for dimension in [3, 16, 96] {
      var builder = PlaneSegmentBuilder(dimension: dimension, bits: bits)
      for number in 0..<30 {
        let image = try tokens(1 + number % 19, dimension, number, &generator)
        builder.append(
          id: UInt64(number), rows: image.elements[...], tokenCount: image.tokenCount)
      }
      let text = try tokens(4, dimension, 0, &generator)
      let rotation = TokenRotation(dimension: dimension)
      let rotated = (0..<text.tokenCount).map { word in
        var row: [Double] = []
        rotation.rotate(text[word], into: &row)
        return row
      }
      try PlaneSegment.withSegment(builder.bytes().span) { segment in
        let scorer = PlaneScorer(query: PlaneQuery(text), direction: direction, reference: .codes)
        var uppers: [Double] = []
        scorer.writeUpperBounds(of: 0..<30, in: segment, into: &uppers)
        for image in 0..<30 {
          var decoded: [Float] = []
          segment.decode(image, bits: bits, into: &decoded)
          let patches = (0..<decoded.count / dimension).map { patch in
            decoded[patch * dimension..<(patch + 1) * dimension].map(Double.init)
          }
          let exact = referenceMaxSim(text: rotated, image: patches, direction: direction)
          #expect(exact <= uppers[image], "\(dimension) dimensions, image \(image)")
        }
      }
    }
  }

  /// Tokens with values of very different size now and then, and a few of zeros.
  private func tokens(
    _ count: Int, _ dimension: Int, _ kind: Int, _ generator: inout SeededGenerator
  ) throws -> TokenMatrix {
    var elements = generator.floats(count * dimension)
    if kind % 5 == 1 {
      for index in stride(from: 0, to: elements.count, by: 3) { elements[index] *= 50 }
    }
    if kind % 5 == 2 { for index in 0..<min(dimension, elements.count) { elements[index] = 0 } }
    if kind % 5 == 3 { elements = elements.map { $0 > 0 ? 1 : -1 } }
    return try TokenMatrix(normalizing: elements, tokenCount: count, dimension: dimension)
  }
}
