internal import FilipLinearAlgebra

/// How much of the best ten images of a search survives a reduction of the tokens: measured when
/// an index is made, by searching its first images with all tokens and with reduced ones.
///
/// Nobody's queries are at hand then, so they are made of the images' own tokens: 3 to 6 tokens of
/// one image that differ as the words of a query do (each the least like those before), with noise
/// of 1.5 / √d per component, which leaves a cosine of 0.55 with the token as a word has with what
/// it names.
///
/// It is an estimate. On the first 1,000 drawn scenes, where 100 true queries are known: pooling by
/// 2 and 4 true 0.97 and 0.81, estimated 0.89 and 0.67; 96 and 64 of 128 dimensions true 0.94 and
/// 0.87, estimated 0.95 and 0.87. So it is too careful about pooling, and the interval speaks of
/// such queries only: tokens of an image ask for its details, words ask for less.
public struct ReductionRecall: Sendable, Hashable {
  /// Mean share of the best `depth` that is found, 0…1.
  public var value: Double
  /// Lower end of the 95 % interval over queries (bootstrap).
  public var lowerBound: Double
  /// Upper end.
  public var upperBound: Double
  /// Queries it is the mean of.
  public var queryCount: Int
  /// Images that were searched.
  public var imageCount: Int

  /// How many of the best images are compared.
  public static let depth = 10
  /// Where the queries came from.
  public static let querySource = "own tokens"
  /// Fewer images say nothing: the best ten are too large a part of them.
  public static let minimumImageCount = 100

  /// A measurement made before.
  public init(
    value: Double, lowerBound: Double, upperBound: Double, queryCount: Int, imageCount: Int
  ) {
    self.value = value
    self.lowerBound = lowerBound
    self.upperBound = upperBound
    self.queryCount = queryCount
    self.imageCount = imageCount
  }

  /// Measures; the same images give the same number.
  ///
  /// `full` and `reduced` are the same images; `project` reduces the tokens of a query.
  /// - Returns: `nil` with fewer than `minimumImageCount` images that have tokens.
  /// - Complexity: some 4.5 · queryCount products with every token, full and reduced.
  public init?(
    full: [TokenMatrix], reduced: [TokenMatrix], queryCount: Int = 100,
    project: (TokenMatrix) -> TokenMatrix
  ) {
    precondition(full.count == reduced.count && queryCount > 0, "pairs of images, and queries")
    let used = full.indices.filter { full[$0].tokenCount > 0 }
    guard used.count >= Self.minimumImageCount else { return nil }
    let images = used.map { full[$0] }
    var generator = SplitMix64(state: 0x5EED)
    let queries = (0..<queryCount).map { _ in
      ownTokensQuery(
        images[Int.random(in: 0..<images.count, using: &generator)], using: &generator)
    }
    let expected = bestImages(of: images, for: queries)
    let found = bestImages(of: used.map { reduced[$0] }, for: queries.map(project))
    let shares = zip(expected, found).map {
      Double(Set($0).intersection($1).count) / Double($0.count)
    }
    let interval = bootstrapInterval(of: shares, using: &generator)
    self.init(
      value: shares.reduce(0, +) / Double(shares.count), lowerBound: interval.lowerBound,
      upperBound: interval.upperBound, queryCount: queryCount, imageCount: images.count)
  }
}

/// 3 to 6 rows that stand for the words of a query.
private func ownTokensQuery(
  _ image: TokenMatrix, using generator: inout SplitMix64
) -> TokenMatrix {
  let wordCount = min(image.tokenCount, Int.random(in: 3...6, using: &generator))
  let map = SimilarityMap(text: image, image: image)
  var chosen = [Int.random(in: 0..<image.tokenCount, using: &generator)]
  while chosen.count < wordCount {
    func likeness(_ token: Int) -> Float {
      chosen.map { map.values[$0 * map.patchCount + token] }.max() ?? 0
    }
    let rest = (0..<image.tokenCount).filter { !chosen.contains($0) }
    guard let next = rest.min(by: { likeness($0) < likeness($1) }) else { break }
    chosen.append(next)
  }
  // Uniform noise of the wanted variance: a sum of many components does not know the difference.
  let reach = Double(1.5) * (3 / Double(image.dimension)).squareRoot()
  let values = chosen.flatMap { token in
    image[token].map { Double($0) + Double.random(in: -reach...reach, using: &generator) }
  }
  return TokenMatrix(normalizingFinite: values, dimension: image.dimension)
}

/// For every query, the indices of its best images.
private func bestImages(of images: [TokenMatrix], for queries: [TokenMatrix]) -> [[Int]] {
  let dimension = images[0].dimension
  let words = Matrix(
    queries.flatMap(\.elements), rowCount: queries.reduce(0) { $0 + $1.tokenCount },
    columnCount: dimension)
  var best = queries.map { _ in TopK<Int>(capacity: ReductionRecall.depth) }
  var batch = TokenBatch(dimension: dimension)
  var first = 0
  for (index, image) in images.enumerated() {
    batch.append(image)
    guard batch.tokenCount >= 4_096 || index == images.count - 1 else { continue }
    let products = Matrix(rowCount: batch.tokenCount, columnCount: words.rowCount)
    multiply(batch.matrix, transposed: words, into: products)
    let maxima = Matrix(rowCount: batch.count, columnCount: words.rowCount)
    maximumPerSegment(products, offsets: batch.offsets, into: maxima)
    for row in 0..<batch.count {
      var column = 0
      for (query, tokens) in queries.enumerated() {
        var sum: Float = 0
        for word in column..<column + tokens.tokenCount { sum += maxima[row, word] }
        column += tokens.tokenCount
        best[query].insert(ScoredItem(id: first + row, score: Double(sum)))
      }
    }
    first = index + 1
    batch.removeAll()
  }
  return best.map { $0.sorted.map(\.id) }
}

/// The middle 95 % of the means of resampled values.
private func bootstrapInterval(
  of values: [Double], using generator: inout SplitMix64
) -> ClosedRange<Double> {
  let means = (0..<1_000).map { _ in
    values.reduce(0) { sum, _ in sum + values[Int.random(in: 0..<values.count, using: &generator)] }
      / Double(values.count)
  }.sorted()
  return means[24]...means[974]
}
