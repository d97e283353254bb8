import FilipLinearAlgebra
import Foundation
import TestSupport
import Testing

extension KernelTests {
  /// Attention of one head with every instruction set, against its definition in 64 bits.
  @Suite struct HeadAttentionTests {
    /// A window of (rows, columns) in a larger matrix, whose frame holds 1000.
    static func window(
      _ rows: Int, _ columns: Int, scale: Float = 1, _ generator: inout SeededGenerator
    ) -> Matrix {
      let frame = Matrix(rowCount: rows + 2, columnCount: columns + 7)
      frame.fill(1000)
      let window = frame.rows(1..<rows + 1).columns(3..<columns + 3)
      for row in 0..<rows {
        for column in 0..<columns {
          window[row, column] = Float.random(in: -scale...scale, using: &generator)
        }
      }
      return window
    }

    static func expected(
      _ queries: Matrix, _ keys: Matrix, _ values: Matrix, scale: Double, isCausal: Bool
    ) -> [Double] {
      (0..<queries.rowCount).flatMap { row in
        let seen = isCausal ? min(row + 1, keys.rowCount) : keys.rowCount
        let scores = (0..<seen).map { token in
          scale
            * (0..<keys.columnCount).reduce(0.0) {
              $0 + Double(queries[row, $1]) * Double(keys[token, $1])
            }
        }
        let largest = scores.max() ?? 0
        let powers = scores.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        return (0..<values.columnCount).map { column in
          (0..<seen).reduce(0.0) { $0 + powers[$1] / sum * Double(values[$1, column]) }
        }
      }
    }

    /// Around the sizes of tiles: 4, 6 and 12 queries, 8, 16 and 32 tokens or columns.
    @Test(arguments: [
      (1, 1, 1), (1, 33, 64), (3, 5, 7), (4, 31, 9), (6, 32, 16), (12, 65, 20), (13, 16, 33),
      (17, 17, 32), (50, 50, 64), (29, 197, 80),
    ])
    func `attention equals its definition`(asking: Int, tokens: Int, width: Int) {
      var generator = SeededGenerator(seed: UInt64(asking * 1000 + tokens))
      let queries = Self.window(asking, width, scale: 3, &generator)
      let keys = Self.window(tokens, width, scale: 3, &generator)
      let values = Self.window(tokens, width, &generator)
      let before = Self.window(asking, width, &generator).elements
      // More than is asked for, and no numbers in it: the kernel reads what it has written only.
      let scratch = Matrix(
        rowCount: 1, columnCount: HeadAttention.scratchCount(tokenCount: tokens, width: width) + 1)
      KernelTests.withEachInstructionSet { set in
        for (isCausal, keep) in [(false, false), (false, true), (true, false), (true, true)] {
          let expected = Self.expected(queries, keys, values, scale: 0.3, isCausal: isCausal)
          scratch.fill(.nan)
          let frame = Matrix(rowCount: asking + 2, columnCount: width + 2)
          frame.fill(7)
          let output = frame.rows(1..<asking + 1).columns(1..<width + 1)
          if keep {
            output.assign(Matrix(before, rowCount: asking, columnCount: width))
          }
          HeadAttention(
            queries: queries, keys: keys, values: values, scale: 0.3, isCausal: isCausal
          ).write(to: output, keep: keep, scratch: scratch)
          let differences = output.elements.enumerated().map { index, value in
            abs(Double(value) - expected[index] - (keep ? Double(before[index]) : 0))
          }
          #expect(
            (differences.max() ?? 0) < 5e-6,
            "\(set), \(asking) × \(tokens) × \(width), causal \(isCausal), keep \(keep)")
          #expect(
            frame.elements.count { $0 == 7 } >= frame.elements.count - asking * width
              && scratch[0, scratch.columnCount - 1].isNaN, "\(set): nothing beside the output")
        }
      }
    }

    @Test func `tokens that are not seen have no part, whatever they hold`() {
      let keys = Matrix([1, 1e30, 1e30], rowCount: 3, columnCount: 1)
      let values = Matrix([2, 1e30, -1e30], rowCount: 3, columnCount: 1)
      let queries = Matrix([1, 1, 1], rowCount: 3, columnCount: 1)
      let scratch = Matrix(
        rowCount: 1, columnCount: HeadAttention.scratchCount(tokenCount: 3, width: 1))
      KernelTests.withEachInstructionSet { set in
        let output = Matrix(rowCount: 3, columnCount: 1)
        HeadAttention(queries: queries, keys: keys, values: values, scale: 1, isCausal: true)
          .write(to: output, scratch: scratch)
        #expect(output[0, 0] == 2 && output[1, 0] == 1e30, "\(set)")
      }
    }
  }
}
