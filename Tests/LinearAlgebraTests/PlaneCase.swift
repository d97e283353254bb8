import FilipLinearAlgebra
import TestSupport

/// Tokens, words and image bounds for one comparison of the scan kernels with their definition.
///
/// The definition below is plain loops over (token, word, dimension), and packing the codes is
/// written after ARCHITECTURE.md; nothing is shared with the kernels.
struct PlaneCase: CustomStringConvertible {
  enum Pattern: CaseIterable { case random, zeros, ones, fifteens, largestDown }

  /// Empty ones, ones that end at, before and behind the end of a block of 16, and one that is
  /// longer than any run of blocks which kernels take at once.
  static let imageSizes = [1, 0, 15, 16, 17, 50, 3, 196, 0, 530, 0]

  let dimension: Int
  let wordCount: Int
  let bits: Int
  let pattern: Pattern
  let bounds: [UInt32]
  private(set) var codes: [[UInt8]] = []  // (token, dimension), 0…255
  private(set) var words: [[Int8]] = []
  private(set) var scales: [UInt16] = []
  private(set) var initial: [Int32] = []
  private(set) var weights: [Float] = []
  /// For each token; none with an odd number of words.
  private(set) var reaches: [UInt8]?
  private(set) var reachUnits: [Float] = []

  var description: String {
    "dimension \(dimension), \(wordCount) words, \(bits) bits, \(pattern)"
  }
  var tokenCount: Int { Int(bounds[bounds.count - 1]) }

  init(
    dimension: Int, wordCount: Int, bits: Int, pattern: Pattern = .random, firstToken: Int = 5,
    imageSizes: [Int] = PlaneCase.imageSizes
  ) {
    self.dimension = dimension
    self.wordCount = wordCount
    self.bits = bits
    self.pattern = pattern
    bounds = imageSizes.reduce(into: [UInt32(firstToken)]) {
      $0.append($0[$0.count - 1] + UInt32($1))
    }
    var generator = SeededGenerator(seed: UInt64(dimension * 1000 + wordCount * 10 + bits))
    codes = (0..<tokenCount).map { _ in
      (0..<dimension).map { _ in
        switch pattern {
        case .random: UInt8.random(in: 0...255, using: &generator)
        case .zeros: 0
        case .ones, .largestDown: 255
        case .fifteens: 15
        }
      }
    }
    words = (0..<wordCount).map { _ in
      (0..<dimension).map { _ in
        switch pattern {
        case .random: Int8.random(in: -128...127, using: &generator)
        case .zeros, .ones, .fifteens: 127
        case .largestDown: -127
        }
      }
    }
    scales = (0..<(tokenCount + 15) / 16 * 16).map { _ in
      // 2⁻⁷ … 1, and now and then 0, −0 and negative ones.
      let scale = UInt16.random(in: 0x3C00..<0x3F80, using: &generator)
      return [0, 0x8000, 0x8000 | scale, scale][min(3, Int.random(in: 0..<16, using: &generator))]
    }
    initial = (0..<wordCount).map { _ in Int32.random(in: -500_000...500_000, using: &generator) }
    weights = (0..<wordCount).map { _ in Float.random(in: 0...1, using: &generator) }
    if wordCount.isMultiple(of: 2) {
      reaches = scales.map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
    reachUnits = (0..<wordCount).map { _ in Float.random(in: -9...99, using: &generator) }
  }

  // MARK: - Definition

  private func product(_ token: Int, _ word: Int) -> Float {
    var sum = initial[word]
    for index in 0..<dimension {
      let code = bits == 8 ? codes[token][index] : codes[token][index] >> 4
      sum += Int32(code) * Int32(words[word][index])
    }
    var value = Float(sum)
    if let reaches { value += Float(reaches[token]) * reachUnits[word] }
    return Float(bitPattern: UInt32(scales[token]) << 16) * value
  }

  /// The bit patterns of (images, words) maxima.
  func expectedMaxima() -> [UInt32] {
    zip(bounds, bounds.dropFirst()).flatMap { start, end in
      (0..<wordCount).map { word in
        let largest = (start..<end).map { product(Int($0), word) }.max() ?? -.infinity
        return (largest == 0 ? 0 : largest).bitPattern
      }
    }
  }

  /// The bit patterns of the sums per image.
  func expectedSums() -> [UInt32] {
    zip(bounds, bounds.dropFirst()).map { start, end in
      var lanes = [Float](repeating: 0, count: 16)
      for token in start..<end {
        let best = (0..<wordCount).map { weights[$0] * product(Int(token), $0) }.max()
        lanes[Int(token % 16)] += best ?? 0
      }
      return lanes.reduce(0, +).bitPattern
    }
  }

  // MARK: - The kernels' arguments

  var query: PlaneQueryCodes {
    PlaneQueryCodes(rows: words.flatMap { $0 }, dimension: dimension, initial: initial)
      .beginning(with: initial, reach: reachUnits)
  }

  /// Calls `body` with the tokens packed into blocks, `shift` bytes from an aligned address.
  func withPlane<R>(shift: Int = 0, _ body: (PlaneTokens) -> R) -> R {
    let groups = (dimension + 7) / 8
    var planes = [[UInt8]](
      repeating: [UInt8](repeating: 0, count: (tokenCount + 15) / 16 * groups * 64 + shift),
      count: 2)
    for (token, codes) in codes.enumerated() {
      for (index, code) in codes.enumerated() {
        let byte =
          shift + (token / 16 * groups + index / 8) * 64 + 4 * (token % 16) + index % 4
        let places = index % 8 < 4 ? 0 : 4
        planes[0][byte] |= (code >> 4) << places
        planes[1][byte] |= (code & 15) << places
      }
    }
    return planes[0].withUnsafeBytes { high in
      planes[1].withUnsafeBytes { low in
        scales.withUnsafeBufferPointer { scales in
          (reaches ?? []).withUnsafeBufferPointer { reach in
            body(
              PlaneTokens(
                high: high.baseAddress! + shift, low: bits == 8 ? low.baseAddress! + shift : nil,
                scales: scales.baseAddress!, reach: reaches == nil ? nil : reach.baseAddress,
                groupCount: groups, tokenCount: tokenCount))
          }
        }
      }
    }
  }

  func maxima(shift: Int = 0) -> [UInt32] {
    var maxima = [Float](repeating: .nan, count: (bounds.count - 1) * wordCount)
    withPlane(shift: shift) { maximumPerImage($0, query, bounds: bounds.span, into: &maxima) }
    return maxima.map(\.bitPattern)
  }

  func sums() -> [UInt32] {
    var sums = [Float](repeating: .nan, count: bounds.count - 1)
    withPlane {
      sumOfMaximaPerImage($0, query, weights: weights, bounds: bounds.span, into: &sums)
    }
    return sums.map(\.bitPattern)
  }
}
