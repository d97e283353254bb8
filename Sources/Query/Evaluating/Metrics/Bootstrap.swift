import FilipLateInteraction

/// The mean of a measure over queries, and how far it can be trusted.
package struct MeanEstimate: Sendable, Hashable {
  /// Mean over the queries.
  package var mean: Double
  /// From the 2.5th to the 97.5th percentile of the means of resampled queries.
  package var interval: ClosedRange<Double>
  /// Queries.
  package var count: Int

  /// Half of the interval's width.
  package var reach: Double { (interval.upperBound - interval.lowerBound) / 2 }

  /// The mean of some values and its 95 % interval by the percentile bootstrap (Efron, 1979): as
  /// many values are drawn with replacement as there are, again and again. The same values and seed
  /// give the same interval.
  /// - Complexity: values × `resampleCount`.
  package init(bootstrapping values: [Double], resampleCount: Int = 1000, seed: UInt64 = 1) {
    count = values.count
    guard !values.isEmpty else {
      (mean, interval) = (0, 0...0)
      return
    }
    let mean = values.reduce(0, +) / Double(values.count)
    var generator = SplitMix64(seed: seed)
    var means = (0..<resampleCount).map { _ in
      var sum = 0.0
      for _ in values { sum += values[generator.index(below: values.count)] }
      return sum / Double(values.count)
    }
    means.sort()
    self.mean = mean
    let last = resampleCount - 1
    func percentile(_ share: Double) -> Double { means[Int((share * Double(last)).rounded())] }
    interval = percentile(0.025)...percentile(0.975)
  }
}
