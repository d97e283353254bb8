import FilipLateInteraction
package import FilipStore

/// An index of a synthetic corpus.
package enum SyntheticIndex {
  /// Images per commit and per step of the work.
  private static let stepSize = 256

  /// When the file of an image was changed: a minute after the one before, from 2020 on.
  static func time(ofImage image: Int) -> Int64 {
    (1_577_836_800 + 60 * Int64(image)) * 1_000_000_000
  }

  /// What the corpus of an index was drawn with, less the number of images: a larger corpus begins
  /// with the images of a smaller one.
  private static func name(_ parameters: SyntheticCorpus.Parameters) -> String {
    "synthetic:tokens=\(parameters.tokensPerImage),dimension=\(parameters.dimension),"
      + "concepts=\(parameters.conceptCount),seed=\(parameters.seed)"
  }

  /// Adds the images of `corpus` that the index lacks; an interrupted call can be repeated.
  ///
  /// - Returns: how many were added.
  /// - Throws: `QueryError.modelMismatch` when the index holds anything else; `StoreError`.
  package static func fill(
    _ store: TokenStore, with corpus: SyntheticCorpus, threadCount: Int,
    progress report: (IndexProgress) -> Void = { _ in }
  ) async throws -> Int {
    let name = name(corpus.parameters)
    let presentCount = try store.read { try $0.itemCount }
    let recorded = try ImportedOrigin.fingerprint(of: store)
    let total = corpus.parameters.imageCount
    guard recorded == name || (recorded == nil && presentCount == 0), presentCount <= total else {
      throw QueryError(
        .modelMismatch,
        "the index at \(store.path) does not hold the first images of \(name), images=\(total); "
          + "choose another folder")
    }
    if recorded == nil { try store.write { try ImportedOrigin.record(name, in: &$0) } }
    var progress = IndexProgress()
    progress.foundCount = total - presentCount
    progress.isWalkFinished = true
    var next = presentCount..<min(presentCount + stepSize, total)
    var images = try await tokens(of: next, corpus, threadCount: threadCount)
    while !next.isEmpty {
      try Task.checkCancellation()
      let (range, ready) = (next, images)
      next = range.upperBound..<min(range.upperBound + stepSize, total)
      // The next images are drawn while these are written.
      let following = next
      async let drawn = tokens(of: following, corpus, threadCount: threadCount)
      try write(ready, of: range, name: name, to: store)
      images = try await drawn
      progress.finishedCount += range.count
      progress.encodedCount += range.count
      report(progress)
    }
    return total - presentCount
  }

  private static func tokens(
    of range: Range<Int>, _ corpus: SyntheticCorpus, threadCount: Int
  ) async throws -> [TokenMatrix] {
    try await withThrowingTaskGroup(of: (Int, [TokenMatrix]).self) { tasks in
      let share = max(1, (range.count + threadCount - 1) / threadCount)
      for start in stride(from: range.lowerBound, to: range.upperBound, by: share) {
        tasks.addTask {
          let part = start..<min(start + share, range.upperBound)
          return (start, part.map { corpus.tokens(ofImage: $0) })
        }
      }
      var parts: [(Int, [TokenMatrix])] = []
      for try await part in tasks { parts.append(part) }
      return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
    }
  }

  private static func write(
    _ images: [TokenMatrix], of range: Range<Int>, name: String, to store: TokenStore
  ) throws {
    try store.write { writer in
      for (image, tokens) in zip(range, images) {
        var record = ItemRecord(
          kind: .imported, path: Array("synthetic-\(image)".utf8),
          modificationTime: time(ofImage: image))
        record.encoderFingerprint = name
        try writer.insert(record, tokens: tokens)
      }
    }
  }
}
