import Testing
import TestSupport

@testable import FilipLateInteraction

@Suite struct PlaneSegmentTests {
  /// An image of the test: its item and the rows of its tokens.
  struct Image {
    var id: UInt64
    var rows: [[Float]]
  }

  static let shapes: [(dimension: Int, tokenCounts: [Int])] = [
    (1, [1]), (3, [2, 1]), (8, [16, 16, 1]), (12, [5, 31, 7]), (33, [40, 3]), (96, [50, 1, 20]),
    (128, [15, 1, 17, 49]), (200, [3, 14]),
  ]

  func images(_ dimension: Int, _ tokenCounts: [Int], seed: UInt64 = 1) -> [Image] {
    var generator = SeededGenerator(seed: seed)
    return tokenCounts.enumerated().map { index, count in
      let rows = (0..<count).map { _ in unit(generator.floats(dimension)) }
      return Image(id: generator.next() % 1000 + UInt64(index) * 1000, rows: rows)
    }
  }

  func unit(_ row: [Float]) -> [Float] {
    let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return norm > 0 ? row.map { $0 / norm } : row
  }

  func builder(_ images: [Image], _ dimension: Int, _ bits: PlaneBits) -> PlaneSegmentBuilder {
    var builder = PlaneSegmentBuilder(dimension: dimension, bits: bits)
    for image in images {
      builder.append(
        id: image.id, rows: image.rows.flatMap(\.self)[...], tokenCount: image.rows.count)
    }
    return builder
  }

  func rotated(_ row: [Float]) -> [Double] {
    var result: [Double] = []
    TokenRotation(dimension: row.count).rotate(row[...], into: &result)
    return result
  }

  func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  // MARK: - The format

