import Testing

@testable import FilipQuery

@Suite struct GaussianSourceTests {
  @Test func `moments and tails are those of the normal distribution`() {
    let source = GaussianSource()
    var generator = SplitMix64(seed: 3)
    let count = 400_000.0
    var moments = [0.0, 0.0, 0.0, 0.0]
    var beyond = [1.0: 0.0, 2.0: 0.0, 3.0: 0.0, 3.6: 0.0]
    for _ in 0..<Int(count) {
      let x = source.next(&generator)
      var power = 1.0
      for index in 0..<4 {
        power *= x
        moments[index] += power / count
      }
      for bound in beyond.keys where abs(x) > bound { beyond[bound]! += 1 }
    }
    // Mean, variance, skewness, kurtosis: within five standard errors.
    let errors = [1.0, 2.0, 15.0, 96.0].map { 5 * ($0 / count).squareRoot() }
    for (index, expected) in [0.0, 1.0, 0.0, 3.0].enumerated() {
      #expect(abs(moments[index] - expected) < errors[index], "moment \(index + 1): \(moments)")
    }
    for (bound, share) in [(1.0, 0.317311), (2.0, 0.0455003), (3.0, 0.0026998), (3.6, 0.00031822)] {
      let expected = share * count
      #expect(abs(beyond[bound]! - expected) < 5 * expected.squareRoot(), "beyond \(bound)")
    }
  }

  @Test(arguments: [0.6, 0.25]) func `gamma numbers have the mean and variance of their shape`(
    shape: Double
  ) {
    let source = GaussianSource()
    var generator = SplitMix64(seed: 4)
    let count = 200_000.0
    var (sum, squares) = (0.0, 0.0)
    for _ in 0..<Int(count) {
      let x = source.gamma(shape: shape, &generator)
      #expect(x >= 0)
      sum += x / count
      squares += x * x / count
    }
    #expect(abs(sum - shape) < 0.02, "\(sum)")
    #expect(abs(squares - sum * sum - shape) < 0.05, "\(squares - sum * sum)")
  }

  @Test func `streams of neighbouring numbers and kinds have nothing in common`() {
    var seen: Set<UInt64> = []
    for kind in 0..<4 {
      for number in 0..<500 {
        var generator = SplitMix64(seed: 1, kind: UInt64(kind), number: number)
        for _ in 0..<4 { seen.insert(generator.next()) }
      }
    }
    #expect(seen.count == 4 * 500 * 4)
  }
}
