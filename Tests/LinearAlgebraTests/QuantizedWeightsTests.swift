import FilipLinearAlgebra
import TestSupport
import Testing

extension KernelTests {
  /// Linear layers in 8 bits: every instruction set against the formulas of CKernels.h, which are
  /// written out here once more.
  @Suite struct QuantizedWeightsTests {
    /// What an output's weights are rounded to.
    static func rounded(weights: [Float]) -> (codes: [Int], scale: Float) {
      let largest = weights.map { abs($0) }.max() ?? 0
      let factor = 127 / largest
      return (
        weights.map { Int(($0 * factor).rounded(.toNearestOrAwayFromZero)) }, largest / 127
      )
    }

    /// What a row of values is rounded to.
    static func rounded(_ row: [Float]) -> (codes: [Int], zero: Int, scale: Float) {
      let low = min(0, row.min() ?? 0)
      let high = max(0, row.max() ?? 0)
      let factor = 255 / (high - low)
      let zero = Int(-low * factor + 0.5)
      let codes = row.map {
        min(255, max(0, Int(($0 * factor + (Float(zero) + 0.5)).rounded(.down))))
      }
      return (codes, zero, (high - low) / 255)
    }

    static func floats(_ count: Int, _ generator: inout SeededGenerator) -> [Float] {
      (0..<count).map { _ in Float.random(in: -2...3, using: &generator) }
    }

    static func bits(_ matrix: Matrix) -> [UInt32] { matrix.elements.map { $0.bitPattern } }

    @Test(arguments: [
      (1, 1, 1), (5, 3, 17), (7, 64, 16), (13, 65, 100), (6, 257, 64), (400, 30, 5),
      (12, 768, 32), (25, 9, 49),
    ])
    func `every instruction set gives the sums of the definition`(
      rows: Int, inputs: Int, outputs: Int
    ) {
      var generator = SeededGenerator(seed: UInt64(rows * 1000 + inputs))
      let weights = Self.floats(outputs * inputs, &generator)
      let values = Self.floats(rows * inputs, &generator)
      let bias = Self.floats(outputs, &generator)
      let before = Self.floats(rows * outputs, &generator)
      var expected: [UInt32] = []
      let columns = (0..<outputs).map { output in
        Self.rounded(weights: Array(weights[output * inputs..<(output + 1) * inputs]))
      }
      for row in 0..<rows {
        let (codes, zero, scale) = Self.rounded(Array(values[row * inputs..<(row + 1) * inputs]))
        for output in 0..<outputs {
          let column = columns[output]
          let sum = zip(codes, column.codes).reduce(0) { $0 + ($1.0 - zero) * $1.1 }
          let product = Float(sum) * (scale * column.scale)
          expected.append((before[row * outputs + output] + (product + bias[output])).bitPattern)
        }
      }
      KernelTests.withEachInstructionSet { set in
        let layer = QuantizedWeights(
          rounding: [Matrix(weights, rowCount: outputs, columnCount: inputs)])
        let result = Matrix(before, rowCount: rows, columnCount: outputs)
        multiply(
          Matrix(values, rowCount: rows, columnCount: inputs), quantized: layer,
          bias: Matrix(bias, rowCount: 1, columnCount: outputs), into: result, keep: true)
        #expect(Self.bits(result) == expected, "\(set), \(rows) × \(inputs) × \(outputs)")
      }
    }

    @Test func `the largest codes neither saturate nor overflow`() {
      // 255 times 127 and -127 at every place: two of them do not fit 16 bits.
      let inputs = 4096
      let values = Matrix([Float](repeating: 1, count: inputs), rowCount: 1, columnCount: inputs)
      for sign: Float in [1, -1] {
        let layer = QuantizedWeights(rounding: [
          Matrix([Float](repeating: sign, count: inputs), rowCount: 1, columnCount: inputs)
        ])
        KernelTests.withEachInstructionSet { set in
          let result = Matrix(rowCount: 1, columnCount: 1)
          multiply(values, quantized: layer, bias: nil, into: result)
          #expect(abs(result[0, 0] - sign * Float(inputs)) < 0.01, "\(set)")
        }
      }
    }

    @Test func `stacked matrices are one layer, whatever their heights`() {
      var generator = SeededGenerator(seed: 3)
      let all = Matrix(Self.floats(45 * 20, &generator), rowCount: 45, columnCount: 20)
      let values = Matrix(Self.floats(9 * 20, &generator), rowCount: 9, columnCount: 20)
      let parts = [all.rows(0..<7), all.rows(7..<30), all.rows(30..<45)]
      let (whole, stacked) = (
        Matrix(rowCount: 9, columnCount: 45), Matrix(rowCount: 9, columnCount: 45)
      )
      multiply(values, quantized: QuantizedWeights(rounding: [all]), bias: nil, into: whole)
      multiply(values, quantized: QuantizedWeights(rounding: parts), bias: nil, into: stacked)
      #expect(Self.bits(whole) == Self.bits(stacked))
    }

