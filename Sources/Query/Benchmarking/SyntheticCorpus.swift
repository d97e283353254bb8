#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
package import FilipLateInteraction
import FilipLinearAlgebra

/// Tokens that behave like those of a trained encoder as far as a search engine can tell, of any
/// number of images, without images and without an encoder.
///
/// - There are 20,000 concepts. The n-th appears with probability proportional to n^-0.8 (Zipf).
/// - A concept's vector has Gaussian coefficients on a random orthonormal basis, the k-th scaled by
///   k^-1/2, and is normalised: few directions carry much, many carry little, as in real encoders.
/// - An image shows 3 to 8 different concepts. Each takes a run of consecutive patches, at least
///   one; the rest is shared out by Dirichlet(0.6).
/// - A token is its concept's vector plus Gaussian noise of 0.6/√d per coordinate, normalised: the
///   cosine of the two is 1/√(1 + 0.36) = 0.857 on average.
/// - A query names 1 to 3 concepts of one image and 1 to 3 of 16 function words, whose vectors are
///   made like concepts but appear in no image. Its tokens are those vectors plus noise of 0.5/√d,
///   normalised. A query of a fixed number of words repeats words of its own, drawn evenly, each
///   time with noise of its own; or leaves out its last ones.
///
/// Everything follows from the seed (SplitMix64, one stream per image and per query): images can be
/// made in any order, by any number of threads, and are the same bytes on every run of a machine.
/// Machines whose `exp` or matrix product round differently differ in the last bits.
package struct SyntheticCorpus: Sendable {
  /// What is drawn.
  package struct Parameters: Sendable, Hashable {
    /// Images; at least 1.
    package var imageCount = 5_000
    /// Patches of every image; at least 8.
    package var tokensPerImage = 196
    /// Width of a token; at least 2.
    package var dimension = 256
    /// Concepts; at least 8.
    package var conceptCount = 20_000
    /// Everything follows from it.
    package var seed: UInt64 = 1

    /// The defaults.
    package init() {}
  }

  /// A run of patches that show one concept.
  package struct Patch: Sendable, Hashable {
    /// Which concept, the most frequent first.
    package var concept: Int
    /// The tokens that show it.
    package var tokens: Range<Int>
  }

  /// A query and where it comes from.
  package struct Query: Sendable {
    /// The words.
    package var tokens: TokenMatrix
    /// The image whose concepts were named.
    package var image: Int
    /// Per word, the number of its vector: a concept, or `conceptCount` and more for function words.
    package var vectors: [Int]
  }

  /// What is drawn.
  package let parameters: Parameters

  static let functionWordCount = 16
  private static let zipfExponent = 0.8
  private static let shareConcentration = 0.6
  private static let tokenNoise = 0.6
  private static let wordNoise = 0.5

  /// Kinds of random streams.
  private enum Stream {
    static let basis: UInt64 = 1
    static let vector: UInt64 = 2
    static let layout: UInt64 = 3
    static let noise: UInt64 = 4
    static let query: UInt64 = 5
  }

  private let gaussians = GaussianSource()
  /// Vectors of the concepts and then of the function words, row-major, normalised.
  private let vectors: [Float]
  /// Running sums of the concepts' probabilities.
  private let cumulativeShares: [Double]

  /// Draws the basis and the vectors.
  /// - Complexity: concepts × d² multiply-adds.
  package init(_ parameters: Parameters) {
    precondition(
      parameters.imageCount >= 1 && parameters.tokensPerImage >= 8 && parameters.dimension >= 2
        && parameters.conceptCount >= 8, "shape of a corpus")
    self.parameters = parameters
    vectors = Self.vectors(parameters, gaussians)
    var sum = 0.0
    cumulativeShares = (1...parameters.conceptCount).map { rank in
      sum += pow(Double(rank), -Self.zipfExponent)
      return sum
    }
  }

  // MARK: - Images

  /// The concepts of an image and where they are, in the order of the tokens.
  package func patches(ofImage image: Int) -> [Patch] {
    precondition(image >= 0 && image < parameters.imageCount, "image number")
    var generator = SplitMix64(seed: parameters.seed, kind: Stream.layout, number: image)
    let count = 3 + generator.index(below: 6)
    var concepts: [Int] = []
    while concepts.count < count {
      let concept = drawConcept(&generator)
      if !concepts.contains(concept) { concepts.append(concept) }
    }
    let weights = concepts.map { _ in gaussians.gamma(shape: Self.shareConcentration, &generator) }
    let total = weights.reduce(0, +)
    let rest = Double(parameters.tokensPerImage - count)
    var patches: [Patch] = []
    var sum = 0.0
    var start = 0
    for (index, concept) in concepts.enumerated() {
      sum += weights[index]
      let end =
        index + 1 == count
        ? parameters.tokensPerImage : index + 1 + Int((rest * sum / total).rounded())
      patches.append(Patch(concept: concept, tokens: start..<end))
      start = end
    }
    return patches
  }

  private func drawConcept(_ generator: inout SplitMix64) -> Int {
    let target = generator.uniform() * (cumulativeShares.last ?? 0)
    var (low, high) = (0, cumulativeShares.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if cumulativeShares[middle] > target { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Writes the tokens of an image, `tokensPerImage × dimension` floats, row-major.
  /// - Precondition: `rows` has that many elements.
  /// - Complexity: one random number per element.
  package func writeTokens(ofImage image: Int, into rows: inout [Float]) {
    precondition(
      rows.count == parameters.tokensPerImage * parameters.dimension, "room for the tokens")
    var generator = SplitMix64(seed: parameters.seed, kind: Stream.noise, number: image)
    let patches = patches(ofImage: image)
    for patch in patches {
      for token in patch.tokens {
        writeRow(
          of: patch.concept, noise: Self.tokenNoise, &generator, into: &rows,
          at: token * parameters.dimension)
      }
    }
  }

  /// The tokens of an image.
  package func tokens(ofImage image: Int) -> TokenMatrix {
    var rows = [Float](repeating: 0, count: parameters.tokensPerImage * parameters.dimension)
    writeTokens(ofImage: image, into: &rows)
    return TokenMatrix(
      unchecked: rows, tokenCount: parameters.tokensPerImage, dimension: parameters.dimension)
  }

  /// Writes a vector plus noise, normalised.
  private func writeRow(
    of vector: Int, noise: Double, _ generator: inout SplitMix64, into rows: inout [Float],
    at start: Int
  ) {
    let dimension = parameters.dimension
    let scale = noise / Double(dimension).squareRoot()
    let source = vectors.span.extracting(vector * dimension..<(vector + 1) * dimension)
    var row = rows.mutableSpan
    var squares = 0.0
    for index in 0..<dimension {
      let value = Double(source[index]) + scale * gaussians.next(&generator)
      squares += value * value
      row[start + index] = Float(value)
    }
    let factor = Float(1 / squares.squareRoot())
    for index in start..<start + dimension { row[index] *= factor }
  }

  // MARK: - Queries

  /// A query; of `wordCount` words, or of as many as it happens to have.
  package func query(_ number: Int, wordCount: Int? = nil) -> Query {
    precondition(number >= 0 && wordCount ?? 1 >= 1, "number and length of a query")
    var generator = SplitMix64(seed: parameters.seed, kind: Stream.query, number: number)
    let image = generator.index(below: parameters.imageCount)
    var concepts = patches(ofImage: image).map(\.concept)
    var words: [Int] = []
    for _ in 0..<1 + generator.index(below: 3) {
      words.append(concepts.remove(at: generator.index(below: concepts.count)))
    }
    var functionWords = Array(0..<Self.functionWordCount)
    for _ in 0..<1 + generator.index(below: 3) {
      let word = functionWords.remove(at: generator.index(below: functionWords.count))
      words.append(parameters.conceptCount + word)
    }
    if let wordCount {
      let own = words
      while words.count < wordCount { words.append(own[generator.index(below: own.count)]) }
      words.removeLast(words.count - wordCount)
    }
    var rows = [Float](repeating: 0, count: words.count * parameters.dimension)
    for (index, word) in words.enumerated() {
      writeRow(
        of: word, noise: Self.wordNoise, &generator, into: &rows, at: index * parameters.dimension)
    }
    return Query(
      tokens: TokenMatrix(
        unchecked: rows, tokenCount: words.count, dimension: parameters.dimension),
      image: image, vectors: words)
  }

  // MARK: - Vectors

  /// The vector of a concept, or of a function word.
  func vector(_ number: Int) -> ArraySlice<Float> {
    vectors[number * parameters.dimension..<(number + 1) * parameters.dimension]
  }

  /// Vectors of all concepts and function words.
  private static func vectors(_ parameters: Parameters, _ gaussians: GaussianSource) -> [Float] {
    let dimension = parameters.dimension
    let count = parameters.conceptCount + functionWordCount
    let spectrum = (1...dimension).map { 1 / Double($0).squareRoot() }
    var coefficients: [Float] = []
    coefficients.reserveCapacity(count * dimension)
    for number in 0..<count {
      var generator = SplitMix64(seed: parameters.seed, kind: Stream.vector, number: number)
      for scale in spectrum { coefficients.append(Float(scale * gaussians.next(&generator))) }
    }
    let vectors = Matrix(rowCount: count, columnCount: dimension)
    multiply(
      Matrix(coefficients, rowCount: count, columnCount: dimension), basis(parameters, gaussians),
      into: vectors)
    vectors.normalizeRows()
    return vectors.elements
  }

  /// A random orthonormal basis, a vector per row.
  private static func basis(_ parameters: Parameters, _ gaussians: GaussianSource) -> Matrix {
    let dimension = parameters.dimension
    var generator = SplitMix64(seed: parameters.seed, kind: Stream.basis, number: 0)
    var rows: [[Double]] = []
    while rows.count < dimension {
      var row = (0..<dimension).map { _ in gaussians.next(&generator) }
      // Twice: what rounding left of the first removal goes with the second.
      for _ in 0..<2 {
        for other in rows {
          var product = 0.0
          for index in 0..<dimension { product += row[index] * other[index] }
          for index in 0..<dimension { row[index] -= product * other[index] }
        }
      }
      var squares = 0.0
      for value in row { squares += value * value }
      let factor = 1 / squares.squareRoot()
      rows.append(row.map { $0 * factor })
    }
    return Matrix(
      rows.flatMap { $0.map(Float.init) }, rowCount: dimension, columnCount: dimension)
  }
}
