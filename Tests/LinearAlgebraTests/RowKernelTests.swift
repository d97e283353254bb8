import FilipLinearAlgebra
import Foundation
import TestSupport
import Testing

extension KernelTests {
  /// Every instruction set against the definition in 64 bits, on widths around those of the vectors.
  @Suite struct RowKernelTests {
    static let widths = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100]

    /// A window (rows, width) in the middle of a larger matrix, so that strides matter.
    private func window(rows: Int, width: Int, seed: UInt64, scale: Float = 3) -> Matrix {
      var generator = SeededGenerator(seed: seed)
      let elements = (0..<(rows + 1) * (width + 5)).map { _ in
        Float.random(in: -scale...scale, using: &generator)
      }
      return Matrix(elements, rowCount: rows + 1, columnCount: width + 5)
        .rows(1..<rows + 1).columns(2..<width + 2)
    }

    private func row(_ matrix: Matrix, _ index: Int) -> [Double] {
      matrix.rows(index..<index + 1).elements.map { Double($0) }
    }

    private func expectClose(
      _ actual: [Float], _ expected: [Double], _ tolerance: Double, _ comment: String
    ) {
      let difference = zip(actual, expected).map { abs(Double($0) - $1) }.max() ?? 0
      #expect(actual.count == expected.count && difference <= tolerance, "\(comment)")
    }

    @Test func `the best instruction set is in use at the start`() {
      let best = InstructionSet.allCases.last { $0.force() }
      InstructionSet.chooseBest()
      #expect(InstructionSet.current == best)
    }

    @Test func `layer norm equals its definition`() {
      KernelTests.withEachInstructionSet { set in
        for width in Self.widths {
          for rows in [0, 1, 3] {
            let input = window(rows: rows, width: width, seed: UInt64(width))
            let gain = window(rows: 1, width: width, seed: 2)
            let bias = window(rows: 1, width: width, seed: 3)
            let expected = (0..<rows).flatMap { index in
              let values = row(input, index)
              let mean = values.reduce(0, +) / Double(width)
              let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(width)
              return values.enumerated().map { column, value in
                (value - mean) / (variance + 1e-5).squareRoot() * Double(gain[0, column])
                  + Double(bias[0, column])
              }
            }
            let output = Matrix(rowCount: rows, columnCount: width)
            input.layerNorm(gain: gain, bias: bias, epsilon: 1e-5, into: output)
            // A row of one element has variance 0, which rounding leaves unchanged.
            expectClose(output.elements, expected, 2e-5, "\(set) \(rows) × \(width)")
            input.layerNorm(gain: gain, bias: bias, epsilon: 1e-5, into: input)
            expectClose(input.elements, expected, 2e-5, "\(set) \(rows) × \(width) in place")
          }
        }
      }
    }

    @Test(arguments: [AttentionMask.none, .causal])
    func `softmax equals its definition and hides what the mask hides`(mask: AttentionMask) {
      KernelTests.withEachInstructionSet { set in
        for width in Self.widths {
          let scores = window(rows: width, width: width, seed: UInt64(width), scale: 40)
          let expected = (0..<width).flatMap { index in
            let seen = mask == .causal ? index + 1 : width
            let powers = row(scores, index).prefix(seen).map { exp(0.5 * $0) }
            let sum = powers.reduce(0, +)
            return powers.map { $0 / sum } + Array(repeating: 0, count: width - seen)
          }
          scores.softmaxRows(scale: 0.5, mask: mask)
          expectClose(scores.elements, expected, 2e-6, "\(set) \(width)")
        }
      }
    }

    @Test func `softmax of enormous scores stays finite`() {
      KernelTests.withEachInstructionSet { set in
        let scores = Matrix([1e30, -1e30, 1e30], rowCount: 1, columnCount: 3)
        scores.softmaxRows(scale: 1)
        #expect(scores.elements == [0.5, 0, 0.5] || scores.elements[1] < 1e-30, "\(set)")
        #expect(abs(scores[0, 0] - 0.5) < 1e-6, "\(set)")
      }
    }

    @Test(arguments: [Activation.relu, .gelu, .quickGELU, .tanhGELU])
    func `activations are exact to a millionth and pass over NaN`(activation: Activation) {
      func expected(_ x: Double) -> Double {
        switch activation {
        case .relu: max(x, 0)
        case .gelu: x / 2 * erfc(-x / 2.0.squareRoot())
        case .quickGELU: x / (1 + exp(-1.702 * x))
        case .tanhGELU:
          x / 2 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        }
      }
      KernelTests.withEachInstructionSet { set in
        for width in Self.widths + [2000] {
          let values = window(rows: 2, width: width, seed: UInt64(width), scale: 12)
          let bias = window(rows: 1, width: width, seed: 5)
          let results = (0..<2).flatMap { index in
            zip(row(values, index), row(bias, 0)).map { expected(Double(Float($0 + $1))) }
          }
          values.apply(activation, adding: bias)
          expectClose(values.elements, results, 1.5e-6, "\(set) \(width)")
        }
        let extremes = Matrix([.nan, 1e30, -1e30, 0], rowCount: 1, columnCount: 4)
        extremes.apply(activation, adding: Matrix(rowCount: 1, columnCount: 4))
        #expect(extremes[0, 0].isNaN || activation == .relu && extremes[0, 0] == 0, "\(set)")
        #expect(extremes[0, 1] == 1e30 && extremes[0, 3] == 0, "\(set)")
        #expect(abs(extremes[0, 2]) < 1e-6, "\(set)")
      }
    }

