#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// What the images of an index score for one part of a query, whether they show it or not.
public struct Background: Sendable, Hashable {
  /// The mean score.
  public var mean: Double
  /// The standard deviation of the scores, 0 or more.
  public var deviation: Double
  /// The score in the middle.
  public var median: Double
  /// The median distance from the median, times 1.4826: the standard deviation, were the scores
  /// normally distributed. What fewer than half of the images do has little influence on it.
  public var spread: Double
  /// How many images were looked at.
  public var imageCount: Int

  /// So few images say nothing of their index.
  static let fewestImages = 20

  /// The background that some scores make; `nil` without any.
  init?(_ scores: [Double]) {
    guard !scores.isEmpty else { return nil }
    let count = Double(scores.count)
    let mean = scores.reduce(0, +) / count
    self.mean = mean
    deviation = (scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    let median = Self.median(scores)
    self.median = median
    spread = 1.4826 * Self.median(scores.map { abs($0 - median) })
    imageCount = scores.count
  }

  /// How many deviations a score lies above the mean; `nil` where the images are few or all alike.
  public func evidence(of score: Double) -> Double? {
    guard imageCount >= Self.fewestImages, deviation > 1e-6 else { return nil }
    return (score - mean) / deviation
  }

  /// The evidence that the best of so many images has as a rule although none shows the thing: where
  /// the largest of `n` normally distributed numbers is likeliest to lie,
  ///
  ///     √(2 ln n) − (ln ln n + ln 4π) / (2 √(2 ln n)).
  ///
  /// Of things that are there, the best image stays below in 3 to 5 % of cases (bundled model, 30 to
  /// 300 images); of things that are not, in 7 to 13 % (Benchmarks/evidence). So it is but a hint.
  public static func chanceEvidence(imageCount: Int) -> Double {
    let count = Double(max(imageCount, 2))
    let root = (2 * log(count)).squareRoot()
    return root - (log(log(count)) + log(4 * .pi)) / (2 * root)
  }

  /// What an image hardly exceeds unless it shows the thing: the median and two spreads.
  ///
  /// The median rather than the mean: as long as less than half of the images show a thing, they do
  /// not lift the ceiling far, and where more do, the thing is what this index is about.
  var ceiling: Double { median + 2 * spread }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2)
      ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }
}
