import FilipEncoders
import FilipLateInteraction
package import FilipStore

/// What share of the ten best images a search through the screen finds, as measured on the index
/// itself by exact searches.
public struct RecallEstimate: Sendable, Hashable {
  /// Mean over the queries.
  public var value: Double
  /// 95 % confidence interval of the mean.
  public var interval: ClosedRange<Double>
  /// Number of queries.
  public var queryCount: Int
  /// Where the queries came from: "phrases" or "own tokens".
  public var querySource: String
  /// Commit of the index that was measured.
  public var generation: UInt64
}

/// Recall against the number of candidates: a note of the index.
///
/// It is absent rather than stale: once the index has changed by more than a tenth, it counts no
/// longer.
package struct RecallCurve: Sendable, Hashable {
  /// One number of candidates.
  package struct Point: Sendable, Hashable {
    package var candidateCount: Int
    package var recall: Double
    package var interval: ClosedRange<Double>
  }

  /// By rising number of candidates.
  package var points: [Point]
  package var queryCount: Int
  package var querySource: String
  package var generation: UInt64
  /// The codebook that was measured.
  package var codebook: UInt64
  /// Images when it was measured, and ids given by then.
  package var imageCount: Int
  package var nextItem: UInt64

  static let noteName = "cascade-recall"
  /// The share of its images by which an index may have changed.
  private static let tolerance = 0.1

  /// The least number of candidates that reached `recall`; all measured ones when none did.
  package func candidateCount(forRecall recall: Double) -> Int? {
    (points.first { $0.recall >= recall } ?? points.last)?.candidateCount
  }

  /// What was measured for the largest number of candidates up to `candidateCount`: a search that
  /// lets more through finds no less.
  package func estimate(candidateCount: Int) -> RecallEstimate? {
    guard let point = points.last(where: { $0.candidateCount <= candidateCount }) else {
      return nil
    }
    return RecallEstimate(
      value: point.recall, interval: point.interval, queryCount: queryCount,
      querySource: querySource, generation: generation)
  }
}

// MARK: - The note

extension RecallCurve {
  /// The curve of an index; `nil` when there is none that fits the index as it is now, or it is damaged.
  package init?(_ snapshot: borrowing Snapshot) throws {
    guard let note = try? snapshot.note(Self.noteName), let curve = RecallCurve(note),
      try curve.codebook == snapshot.screenCodebookID
    else { return nil }
    let count = try snapshot.readableCount
    // In doubles, which hold what a damaged note may say.
    let added = Double(try snapshot.nextItem &- curve.nextItem)
    let removed = Double(curve.imageCount) + added - Double(count)
    guard added + max(0, removed) <= Self.tolerance * Double(max(1, curve.imageCount))
    else { return nil }
    self = curve
  }

  init?(_ note: [UInt8]) {
    guard let json = try? JSONValue(parsing: note), json["version"]?.integer == 1,
      let points = json["points"]?.array, let queryCount = json["queries"]?.integer,
      let querySource = json["source"]?.string,
      let numbers = json["at"]?.array?.compactMap(\.string).compactMap({ UInt64($0) }),
      numbers.count == 4, let imageCount = Int(exactly: numbers[2])
    else { return nil }
    self.points = []
    for point in points {
      guard let values = point.array?.compactMap(\.double), values.count == 4,
        let candidateCount = Int(exactly: values[0]), candidateCount > 0, values[2] <= values[3]
      else { return nil }
      self.points.append(
        Point(
          candidateCount: candidateCount, recall: values[1], interval: values[2]...values[3]))
    }
    self.queryCount = Int(queryCount)
    self.querySource = querySource
    (generation, codebook, nextItem) = (numbers[0], numbers[1], numbers[3])
    self.imageCount = imageCount
  }

  /// The note's bytes.
  package var note: [UInt8] {
    let numbers = [generation, codebook, UInt64(imageCount), nextItem]
    return Array(
      JSONValue.members([
        "version": .integer(1),
        "points": .array(
          points.map {
            .array([
              .double(Double($0.candidateCount)), .double($0.recall),
              .double($0.interval.lowerBound), .double($0.interval.upperBound),
            ])
          }),
        "queries": .count(queryCount), "source": .string(querySource),
        "at": .array(numbers.map { .string(String($0)) }),
      ]).text.utf8)
  }
}
