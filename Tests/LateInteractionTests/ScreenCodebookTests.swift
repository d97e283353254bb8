import FilipLinearAlgebra
import TestSupport
import Testing

@testable import FilipLateInteraction

@Suite struct ScreenCodebookTests {
  private static let dimension = 32

  /// Unit vectors near one of a few directions, and which.
  private func planted(
    _ count: Int, directions: Int, noise: Float, seed: UInt64
  ) -> (rows: Matrix, labels: [Int]) {
    var generator = SeededGenerator(seed: seed)
    let centers = (0..<directions).map { _ in
      let center = generator.floats(Self.dimension)
      let norm = center.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return center.map { $0 / norm }
    }
    let labels = (0..<count).map { _ in Int.random(in: 0..<directions, using: &generator) }
    let elements = labels.flatMap { label in
      zip(centers[label], generator.floats(Self.dimension)).map { $0 + noise * $1 }
    }
    let rows = Matrix(elements, rowCount: count, columnCount: Self.dimension)
    rows.normalizeRows()
    return (rows, labels)
  }

  private func codebook(of rows: Matrix, _ count: Int, seed: UInt64 = 0) -> ScreenCodebook {
    ScreenCodebook(
      learningFrom: rows, centroidCount: count, tokenCount: rows.rowCount, seed: seed)
  }

  /// The dot products of a row with every centroid, in Double.
  private func similarities(_ rows: Matrix, _ row: Int, _ codebook: ScreenCodebook) -> [Double] {
    (0..<codebook.centroidCount).map { centroid in
      (0..<rows.columnCount).reduce(0) {
        $0 + Double(rows[row, $1]) * Double(codebook.centroids[centroid, $1])
      }
    }
  }

  @Test func `the same tokens and seed give the same codebook`() {
    let (rows, _) = planted(3_000, directions: 40, noise: 0.3, seed: 1)
    let first = codebook(of: rows, 256)
    let second = codebook(of: rows, 256)
    #expect(first.id == second.id)
    #expect(first.bytes() == second.bytes())
    #expect(codebook(of: rows, 256, seed: 1).id != first.id)
    #expect(first.centroidCount == 256 && first.cellCount == 16 && first.cellSize == 16)
  }

  @Test func `tokens of one number come from one planted direction`() {
    let (rows, labels) = planted(6_000, directions: 50, noise: 0.05, seed: 2)
    let codebook = codebook(of: rows, 256)
    let codes = ScreenAssigner(codebook).codes(of: rows)
    var counts: [UInt16: [Int: Int]] = [:]
    for (code, label) in zip(codes, labels) { counts[code, default: [:]][label, default: 0] += 1 }
    let agreeing = counts.values.reduce(0) { $0 + $1.values.max()! }
    #expect(agreeing >= 5_970, "\(agreeing) of 6,000")
    // Several numbers may share a direction, but all directions have one.
    #expect(counts.count >= 50)
  }

  @Test func `a token gets the most similar centroid of its cells`() {
    let (rows, _) = planted(9_000, directions: 400, noise: 0.15, seed: 3)
    for (count, floor) in [(1, 300), (16, 300), (1_024, 285)] {
      let codebook = codebook(of: rows.rows(0..<4_000), count)
      // 9,000 tokens are more than one batch.
      let codes = ScreenAssigner(codebook).codes(of: rows)
      #expect(codes.count == 9_000 && codes.allSatisfy { $0 < count })
      var nearestCount = 0
      for row in stride(from: 0, to: 9_000, by: 30) {
        let similarities = similarities(rows, row, codebook)
        let best = similarities.max()!
        if similarities[Int(codes[row])] > best - 1e-6 { nearestCount += 1 }
      }
      // With up to four cells, all are looked at.
      #expect(nearestCount >= floor, "\(nearestCount) of 300 with \(count) centroids")
    }
  }

  @Test func `fewer tokens than centroids, and tokens of zeros, are learnt from`() {
    let (rows, _) = planted(3, directions: 3, noise: 0, seed: 4)
    let codebook = codebook(of: rows, 64)
    let codes = ScreenAssigner(codebook).codes(of: rows)
    for (row, code) in codes.enumerated() {
      #expect(similarities(rows, row, codebook)[Int(code)] > 0.999)
    }
    let zeros = Matrix(rowCount: 5, columnCount: Self.dimension)
    let empty = self.codebook(of: zeros, 64)
    #expect(ScreenAssigner(empty).codes(of: zeros) == [0, 0, 0, 0, 0])
    #expect(ScreenAssigner(codebook).codes(of: zeros.rows(0..<0)).isEmpty)
  }

