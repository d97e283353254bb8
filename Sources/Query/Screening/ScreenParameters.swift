/// Every knob of building a screen.
package struct ScreenParameters: Sendable {
  /// Number of centroids; `nil`, the default, for what suits the index's size.
  package var centroidCount: Int?
  /// Learns centroids even where there are some that still fit. Default false.
  package var relearns = false
  /// What the choice of tokens to learn from depends on. Default 0.
  package var seed: UInt64 = 0
  /// Threads that assign tokens to centroids; at least 1. Default: one per processor core.
  package var threadCount = defaultThreadCount

  /// The defaults.
  package init() {}
}

/// How far the building of a screen has come.
package struct ScreenProgress: Sendable, Hashable {
  /// Segments that were without a screen at the start.
  package var segmentCount = 0
  /// Those of them that have one now, or need none any more.
  package var finishedCount = 0
}

/// What the building of a screen has done.
package struct ScreenSummary: Sendable, Hashable {
  /// Centroids of the codebook; 0 when the index has no tokens.
  package var centroidCount = 0
  /// Whether the codebook is new.
  package var isNewlyLearnt = false
  /// Segments that were given a screen.
  package var segmentCount = 0
  /// Tokens of those segments.
  package var tokenCount = 0
}
