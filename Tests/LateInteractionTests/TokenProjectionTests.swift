import FilipLateInteraction
import TestSupport
import Testing

@Suite struct TokenProjectionTests {
  private func tokens(
    _ count: Int, _ dimension: Int, _ generator: inout SeededGenerator
  ) throws -> TokenMatrix {
    try TokenMatrix(
      normalizing: generator.floats(count * dimension), tokenCount: count, dimension: dimension)
  }

  private func dot(_ a: some Sequence<Float>, _ b: some Sequence<Float>) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  @Test func `tokens of a subspace keep every inner product`() throws {
    // 200 tokens that lie in 3 of 11 dimensions, along planted directions.
    var generator = SeededGenerator(seed: 1)
    let basis = try tokens(3, 11, &generator)
    func inside(_ count: Int) throws -> TokenMatrix {
      let weights = generator.floats(count * 3)
      let values = (0..<count).flatMap { row in
        (0..<11).map { column in
          (0..<3).reduce(Float(0)) {
            $0 + weights[row * 3 + $1] * basis[$1][basis[$1].startIndex + column]
          }
        }
      }
      return try TokenMatrix(normalizing: values, tokenCount: count, dimension: 11)
    }
    let projection = TokenProjection(
      learningFrom: [try inside(120), try inside(80)], outputDimension: 3)
    let (image, query) = (try inside(6), try tokens(4, 11, &generator))
    let (small, words) = (projection.project(image: image), projection.project(query: query))
    #expect(small.dimension == 3 && words.dimension == 3)
    for patch in 0..<6 {
      #expect(abs(dot(small[patch], small[patch]) - 1) < 1e-6)
      for word in 0..<4 {
        #expect(abs(dot(words[word], small[patch]) - dot(query[word], image[patch])) < 1e-5)
      }
    }
    // Query tokens are shorter by what lies outside the subspace.
    for word in 0..<4 { #expect(dot(words[word], words[word]) < 0.999) }
  }

  @Test(arguments: [(4, 2), (16, 5), (33, 33), (128, 96)])
  func `axes are orthonormal and hold more of the tokens than any other choice`(
    dimension: Int, kept: Int
  ) throws {
    var generator = SeededGenerator(seed: UInt64(dimension))
    var values = generator.floats(300 * dimension)
    for index in values.indices { values[index] *= 1 / Float(1 + index % dimension) }
    let image = try TokenMatrix(normalizing: values, tokenCount: 300, dimension: dimension)
    let projection = TokenProjection(learningFrom: [image], outputDimension: kept)
    func axis(_ row: Int) -> ArraySlice<Float> {
      projection.axes[row * dimension..<(row + 1) * dimension]
    }
    for row in 0..<kept {
      for other in 0...row {
        #expect(abs(dot(axis(row), axis(other)) - (row == other ? 1 : 0)) < 1e-5)
      }
    }
    // Energies fall, and each axis v is an eigenvector: M v = energy · v, by the definition of M.
    var previous = Double.infinity
    for row in 0..<min(kept, 8) {
      var image2 = [Double](repeating: 0, count: dimension)
      for token in 0..<300 {
        let along = dot(image[token], axis(row))
        for (index, value) in image[token].enumerated() { image2[index] += along * Double(value) }
      }
      let energy = zip(image2, axis(row)).reduce(0) { $0 + $1.0 * Double($1.1) }
      #expect(energy <= previous * (1 + 1e-9))
      previous = energy
      for (value, component) in zip(image2, axis(row)) {
        #expect(abs(value - energy * Double(component)) < 1e-4)
      }
      #expect(axis(row).max { abs($0) < abs($1) }! > 0)
    }
    let discarded =
      Double(300)
      - (0..<kept).reduce(0.0) { sum, row in
        (0..<300).reduce(sum) { $0 + dot(image[$1], axis(row)) * dot(image[$1], axis(row)) }
      }
    #expect(kept < dimension || abs(discarded) < 1e-2)
  }

  @Test func `a token with nothing along the axes becomes zero`() throws {
    let projection = TokenProjection(
      axes: [1, 0, 0, 0, 1, 0], inputDimension: 3, outputDimension: 2)
    let image = try TokenMatrix(normalizing: [0, 0, 1, 3, 4, 0], tokenCount: 2, dimension: 3)
    #expect(projection.project(image: image).elements == [0, 0, 0.6, 0.8])
  }
}
