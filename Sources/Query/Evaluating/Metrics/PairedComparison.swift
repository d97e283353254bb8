import FilipLateInteraction

/// Whether two systems differ on the same queries.
package struct PairedComparison: Sendable, Hashable {
  /// The mean of `second − first`, with its 95 % interval by the bootstrap over queries.
  package var difference: MeanEstimate
  /// Two-sided p-value of Fisher's paired randomisation test: the share of random swaps of both
  /// systems, query by query, that put their means at least as far apart.
  package var pValue: Double

  /// Compares two lists with a value for each query, in the same order.
  ///
  /// The observed assignment counts as one of the random ones, so `pValue` is never 0.
  /// - Precondition: both have as many values.
  /// - Complexity: queries × `swapCount`.
  package init(
    _ first: [Double], _ second: [Double], swapCount: Int = 10_000, seed: UInt64 = 1
  ) {
    precondition(first.count == second.count, "a value of both systems for each query")
    let differences = zip(first, second).map { $1 - $0 }
    difference = MeanEstimate(bootstrapping: differences, seed: seed)
    // Queries on which both agree stay where they are, however they are swapped.
    let unequal = differences.filter { $0 != 0 }
    let observed = abs(unequal.reduce(0, +))
    var generator = SplitMix64(seed: seed &+ 1)
    var count = 1
    for _ in 0..<swapCount {
      var sum = 0.0
      var bits: UInt64 = 0
      for (place, difference) in unequal.enumerated() {
        if place % 64 == 0 { bits = generator.next() }
        sum += bits & 1 == 0 ? difference : -difference
        bits >>= 1
      }
      // Sums in another order differ by their rounding.
      if abs(sum) >= observed - 1e-12 * Double(unequal.count) { count += 1 }
    }
    pValue = Double(count) / Double(swapCount + 1)
  }
}
