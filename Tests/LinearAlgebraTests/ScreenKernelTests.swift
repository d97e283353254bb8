import FilipLinearAlgebra
import TestSupport
import Testing

@Suite struct ScreenKernelTests {
  /// Images of 0 to 70 tokens, a table of random bytes, and codes that name its rows.
  private struct Sample {
    var bounds: [UInt32] = [3]
    var codes: [UInt16]
    var table: [UInt8]

    init(rowCount: Int, rowByteCount: Int, using generator: inout SeededGenerator) {
      for count in Array(0...9) + [15, 16, 17, 70, 0] {
        bounds.append(bounds.last! + UInt32(count))
      }
      codes = (0..<Int(bounds.last!) + 5).map { _ in
        UInt16.random(in: 0...UInt16(rowCount - 1), using: &generator)
      }
      table = (0..<rowCount * rowByteCount).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
    }

    /// The definition.
    func scores(rowByteCount: Int) -> [Int32] {
      zip(bounds, bounds.dropFirst()).map { first, end in
        (0..<rowByteCount).reduce(0) { sum, column in
          sum
            + (codes[Int(first)..<Int(end)].map {
              Int32(table[Int($0) * rowByteCount + column])
            }.max() ?? 0)
        }
      }
    }
  }

  @Test(arguments: [8, 16, 32, 48, 64, 80])
  func `scores equal their definition`(rowByteCount: Int) {
    var generator = SeededGenerator(seed: UInt64(rowByteCount))
    for rowCount in [1, 7, 1024, 1 << 16] {
      let sample = Sample(rowCount: rowCount, rowByteCount: rowByteCount, using: &generator)
      var scores: [Int32] = []
      #expect(
        screenScores(
          codes: sample.codes.span, bounds: sample.bounds.span, table: sample.table.span,
          rowByteCount: rowByteCount, into: &scores))
      #expect(scores == sample.scores(rowByteCount: rowByteCount), "\(rowCount) rows")
    }
  }

  @Test func `codes and bounds that lead nowhere are refused`() {
    let table = [UInt8](repeating: 1, count: 4 * 8)
    var scores: [Int32] = []
    func isAccepted(_ codes: [UInt16], _ bounds: [UInt32]) -> Bool {
      screenScores(
        codes: codes.span, bounds: bounds.span, table: table.span, rowByteCount: 8, into: &scores)
    }
    let codes = (0..<100).map { UInt16($0 % 4) }
    #expect(isAccepted(codes, [0, 50, 100]))
    #expect(!isAccepted(codes, [0, 50, 101]))
    #expect(!isAccepted(codes, [0, 50, 49]))
    #expect(!isAccepted(codes, []))
    #expect(isAccepted([], [0]))
    for place in codes.indices {
      var damaged = codes
      damaged[place] = 4
      #expect(!isAccepted(damaged, [0, 50, 100]), "code \(place)")
    }
  }

  @Test func `rows are selected and added by number`() {
    var generator = SeededGenerator(seed: 5)
    let source = Matrix(generator.floats(7 * 5), rowCount: 7, columnCount: 5)
    let selected = Matrix(rowCount: 4, columnCount: 5)
    selected.assign(source, rows: [6, 0, 0, 3])
    for (row, index) in [6, 0, 0, 3].enumerated() {
      for column in 0..<5 { #expect(selected[row, column] == source[index, column]) }
    }
    let sums = Matrix(rowCount: 2, columnCount: 5)
    sums.fill(1)
    sums.add(selected, toRows: [1, 0, 1, 1])
    for column in 0..<5 {
      #expect(sums[0, column] == 1 + source[0, column])
      #expect(
        sums[1, column] == ((1 + source[6, column]) + source[0, column]) + source[3, column])
    }
  }
}
