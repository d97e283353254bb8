import FilipLateInteraction
import FilipStore

/// Whether a search looks at every image, or at those that a screen lets through.
struct SearchPlan: Sendable {
  /// A search through a screen.
  struct Cascade: Sendable {
    var codebook: ScreenCodebook
    /// Images to let through.
    var candidateCount: Int
    /// What that finds, where it was measured.
    var recall: RecallEstimate?
  }

  /// `nil` for every image.
  let cascade: Cascade?

  /// No screen, however large the index.
  static let everyImage = SearchPlan(cascade: nil)

  private init(cascade: Cascade?) { self.cascade = cascade }

  /// Up to so many bytes of codes for each thread, an exact search takes a few tenths of a second.
  private static let exactByteCountPerThread = 2 << 30
  /// Candidates where nothing was measured.
  private static let unmeasuredCandidateCount = 10_000

  /// - Throws: `QueryError.noScreen` when a cascade is asked for and the index has no screen, or
  ///   the query's dimension is not the screen's.
  init(
    _ tokens: TokenMatrix, _ parameters: SearchParameters, _ scope: Scope,
    _ snapshot: borrowing Snapshot, _ codebooks: ScreenCodebookCache
  ) throws {
    switch parameters.method {
    case .exact:
      cascade = nil
    case .cascade(let candidates):
      guard let codebook = try codebooks.codebook(of: snapshot),
        codebook.dimension == tokens.dimension
      else {
        throw QueryError(
          .noScreen,
          "this index has no screen for a cascade; make one with `filip index --cascade`, or drop "
            + "--cascade and --candidates")
      }
      var asked = try Self.cascade(codebook, candidates: candidates, snapshot)
      // The screen ranks by, and was measured in, one direction only.
      if parameters.direction != .textToImage { asked.recall = nil }
      cascade = asked
    case .automatic:
      let limit = Self.exactByteCountPerThread * max(1, parameters.threadCount)
      guard parameters.direction == .textToImage,
        try Self.byteCount(of: scope, snapshot) > limit,
        let codebook = try codebooks.codebook(of: snapshot),
        codebook.dimension == tokens.dimension
      else {
        cascade = nil
        return
      }
      let planned = try Self.cascade(codebook, candidates: nil, snapshot)
      cascade = planned.recall == nil ? nil : planned
    }
  }

  /// Bytes of the scan plane that an exact search would read, all images being taken for equal.
  private static func byteCount(
    of scope: Scope, _ snapshot: borrowing Snapshot
  ) throws -> Int {
    let byteCount = try snapshot.statistics.planeByteCount
    guard let count = scope.count else { return byteCount }
    let share = Double(count) / Double(max(1, try snapshot.itemCount))
    return Int(Double(byteCount) * min(1, share))
  }

  private static func cascade(
    _ codebook: ScreenCodebook, candidates: Int?, _ snapshot: borrowing Snapshot
  ) throws -> Cascade {
    let curve = try RecallCurve(snapshot)
    let count = candidates ?? curve?.candidateCount(forRecall: 0.99) ?? unmeasuredCandidateCount
    return Cascade(
      codebook: codebook, candidateCount: count, recall: curve?.estimate(candidateCount: count))
  }
}
