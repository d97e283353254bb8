import FilipQuery
import Foundation
import TestSupport
import Testing

@Suite struct EstimateTests {
  @Test func `a bootstrap interval is that of the normal law on many hits and misses`() {
    let values = (0..<400).map { $0 % 5 == 0 ? 1.0 : 0 }
    let estimate = MeanEstimate(bootstrapping: values, resampleCount: 4000)
    #expect(abs(estimate.mean - 0.2) < 1e-12)
    let reach = 1.96 * (0.2 * 0.8 / 400).squareRoot()
    #expect(abs(estimate.interval.lowerBound - (0.2 - reach)) < 0.006)
    #expect(abs(estimate.interval.upperBound - (0.2 + reach)) < 0.006)
    #expect(estimate == MeanEstimate(bootstrapping: values, resampleCount: 4000))
  }

  @Test func `equal values leave no doubt, and no values are none`() {
    let sure = MeanEstimate(bootstrapping: [0.5, 0.5, 0.5])
    #expect(sure.interval == 0.5...0.5 && sure.reach == 0)
    #expect(MeanEstimate(bootstrapping: []).count == 0)
  }

  @Test func `the randomisation test is that of trying all swaps`() {
    for seed in UInt64(0)..<5 {
      var generator = SeededGenerator(seed: seed)
      let first = (0..<10).map { _ in Double(Int.random(in: 0...3, using: &generator)) }
      let second = (0..<10).map { _ in Double(Int.random(in: 0...4, using: &generator)) }
      let differences = zip(first, second).map { $1 - $0 }
      let observed = abs(differences.reduce(0, +))
      let extreme = (0..<1024).count { swaps in
        let sum = differences.enumerated().reduce(0.0) {
          $0 + (swaps >> $1.offset & 1 == 0 ? $1.element : -$1.element)
        }
        return abs(sum) >= observed
      }
      let comparison = PairedComparison(first, second, swapCount: 20_000)
      #expect(abs(comparison.pValue - Double(extreme) / 1024) < 0.015, "seed \(seed)")
      #expect(abs(comparison.difference.mean - differences.reduce(0, +) / 10) < 1e-12)
    }
  }

  @Test func `a system does not differ from itself, and a better one does on many queries`() {
    let values = (0..<300).map { Double($0 % 7) / 7 }
    #expect(PairedComparison(values, values).pValue == 1)
    let better = PairedComparison(values, values.map { $0 + 0.1 })
    #expect(better.pValue < 0.001 && abs(better.difference.mean - 0.1) < 1e-9)
    // More than 64 queries: every one is swapped on its own.
    let mixed = PairedComparison(
      values, values.enumerated().map { $1 + ($0 % 2 == 0 ? 0.1 : -0.1) })
    #expect(mixed.pValue > 0.5)
  }
}