    @Test func `rows are normalised and a row of zeros stays zero`() {
      KernelTests.withEachInstructionSet { set in
        for width in Self.widths {
          let values = window(rows: 3, width: width, seed: UInt64(width))
          for column in 0..<width { values[1, column] = 0 }
          let expected = (0..<3).flatMap { index in
            let values = row(values, index)
            let length = values.map { $0 * $0 }.reduce(0, +).squareRoot()
            return values.map { length > 0 ? $0 / length : 0 }
          }
          values.normalizeRows()
          expectClose(values.elements, expected, 1e-6, "\(set) \(width)")
        }
      }
    }

    @Test func `segment maxima and their places equal a plain search`() {
      KernelTests.withEachInstructionSet { set in
        for width in Self.widths {
          for bounds in [[0], [0, 0], [0, 1], [0, 3, 3, 10], [0, 2, 5, 9]] {
            let scores = window(rows: bounds.last ?? 0, width: width, seed: UInt64(width))
            if scores.rowCount > 8 {
              // Ties: the first must win.
              for column in 0..<width where column % 3 == 0 {
                scores[8, column] = scores[6, column]
              }
            }
            let count = bounds.count - 1
            let maxima = Matrix(rowCount: count, columnCount: width)
            maximumPerSegment(scores, offsets: bounds, into: maxima)
            let also = Matrix(rowCount: count, columnCount: width)
            let places = maximumPerSegmentWithPlaces(scores, offsets: bounds, into: also)
            for segment in 0..<count {
              let rows = bounds[segment]..<bounds[segment + 1]
              for column in 0..<width {
                var largest = -Float.infinity
                var place: Int32 = -1
                for row in rows where scores[row, column] > largest {
                  largest = scores[row, column]
                  place = Int32(row - rows.lowerBound)
                }
                #expect(maxima[segment, column] == largest && also[segment, column] == largest)
                #expect(places[segment * width + column] == place, "\(set) \(width) \(bounds)")
              }
            }
          }
        }
      }
    }

    @Test func `row maxima equal a plain search`() {
      KernelTests.withEachInstructionSet { set in
        for width in Self.widths.dropFirst() {
          let scores = window(rows: 4, width: width, seed: UInt64(width))
          let expected = (0..<4).map { row in scores.rows(row..<row + 1).elements.max() }
          #expect(maximumPerRow(scores) == expected, "\(set) \(width)")
        }
      }
    }

    @Test func `binary16 is widened exactly and floats are rounded to it as the hardware does`() {
      let patterns = (0...UInt16.max).map { $0 }
      var generator = SeededGenerator(seed: 1)
      let samples =
        (0..<100_000).map { _ in
          Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &generator))
        }
        + patterns.flatMap { pattern in
          // Just at, below and above the middle between two neighbours.
          let float = Float(Float16(bitPattern: pattern))
          let middle = Float(bitPattern: float.bitPattern &+ 0x1000)
          return [float, middle, middle.nextUp, middle.nextDown]
        }
      KernelTests.withEachInstructionSet { set in
        let widened = floats(widening: patterns)
        for (pattern, float) in zip(patterns, widened) {
          let expected = Float(Float16(bitPattern: pattern))
          #expect(float.bitPattern == expected.bitPattern || float.isNaN && expected.isNaN)
        }
        let wrong = zip(samples, binary16(rounding: samples)).first { float, half in
          let expected = Float16(float)
          let actual = Float16(bitPattern: half)
          return actual.bitPattern != expected.bitPattern && !(actual.isNaN && expected.isNaN)
        }
        #expect(wrong == nil, "\(set)")
      }
    }

    @Test func `stored floats are read from any address`() {
      let half = Float16(-1.5).bitPattern
      let brain = UInt16(Float(-1.5).bitPattern >> 16)
      for shift in 0..<4 {
        for (format, pattern) in [(FloatFormat.float16, half), (.brainFloat16, brain)] {
          var bytes = [UInt8](repeating: 0xAA, count: shift)
          for _ in 0..<6 { bytes += [UInt8(pattern & 0xFF), UInt8(pattern >> 8)] }
          let matrix = Matrix(rowCount: 2, columnCount: 3)
          matrix.decode(bytes.span.bytes.extracting(droppingFirst: shift), as: format)
          #expect(matrix.elements == Array(repeating: -1.5, count: 6))
        }
      }
    }
  }
}
