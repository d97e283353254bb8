internal import FilipLinearAlgebra

/// What is known of a score before it is computed from the originals.
package struct ScoreInterval: Sendable, Equatable {
  /// The score of the codes.
  package var estimate: Double
  /// How far the exact score may be from it.
  package var error: Double

  /// The exact score is at least this.
  package var lower: Double { estimate - error }
  /// The exact score is at most this.
  package var upper: Double { estimate + error }
}

/// Which scores the bounds of a `PlaneScorer` hold for.
package enum ScoreReference: String, Sendable {
  /// Scores of the tokens that the codes were made of.
  case originals
  /// Scores of the codes themselves, where the originals were not kept.
  case codes
}

/// Scores one query against the images of plane segments, with proven bounds.
///
/// For one word and one image, with `x̂` the decoded codes, `q̂` the quantised word and `R` the
/// rotation of the plane,
///
///     |max_p⟨q, d_p⟩ − max_p⟨q̂, x̂_p⟩| ≤ ‖Rq − q̂‖ · max_p‖x̂_p‖ + ‖q‖ · max_p‖R d_p − x̂_p‖
///
/// by Cauchy-Schwarz. The mean over the words keeps the bound, and so does the mean over the patches
/// (FILIP's image-to-text score), with the largest word in place of each. Keeps work space; use one
/// scorer per thread.
package final class PlaneScorer {
  private let query: PlaneQuery
  private let direction: ScoreDirection
  private let reference: ScoreReference
  private let meanError: Double
  private let largestError: Double
  private let meanNorm: Double
  private let largestNorm: Double
  /// What sums of 8-bit codes begin with and are multiplied by.
  private let fine: Words
  /// The same for upper bounds from 4 bits, for segments with that relative error.
  private var coarse: Words
  private var coarseRelativeError = 0.0
  private var estimates: [Double] = []
  private var bounds: [UInt32] = []
  private var maxima: [Float] = []
  private var sums: [Float] = []

  /// A scorer for a query with at least one word.
  package init(query: PlaneQuery, direction: ScoreDirection, reference: ScoreReference) {
    precondition(query.wordCount > 0, "a query with at least one token")
    self.query = query
    self.direction = direction
    self.reference = reference
    let count = Double(query.wordCount)
    meanError = query.errors.reduce(0, +) / count
    largestError = query.errors.max() ?? 0
    meanNorm = query.norms.reduce(0, +) / count
    largestNorm = query.norms.max() ?? 0
    fine = Words(
      codes: query.codes.beginning(
        with: query.sums.map { Int32(-128 * $0) },
        reach: [Float](repeating: 0, count: query.wordCount)),
      scales: query.scales)
    coarse = Self.coarseWords(query, relativeError: 0)
  }

  /// The words of the query for one depth of codes.
  private struct Words {
    var codes: PlaneQueryCodes
    /// What turns a maximum of sums into a similarity.
    var scales: [Double]
    var weights: [Float]

    init(codes: PlaneQueryCodes, scales: [Double]) {
      self.codes = codes
      self.scales = scales
      weights = scales.map { Float($0) }
    }
  }

  /// Words whose sums begin with what an error of every token can add at most, and grow with the
  /// token's own.
  private static func coarseWords(_ query: PlaneQuery, relativeError: Double) -> Words {
    var initial: [Int32] = []
    var reach: [Float] = []
    let unit = PlaneReach.unit(dimension: query.dimension) * PlaneReach.slack
    for word in 0..<query.wordCount {
      let scale = 16 * query.scales[word]
      let perError = scale > 0 ? query.norms[word] / scale : 0
      initial.append(
        Int32((relativeError * perError - cellMiddle * Double(query.sums[word])).rounded(.up)))
      reach.append(Float(roundingUp: unit * perError))
    }
    return Words(
      codes: query.codes.beginning(with: initial, reach: reach),
      scales: query.scales.map { 16 * $0 })
  }

  /// Writes for every image of the range what its score is at most, read off the high nibbles alone.
  ///
  /// Token by token: `⟨q̂, x̂₄⟩ + ‖q‖ ‖x − x̂₄‖`, where the error is at most the token's reach
  /// (`PlaneReach`), or with four bits its scale times the segment's largest relative error.
  /// - Complexity: words × tokens × d multiplications of small integers, half a byte read for each
  ///   token and dimension.
  package func writeUpperBounds(
    of images: Range<Int>, in segment: borrowing PlaneSegment, into uppers: inout [Double]
  ) {
    let isBoundedByCodes = segment.bits == .four && reference == .codes
    var relativeError = isBoundedByCodes ? 0 : Double(segment.largestRelativeError4)
    if segment.bits == .eight, reference == .codes {
      // From x̂₄ to x̂₈ it is at most half a step of each dimension further than to x.
      relativeError += 0.5 * Double(segment.dimension).squareRoot()
    }
    if relativeError != coarseRelativeError {
      coarse = Self.coarseWords(query, relativeError: relativeError)
      coarseRelativeError = relativeError
    }
    write(
      segment.planeTokens(bits: .four, withReach: true), segment, images, coarse,
      error: Double(segment.largestNorm4), into: &uppers)
  }

  /// Writes for every image of the range the score of its codes, as finely as the segment has them,
  /// with the bound on its error.
  /// - Complexity: words × tokens × d multiplications of small integers; every code is read.
  package func writeEstimates(
    of images: Range<Int>, in segment: borrowing PlaneSegment,
    into intervals: inout [ScoreInterval]
  ) {
    precondition(segment.bits == .eight, "a segment with both nibbles")
    write(
      segment.planeTokens(bits: .eight, withReach: false), segment, images, fine, error: nil,
      into: &estimates)
    let norm = Double(segment.largestNorm8)
    let queryError = direction == .textToImage ? meanError : largestError
    let queryNorm = direction == .textToImage ? meanNorm : largestNorm
    intervals.removeAll(keepingCapacity: true)
    for (image, estimate) in zip(images, estimates) {
      let tokenError = reference == .codes ? 0 : Double(segment.largestError8(image))
      intervals.append(
        ScoreInterval(
          estimate: estimate,
          error: queryError * norm + queryNorm * tokenError
            + rounding(tokenCount: segment.tokens(of: image).count, norm)))
    }
  }

  /// `h` stands for the middle of its cell: `x̂₄ = 16 s (h − 7.53125)`.
  private static let cellMiddle = 7.53125

  /// Writes the score of every image; `error` times the query's own error is added, and room for
  /// rounding, unless it is `nil`.
  private func write(
    _ tokens: PlaneTokens, _ segment: borrowing PlaneSegment, _ images: Range<Int>,
    _ words: Words, error norm: Double?, into scores: inout [Double]
  ) {
    scores.removeAll(keepingCapacity: true)
    segment.writeFirstTokens(of: images, into: &bounds)
    let wordCount = query.wordCount
    if direction != .imageToText {
      maxima.growForScan(to: images.count * wordCount)
      maximumPerImage(tokens, words.codes, bounds: bounds.span, into: &maxima)
    }
    if direction != .textToImage {
      sums.growForScan(to: images.count)
      sumOfMaximaPerImage(
        tokens, words.codes, weights: words.weights, bounds: bounds.span, into: &sums)
    }
    // Local names spare a check of exclusive access to this object for every number.
    let (maxima, sums, bounds, scales) = (maxima, sums, bounds, words.scales)
    for index in 0..<images.count {
      var score = 0.0
      if direction != .imageToText {
        for word in 0..<wordCount {
          score += scales[word] * Double(maxima[index * wordCount + word])
        }
        score /= Double(wordCount)
        if let norm { score += meanError * norm }
      }
      let tokenCount = Int(bounds[index + 1] - bounds[index])
      if direction != .textToImage {
        var mean = Double(sums[index]) / Double(tokenCount)
        if let norm { mean += largestError * norm }
        score = direction == .mean ? (score + mean) / 2 : mean
      }
      if let norm { score += rounding(tokenCount: tokenCount, norm) }
      scores.append(score)
    }
  }

  /// More than the kernels' single precision can be off: a conversion, an addition and a product for
  /// a maximum (the reach has its own slack), and a chain of additions over a sixteenth of the patches, then sixteen, for a sum of maxima.
  private func rounding(tokenCount: Int, _ norm: Double) -> Double {
    let additions = direction == .textToImage ? 0 : tokenCount / 16 + 17
    return Double(6 + additions) * 0x1p-23 * (1 + norm) * (1 + largestNorm)
  }
}

extension Array<Float> {
  fileprivate mutating func growForScan(to count: Int) {
    if self.count < count { append(contentsOf: repeatElement(0, count: count - self.count)) }
  }
}

extension PlaneSegment {
  /// The codes as the kernels read them: both nibbles, or the high ones alone.
  fileprivate func planeTokens(bits: PlaneBits, withReach: Bool) -> PlaneTokens {
    PlaneTokens(
      high: high, low: bits == .eight ? low : nil,
      scales: scales.assumingMemoryBound(to: UInt16.self),
      reach: withReach ? reaches?.assumingMemoryBound(to: UInt8.self) : nil,
      groupCount: groupCount, tokenCount: tokenCount)
  }
}