  /// Code and scale of a token read from the bytes as ARCHITECTURE.md lays them out.
  func code(_ bytes: [UInt8], token: Int, index: Int) -> (code: Int, scale: Float) {
    func number(_ offset: Int) -> Int {
      (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }
    let (groups, blocks) = ((number(4) + 7) / 8, (number(12) + 15) / 16)
    let plane = 64 * groups * blocks
    let (block, lane, group, within) = (token / 16, token % 16, index / 8, index % 8)
    let offset = 48 + (block * groups + group) * 64 + 4 * lane + within % 4
    func half(_ byte: UInt8) -> Int { Int(within < 4 ? byte & 15 : byte >> 4) }
    let isWhole = bytes[1] == 8
    let scales = 48 + plane * (isWhole ? 2 : 1) + 2 * token
    return (
      16 * half(bytes[offset]) + (isWhole ? half(bytes[offset + plane]) : 0),
      Float(bitPattern: UInt32(bytes[scales]) << 16 | UInt32(bytes[scales + 1]) << 24)
    )
  }

  @Test(arguments: shapes, PlaneBits.allCases)
  func `codes lie where the format says and are the nearest ones`(
    shape: (dimension: Int, tokenCounts: [Int]), bits: PlaneBits
  ) {
    let images = images(shape.dimension, shape.tokenCounts)
    let bytes = builder(images, shape.dimension, bits).bytes()
    #expect(bytes[0] == 1 && bytes[1] == bits.rawValue && bytes[32..<48].allSatisfy { $0 == 0 })
    for (token, row) in images.flatMap(\.rows).enumerated() {
      for (index, value) in rotated(row).enumerated() {
        let (code, scale) = code(bytes, token: token, index: index)
        let exact = value / Double(scale) + 128
        if bits == .eight {
          #expect((1...255).contains(code) && abs(Double(code) - exact) <= 0.5 + 1e-9)
        } else {
          let cell = min(255, max(1, exact.rounded()))
          #expect(code / 16 == Int(cell) / 16 || abs(exact.rounded() - exact) > 0.5 - 1e-9)
        }
      }
    }
  }

  @Test(arguments: shapes) func `a scale is the smallest bfloat16 that reaches the largest value`(
    shape: (dimension: Int, tokenCounts: [Int])
  ) {
    let images = images(shape.dimension, shape.tokenCounts)
    let bytes = builder(images, shape.dimension, .eight).bytes()
    for (token, row) in images.flatMap(\.rows).enumerated() {
      let largest = rotated(row).map(\.magnitude).max() ?? 0
      let scale = code(bytes, token: token, index: 0).scale
      let smaller = Float(bitPattern: scale.bitPattern - 0x1_0000)
      #expect(Double(scale) * 127 >= largest * (1 - 1e-15))
      #expect(Double(smaller) * 127 < largest)
    }
  }

  @Test(arguments: shapes, PlaneBits.allCases)
  func `what was built is read`(
    shape: (dimension: Int, tokenCounts: [Int]), bits: PlaneBits
  ) throws {
    let images = images(shape.dimension, shape.tokenCounts)
    let builder = builder(images, shape.dimension, bits)
    let bytes = builder.bytes()
    #expect(bytes.count == builder.byteCount && bytes.count >= 4096)
    try PlaneSegment.withSegment(bytes.span) { segment in
      #expect(segment.dimension == shape.dimension && segment.bits == bits)
      #expect(segment.imageCount == images.count && segment.tokenCount == builder.tokenCount)
      var first = 0
      for (index, image) in images.enumerated() {
        #expect(segment.id(index) == image.id && builder.id(index) == image.id)
        #expect(segment.firstToken(index) == first)
        #expect(builder.tokenCount(of: index) == image.rows.count)
        var rows: [Float] = [1, 2, 3]
        for bits in bits == .eight ? PlaneBits.allCases : [.four] {
          segment.decode(index, bits: bits, into: &rows)
          #expect(rows.count == image.rows.count * shape.dimension)
          for (position, value) in rows.enumerated() {
            let (code, scale) = code(
              bytes, token: first + position / shape.dimension, index: position % shape.dimension)
            let middle = bits == .eight ? Float(code) - 128 : 16 * (Float(code / 16) - 7.53125)
            #expect(value == scale * middle)
          }
        }
        first += image.rows.count
      }
      #expect(segment.firstToken(images.count) == first)
    }
  }

  // MARK: - Bounds

  @Test(arguments: shapes, PlaneBits.allCases)
  func `errors and norms are those of the codes, rounded up`(
    shape: (dimension: Int, tokenCounts: [Int]), bits: PlaneBits
  ) throws {
    let images = images(shape.dimension, shape.tokenCounts)
    let bytes = builder(images, shape.dimension, bits).bytes()
    func isJustAbove(_ bound: Float, _ value: Double) -> Bool {
      Double(bound) >= value && Double(bound) <= value * 1.00001 + 1e-9
    }
    try PlaneSegment.withSegment(bytes.span) { segment in
      var (relative4, norm8, norm4) = (0.0, 0.0, 0.0)
      for (index, image) in images.enumerated() {
        var rows: [[Double]] = []
        var coarse: [[Double]] = []
        var buffer: [Float] = []
        for bits in [bits, .four] {
          segment.decode(index, bits: bits, into: &buffer)
          rows = coarse
          coarse = (0..<image.rows.count).map { token in
            buffer[token * shape.dimension..<(token + 1) * shape.dimension].map(Double.init)
          }
        }
        var error8 = 0.0
        for (token, row) in image.rows.enumerated() {
          let exact = rotated(row)
          let scale = Double(
            code(bytes, token: segment.firstToken(index) + token, index: 0).scale)
          error8 = max(error8, norm(zip(exact, rows[token]).map { $0 - $1 }))
          let ratio =
            scale > 0 ? norm(zip(exact, coarse[token]).map { $0 - $1 }) / scale : 0
          relative4 = max(relative4, ratio)
          let reach = segment.reach(segment.firstToken(index) + token)
          #expect((reach == nil) == (bits == .four))
          if let reach {
            // A byte's unit is √d / 31: as small as it may be, at least the ratio.
            let unit = Double(shape.dimension).squareRoot() / 31
            #expect(Double(reach) * unit >= ratio * (1 - 1e-12))
            #expect(Double(reach) * unit < ratio * 1.00001 + unit)
          }
          norm8 = max(norm8, norm(rows[token]))
          norm4 = max(norm4, norm(coarse[token]))
        }
        #expect(isJustAbove(segment.largestError8(index), error8))
      }
      #expect(isJustAbove(segment.largestRelativeError4, bits == .four ? relative4 : 0))
      #expect(isJustAbove(segment.largestNorm8, norm8))
      #expect(isJustAbove(segment.largestNorm4, norm4))
    }
  }

  /// Tokens that spare no rounding: one value, all equal, zeros, nearly nothing, far apart in size,
  /// opposite, and long.
  func adversarialRows(_ dimension: Int) -> [[Float]] {
    var one = [Float](repeating: 0, count: dimension)
    one[dimension / 2] = 1
    let equal = unit([Float](repeating: 1, count: dimension))
    let steep = (0..<dimension).map { Float.exponent(base: 0.5, $0) }
    return [
      one, one.map { -$0 }, equal, [Float](repeating: 0, count: dimension),
      equal.map { $0 * 1e-38 }, one.map { $0 * .leastNonzeroMagnitude }, unit(steep),
      equal.map { $0 * 1000 },
    ]
  }

  @Test(arguments: [1, 8, 12, 96, 128, 256], 0..<4 as Range<UInt64>)
  func `MaxSim of codes is as near to MaxSim of tokens as the bounds say`(
    dimension: Int, seed: UInt64
  ) throws {
    var images = images(dimension, [1, 7, 20, 33], seed: seed)
    images.append(Image(id: 1, rows: adversarialRows(dimension)))
    images += adversarialRows(dimension).map { Image(id: 2, rows: [$0]) }
    var queries = self.images(dimension, [4], seed: seed + 100)[0].rows
    queries += images[2].rows.prefix(2) + adversarialRows(dimension)
    for bits in PlaneBits.allCases {
      let bytes = builder(images, dimension, bits).bytes()
      try PlaneSegment.withSegment(bytes.span) { segment in
        for (index, image) in images.enumerated() {
          for query in queries {
            check(segment, index, image, query)
          }
        }
      }
    }
  }

  /// The inequality of ARCHITECTURE.md for one word, at both precisions.
  func check(_ segment: borrowing PlaneSegment, _ index: Int, _ image: Image, _ query: [Float]) {
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let word = rotated(query)
    let step = max((word.map(\.magnitude).max() ?? 0) / 127, .leastNormalMagnitude)
    let coded = word.map { ($0 / step).rounded() * step }
    let wordError = norm(zip(word, coded).map { $0 - $1 })
    let exact = image.rows.map { dot(query.map(Double.init), $0.map(Double.init)) }.max() ?? 0
    var rows: [Float] = []
    for bits in segment.bits == .eight ? PlaneBits.allCases : [.four] {
      segment.decode(index, bits: bits, into: &rows)
      let decoded = (0..<image.rows.count).map { token in
        rows[token * query.count..<(token + 1) * query.count].map(Double.init)
      }
      let estimate = decoded.map { dot(coded, $0) }.max() ?? 0
      let scales = (0..<image.rows.count).map { token -> Double in
        let bits = segment.scale(segment.firstToken(index) + token)
        return Double(Float(bitPattern: UInt32(bits) << 16))
      }
      let tokenError: Double
      if bits == segment.bits {
        tokenError = Double(segment.largestError8(index))
      } else {
        let unit = Double(query.count).squareRoot() / 31
        let reaches = segment.tokens(of: index).map { Double(segment.reach($0) ?? 255) * unit }
        tokenError = zip(reaches, scales).map { $0 * $1 }.max() ?? 0
      }
      let largestNorm = Double(bits == .eight ? segment.largestNorm8 : segment.largestNorm4)
      let bound = wordError * largestNorm + norm(word) * tokenError
      let rounding = 1e-13 * norm(word) * (largestNorm + tokenError)
      #expect(abs(estimate - exact) <= bound + rounding)
    }
  }

  @Test func `a token of zeros decodes to zeros`() throws {
    let images = [Image(id: 9, rows: [[Float](repeating: 0, count: 20)])]
    for bits in PlaneBits.allCases {
      let bytes = builder(images, 20, bits).bytes()
      try PlaneSegment.withSegment(bytes.span) { segment in
        var rows: [Float] = []
        segment.decode(0, bits: bits, into: &rows)
        #expect(rows == [Float](repeating: 0, count: 20))
        #expect(segment.largestError8(0) == 0 && segment.largestNorm4 == 0)
        #expect(segment.largestRelativeError4 == 0 && (segment.reach(0) ?? 0) == 0)
      }
      #expect(bytes[48] == 0x88)
    }
  }

  @Test func `tokens that are not numbers, or huge, are a mistake of the programmer`() async {
    await #expect(processExitsWith: .failure) {
      var builder = PlaneSegmentBuilder(dimension: 4, bits: .eight)
      builder.append(id: 1, rows: [1, .nan, 0, 0], tokenCount: 1)
    }
    await #expect(processExitsWith: .failure) {
      var builder = PlaneSegmentBuilder(dimension: 4, bits: .eight)
      builder.append(id: 1, rows: [1e38, 1e38, 1e38, 1e38], tokenCount: 1)
    }
  }

  // MARK: - Copying

  @Test(arguments: shapes, PlaneBits.allCases)
  func `images copied to other lanes keep their codes`(
    shape: (dimension: Int, tokenCounts: [Int]), bits: PlaneBits
  ) throws {
    let images = images(shape.dimension, shape.tokenCounts)
    let bytes = builder(images, shape.dimension, bits).bytes()
    var copied = PlaneSegmentBuilder(dimension: shape.dimension, bits: bits)
    copied.append(
      id: 77, rows: [Float](repeating: 0.5, count: 3 * shape.dimension)[...], tokenCount: 3)
    try PlaneSegment.withSegment(bytes.span) { segment in
      for image in images.indices.reversed() { copied.append(image, of: segment) }
    }
    let copy = copied.bytes()
    try PlaneSegment.withSegment(bytes.span) { segment in
      try PlaneSegment.withSegment(copy.span) { copy in
        for (place, image) in images.indices.reversed().enumerated() {
          #expect(copy.id(place + 1) == segment.id(image))
          #expect(copy.largestError8(place + 1) == segment.largestError8(image))
          for (token, original) in zip(copy.tokens(of: place + 1), segment.tokens(of: image)) {
            #expect(copy.reach(token) == segment.reach(original))
            #expect(copy.scale(token) == segment.scale(original))
          }
          for bits in bits == .eight ? PlaneBits.allCases : [.four] {
            var (rows, copiedRows): ([Float], [Float]) = ([], [])
            segment.decode(image, bits: bits, into: &rows)
            copy.decode(place + 1, bits: bits, into: &copiedRows)
            #expect(rows == copiedRows)
          }
        }
        #expect(copy.largestRelativeError4 >= segment.largestRelativeError4)
        #expect(copy.largestNorm8 >= segment.largestNorm8)
      }
    }
  }

  @Test(arguments: shapes, PlaneBits.allCases)
  func `a segment is continued as if it had never been closed`(
    shape: (dimension: Int, tokenCounts: [Int]), bits: PlaneBits
  ) throws {
    let images = images(shape.dimension, shape.tokenCounts)
    let whole = builder(images, shape.dimension, bits).bytes()
    for count in 0...images.count {
      let begun = builder(Array(images[..<count]), shape.dimension, bits).bytes()
      var resumed = try PlaneSegment.withSegment(begun.span) { segment in
        PlaneSegmentBuilder(resuming: segment)
      }
      for image in images[count...] {
        resumed.append(
          id: image.id, rows: image.rows.flatMap(\.self)[...], tokenCount: image.rows.count)
      }
      #expect(resumed.bytes() == whole)
    }
  }

  // MARK: - Damage

  @Test(arguments: PlaneBits.allCases)
  func `no change of a byte leads out of bounds or to what is not a number`(
    bits: PlaneBits
  ) throws {
    let bytes = builder(images(12, [5, 20, 3]), 12, bits).bytes()
    var refusals = 0
    for index in bytes.indices {
      for change: UInt8 in [0x01, 0x40, 0x80, 0xFF] {
        var damaged = bytes
        damaged[index] ^= change
        do {
          try PlaneSegment.withSegment(damaged.span) { segment in
            var rows: [Float] = []
            for image in 0..<segment.imageCount {
              segment.decode(image, bits: segment.bits, into: &rows)
              #expect(rows.allSatisfy { $0.isFinite })
              #expect(segment.largestError8(image).isFinite)
            }
            #expect(segment.largestNorm8.isFinite && segment.largestRelativeError4.isFinite)
          }
        } catch {
          #expect(error is PlaneSegmentError)
          refusals += 1
        }
      }
    }
    #expect(refusals > 50)
  }

  @Test func `bytes that are too few, too many or none are refused`() {
    let bytes = builder(images(64, [70]), 64, .eight).bytes()
    for count in [0, 1, 47, 48, 4095, 4096, bytes.count - 1, bytes.count + 1] {
      let cut = Array((bytes + [0]).prefix(count))
      #expect(throws: PlaneSegmentError.length) { try PlaneSegment.withSegment(cut.span) { _ in } }
    }
    var newer = bytes
    newer[0] = 2
    #expect(throws: PlaneSegmentError.newerVersion(2)) {
      try PlaneSegment.withSegment(newer.span) { _ in }
    }
  }
}

extension Float {
  fileprivate static func exponent(base: Float, _ power: Int) -> Float {
    (0..<min(power, 140)).reduce(1) { value, _ in value * base }
  }
}