    @Test func `windows with gaps are read and written inside their columns only`() {
      var generator = SeededGenerator(seed: 4)
      let values = Matrix(Self.floats(11 * 40, &generator), rowCount: 11, columnCount: 40)
      let weights = QuantizedWeights(rounding: [
        Matrix(Self.floats(21 * 30, &generator), rowCount: 21, columnCount: 30)
      ])
      let frame = Matrix(rowCount: 11, columnCount: 25)
      frame.fill(7)
      let dense = Matrix(rowCount: 11, columnCount: 21)
      let window = values.columns(5..<35)
      multiply(window, quantized: weights, bias: nil, into: frame.columns(2..<23))
      multiply(
        Matrix(window.elements, rowCount: 11, columnCount: 30), quantized: weights, bias: nil,
        into: dense)
      #expect(Self.bits(frame.columns(2..<23)) == Self.bits(dense))
      #expect(frame.columns(0..<2).elements.allSatisfy { $0 == 7 })
      #expect(frame.columns(23..<25).elements.allSatisfy { $0 == 7 })
    }

    @Test(arguments: [Activation.relu, .gelu, .quickGELU, .tanhGELU])
    func `an activation on the way is that of a pass of its own`(activation: Activation) {
      var generator = SeededGenerator(seed: 5)
      let values = Matrix(Self.floats(14 * 24, &generator), rowCount: 14, columnCount: 24)
      let bias = Matrix(Self.floats(70, &generator), rowCount: 1, columnCount: 70)
      let weights = QuantizedWeights(rounding: [
        Matrix(Self.floats(70 * 24, &generator), rowCount: 70, columnCount: 24)
      ])
      let (fused, apart) = (
        Matrix(rowCount: 14, columnCount: 70), Matrix(rowCount: 14, columnCount: 70)
      )
      multiply(values, quantized: weights, bias: bias, into: fused, activation: activation)
      multiply(values, quantized: weights, bias: nil, into: apart)
      apart.apply(activation, adding: bias)
      #expect(fused.elements == apart.elements)
    }

    @Test func `what is no number stays none, in its row or its column`() {
      let values = Matrix(rowCount: 3, columnCount: 8)
      values.fill(1)
      values[1, 3] = .nan
      values[2, 5] = .infinity
      let matrix = Matrix(rowCount: 2, columnCount: 8)
      matrix.fill(0.5)
      matrix[1, 0] = -.infinity
      let result = Matrix(rowCount: 3, columnCount: 2)
      multiply(values, quantized: QuantizedWeights(rounding: [matrix]), bias: nil, into: result)
      #expect(abs(result[0, 0] - 4) < 0.01)
      #expect(result.elements.map { $0.isNaN } == [false, true, true, true, true, true])
    }

    @Test func `rows and weights of nothing leave the bias`() {
      let values = Matrix([0, 0, 0, 0, 0, 0, 1, 2], rowCount: 2, columnCount: 4)
      let matrix = Matrix([1, 2, 3, 4, 0, 0, 0, 0], rowCount: 2, columnCount: 4)
      let bias = Matrix([0.25, -3], rowCount: 1, columnCount: 2)
      let result = Matrix(rowCount: 2, columnCount: 2)
      multiply(values, quantized: QuantizedWeights(rounding: [matrix]), bias: bias, into: result)
      #expect(result[0, 0] == 0.25 && result[0, 1] == -3 && result[1, 1] == -3)
      #expect(abs(result[1, 0] - 11.25) < 0.1)
    }

    @Test func `weights that were kept as bytes give the same products`() {
      var generator = SeededGenerator(seed: 6)
      let layer = QuantizedWeights(rounding: [
        Matrix(Self.floats(19 * 33, &generator), rowCount: 19, columnCount: 33)
      ])
      let bytes = layer.withUnsafeBytes { Array($0) }
      let owner = Kept(bytes)
      let borrowed = QuantizedWeights(
        borrowing: owner.bytes, outputCount: 19, inputCount: 33, owner: owner)
      let values = Matrix(Self.floats(4 * 33, &generator), rowCount: 4, columnCount: 33)
      let (first, second) = (
        Matrix(rowCount: 4, columnCount: 19), Matrix(rowCount: 4, columnCount: 19)
      )
      multiply(values, quantized: layer, bias: nil, into: first)
      multiply(values, quantized: borrowed, bias: nil, into: second)
      #expect(Self.bits(first) == Self.bits(second))
    }

    final class Kept {
      let bytes: UnsafeRawBufferPointer

      init(_ bytes: [UInt8]) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
        memory.copyBytes(from: bytes)
        self.bytes = UnsafeRawBufferPointer(memory)
      }

      deinit { bytes.deallocate() }
    }
  }
}