  @Test func `a codebook survives being stored, to the bit`() throws {
    let (rows, _) = planted(500, directions: 9, noise: 0.3, seed: 5)
    let codebook = codebook(of: rows, 64)
    let bytes = codebook.bytes()
    let read = try ScreenCodebook(bytes.span)
    #expect(read.id == codebook.id && ScreenCodebook.id(of: bytes.span) == codebook.id)
    #expect(read.tokenCount == 500)
    #expect(read.cells.elements == codebook.cells.elements)
    #expect(read.centroids.elements == codebook.centroids.elements)
    #expect(read.bytes() == bytes)
  }

  @Test func `damaged bytes are refused`() {
    let (rows, _) = planted(100, directions: 9, noise: 0.3, seed: 6)
    let codebook = codebook(of: rows, 16)
    let bytes = codebook.bytes()
    func error(_ bytes: [UInt8]) -> ScreenCodebookError? {
      do throws(ScreenCodebookError) {
        _ = try ScreenCodebook(bytes.span)
        return nil
      } catch { return error }
    }
    for place in bytes.indices {
      for bit in [0, 7] {
        var damaged = bytes
        damaged[place] ^= 1 << bit
        #expect(error(damaged) != nil, "bit \(bit) of byte \(place)")
      }
    }
    for count in stride(from: 0, to: bytes.count, by: 7) {
      #expect(error(Array(bytes[..<count])) == .length, "\(count) bytes")
    }
    #expect(error([2] + bytes.dropFirst()) == .newerVersion(2))
    // A hash that fits does not make a number of what is none.
    let infinite = Matrix(codebook.centroids.elements, rowCount: 16, columnCount: Self.dimension)
    infinite[3, 1] = .infinity
    let id = ScreenCodebook.id(tokenCount: 1, cells: codebook.cells, centroids: infinite)
    let forged = ScreenCodebook(
      id: id, tokenCount: 1, cells: codebook.cells, centroids: infinite)
    #expect(error(forged.bytes()) == .value)
  }
}

@Suite struct ScreenTableTests {
  @Test(arguments: [1, 8, 9, 17, 33])
  func `a score is the sum over the words of the best centroid's byte`(wordCount: Int) throws {
    var generator = SeededGenerator(seed: UInt64(wordCount))
    let dimension = 24
    let sample = Matrix(generator.floats(400 * dimension), rowCount: 400, columnCount: dimension)
    sample.normalizeRows()
    let codebook = ScreenCodebook(learningFrom: sample, centroidCount: 64, tokenCount: 400)
    let query = try TokenMatrix(
      normalizing: generator.floats(wordCount * dimension), tokenCount: wordCount,
      dimension: dimension)
    let table = ScreenTable(query: query, codebook: codebook)
    let codes = ScreenAssigner(codebook).codes(of: sample)
    let bounds: [UInt32] = [0, 1, 30, 30, 200, 400]
    var scores: [Int32] = []
    #expect(table.writeScores(codes: codes.span, bounds: bounds.span, into: &scores))

    let rotation = TokenRotation(dimension: dimension)
    var rotated: [Double] = []
    for image in 0..<5 {
      let tokens = codes[Int(bounds[image])..<Int(bounds[image + 1])]
      var expected = 0.0
      for word in 0..<wordCount where !tokens.isEmpty {
        rotation.rotate(query[word], into: &rotated)
        expected += tokens.map { code in
          (0..<dimension).reduce(0) {
            $0 + rotated[$1] * Double(codebook.centroids[Int(code), $1])
          }
        }.map { (($0 + 1) * 127.5).rounded() }.max()!
      }
      // A similarity near the middle between two bytes may go either way.
      #expect(abs(Double(scores[image]) - expected) <= 1, "image \(image)")
      #expect(Int(scores[image]) <= table.largestScore)
    }
  }

  @Test(arguments: PlaneBits.allCases)
  func `tokens decoded in bulk are those decoded one by one`(bits: PlaneBits) throws {
    var generator = SeededGenerator(seed: 9)
    for dimension in [1, 7, 8, 9, 20, 64, 100] {
      var builder = PlaneSegmentBuilder(dimension: dimension, bits: bits)
      for id in 1...3 {
        builder.append(
          id: UInt64(id), rows: generator.floats(13 * dimension)[...], tokenCount: 13)
      }
      try PlaneSegment.withSegment(builder.bytes().span) { segment in
        var expected: [Float] = []
        var rows: [Float] = []
        for image in 0..<3 {
          segment.decode(image, bits: bits, into: &rows)
          expected += rows
        }
        for tokens in [0..<39, 5..<22, 16..<17, 38..<39, 7..<7] {
          let bulk = Matrix(rowCount: tokens.count, columnCount: dimension)
          segment.decode(tokens, into: bulk)
          #expect(
            bulk.elements
              == Array(expected[tokens.lowerBound * dimension..<tokens.upperBound * dimension]),
            "\(dimension) dimensions, tokens \(tokens)")
        }
      }
    }
  }
}
