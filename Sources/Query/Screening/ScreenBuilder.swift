import FilipLateInteraction
import FilipLinearAlgebra
package import FilipStore
import Synchronization

/// Builds the screen of an index, or brings it up to date.
///
/// Tokens keep their numbers as long as their segment stays as it is; what a writer has changed
/// since is assigned anew, with the same centroids until the index has more than doubled. A run
/// that is cancelled leaves the screens that it has committed, and the next one goes on from there.
package struct ScreenBuilder: Sendable {
  /// Segments whose screens are held in memory and committed together.
  private static let segmentsPerCommit = 256

  private let store: TokenStore
  private let parameters: ScreenParameters

  /// A builder for the index in `store`, which is open for writing.
  package init(store: TokenStore, parameters: ScreenParameters = ScreenParameters()) {
    self.store = store
    self.parameters = parameters
  }

  /// Gives every segment of the scan plane a screen.
  ///
  /// Where the index has tokens of several dimensions, only those of the dimension with the most
  /// tokens are screened.
  /// - Complexity: some 4 · √centroids dot products per token of the segments without a screen, and
  ///   as much again for some 64 tokens per centroid when centroids are learnt.
  /// - Throws: `StoreError`, and `CancellationError` when the task is cancelled.
  package func run(
    progress report: @escaping @Sendable (ScreenProgress) -> Void = { _ in }
  ) async throws -> ScreenSummary {
    let survey = try store.read { try ScreenSurvey($0) }
    var summary = ScreenSummary()
    guard survey.tokenCount > 0 else {
      if try store.read({ try $0.screenCodebookID }) != nil {
        try store.write { try $0.removeScreens() }
      }
      return summary
    }
    let codebook: ScreenCodebook
    if let known = try fittingCodebook(survey) {
      codebook = known
    } else {
      codebook = try learnCodebook(survey)
      summary.isNewlyLearnt = true
    }
    summary.centroidCount = codebook.centroidCount
    let segments = try store.read { snapshot in
      try survey.segments.map(\.id).filter { id in
        try snapshot.withScreen(of: id, codebook: codebook.id) { _, _ in true } == nil
      }
    }
    var progress = ScreenProgress(segmentCount: segments.count)
    report(progress)
    for start in stride(from: 0, to: segments.count, by: Self.segmentsPerCommit) {
      try Task.checkCancellation()
      let batch = segments[start..<min(start + Self.segmentsPerCommit, segments.count)]
      let screens = try await screens(of: Array(batch), codebook)
      let written = try store.write { writer in
        try screens.filter { try writer.putScreen($0) }
      }
      summary.segmentCount += written.count
      summary.tokenCount += written.reduce(0) { $0 + $1.codes.count }
      progress.finishedCount += batch.count
      report(progress)
    }
    return summary
  }

  // MARK: - Centroids

  /// The codebook of the index, unless another one would be better.
  private func fittingCodebook(_ survey: ScreenSurvey) throws -> ScreenCodebook? {
    guard !parameters.relearns, let codebook = try store.read({ try $0.intactScreenCodebook() }),
      codebook.dimension == survey.dimension, survey.tokenCount / 2 <= codebook.tokenCount
    else { return nil }
    let wanted = parameters.centroidCount ?? codebook.centroidCount
    return wanted == codebook.centroidCount ? codebook : nil
  }

  private func learnCodebook(_ survey: ScreenSurvey) throws -> ScreenCodebook {
    let centroidCount =
      parameters.centroidCount ?? ScreenCodebook.centroidCount(forTokens: survey.tokenCount)
    let sample = try store.read { snapshot in
      try survey.sample(
        count: ScreenCodebook.sampleCount(
          forCentroids: centroidCount, dimension: survey.dimension),
        seed: parameters.seed, snapshot)
    }
    let codebook = ScreenCodebook(
      learningFrom: sample, centroidCount: centroidCount, tokenCount: survey.tokenCount,
      seed: parameters.seed)
    try store.write { try $0.setScreenCodebook(codebook) }
    return codebook
  }

  // MARK: - Tokens

  /// The screens of segments, in no particular order; none for those that are gone.
  private func screens(
    of segments: [UInt64], _ codebook: ScreenCodebook
  ) async throws -> [SegmentScreen] {
    let work = ScreenWork(segments, codebook)
    let threadCount = max(1, min(parameters.threadCount, segments.count))
    let group = try store.snapshots(count: threadCount)
    return try await group.onEverySnapshot { try work.run($0) }.flatMap { $0 }
  }
}

/// Segments that several threads share out among themselves.
private final class ScreenWork: Sendable {
  private let segments: [UInt64]
  private let codebook: ScreenCodebook
  private let next = Atomic<Int>(0)

  init(_ segments: [UInt64], _ codebook: ScreenCodebook) {
    self.segments = segments
    self.codebook = codebook
  }

  /// Takes segments until none is left.
  func run(_ snapshot: borrowing Snapshot) throws -> [SegmentScreen] {
    let assigner = ScreenAssigner(codebook)
    var screens: [SegmentScreen] = []
    while true {
      let position = next.add(1, ordering: .relaxed).oldValue
      guard position < segments.count else { return screens }
      let id = segments[position]
      // A writer may have removed it since it was listed.
      guard let checksum = try snapshot.segmentChecksum(id) else { continue }
      let screen = try snapshot.withSegment(id) { segment, _ in
        assigner.screen(of: segment, id: id, checksum: checksum)
      }
      if let screen { screens.append(screen) }
    }
  }
}

extension ScreenAssigner {
  /// The screen of a segment; `nil` when its tokens have another dimension.
  fileprivate func screen(
    of segment: borrowing PlaneSegment, id: UInt64, checksum: UInt64
  ) -> SegmentScreen? {
    guard segment.dimension == dimension else { return nil }
    let rows = Matrix(rowCount: segment.tokenCount, columnCount: dimension)
    segment.decode(0..<segment.tokenCount, into: rows)
    var bounds: [UInt32] = []
    for image in 0...segment.imageCount { bounds.append(UInt32(segment.firstToken(image))) }
    return SegmentScreen(
      segment: id, segmentChecksum: checksum, codebook: codebook.id, bounds: bounds,
      codes: codes(of: rows))
  }
}
