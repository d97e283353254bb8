import FilipLinearAlgebra
import TestSupport
import Testing

@testable import FilipEncoders

/// Layers in 8 bits are applied to runs of rows; where these are cut must not show.
@Suite struct RowRunTests {
  static func matrix(_ rows: Int, _ columns: Int, _ generator: inout SeededGenerator) -> Matrix {
    Matrix(
      (0..<rows * columns).map { _ in Float.random(in: -1...1, using: &generator) },
      rowCount: rows, columnCount: columns)
  }

  static func layer(
    from input: Int, to output: Int, _ generator: inout SeededGenerator
  ) -> Linear {
    Linear(
      .quantized(QuantizedWeights(rounding: [matrix(output, input, &generator)])),
      bias: matrix(1, output, &generator))
  }

  static func block(
    _ placement: TransformerConfiguration.NormPlacement, _ generator: inout SeededGenerator
  ) -> TransformerBlock {
    func norm() -> LayerNorm {
      LayerNorm(
        gain: matrix(1, 8, &generator), bias: matrix(1, 8, &generator), epsilon: 1e-5)
    }
    return TransformerBlock(
      attentionNorm: norm(),
      attention: Attention(
        fused: layer(from: 8, to: 24, &generator), output: layer(from: 8, to: 8, &generator),
        headCount: 2, mask: .none),
      feedForwardNorm: norm(),
      feedForward: FeedForward(
        inner: layer(from: 8, to: 20, &generator), outer: layer(from: 20, to: 8, &generator),
        activation: .quickGELU, isGated: false),
      normPlacement: placement)
  }

  @Test(arguments: [TransformerConfiguration.NormPlacement.before, .after], [95, 96, 97, 250])
  func `a batch of short sequences is each of them alone`(
    placement: TransformerConfiguration.NormPlacement, count: Int
  ) {
    var generator = SeededGenerator(seed: UInt64(count))
    let block = Self.block(placement, &generator)
    let input = Self.matrix(count, 8, &generator)
    let sequences = stride(from: 0, to: count, by: 5).map { $0..<min($0 + 5, count) }
    let together = Matrix(input.elements, rowCount: count, columnCount: 8)
    block.run(on: together, sequences: sequences, workspace: EncoderWorkspace())
    let workspace = EncoderWorkspace()
    for sequence in sequences {
      let alone = Matrix(rowCount: sequence.count, columnCount: 8)
      alone.assign(input.rows(sequence))
      block.run(on: alone, sequences: [0..<sequence.count], workspace: workspace)
      #expect(alone.elements == together.rows(sequence).elements, "\(sequence)")
    }
    #expect(together.elements != input.elements)
  }

  @Test(arguments: [0, 1, 96, 97, 500])
  func `runs of rows are all of them, in order`(count: Int) {
    let matrix = Matrix(rowCount: 1, columnCount: 1)
    let kinds = [
      LinearWeight.floats([matrix]), .quantized(QuantizedWeights(rounding: [matrix])),
    ]
    for weight in kinds {
      #expect(weight.runs(of: count).flatMap { Array($0) } == Array(0..<count))
    }
  }
}
