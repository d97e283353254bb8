package import FilipLateInteraction
package import FilipStore

/// What a writer and an opening take, on an index that stays as it was.
package struct StoreBenchmark: Sendable {
  /// Seconds of each repetition, ascending.
  package var openings: [Double]
  /// Seconds of each commit that adds one image, ascending.
  package var insertions: [Double]
  /// Seconds of each commit that removes one image, ascending.
  package var removals: [Double]
  /// Images per second that are added, so many a commit, on one thread and without encoding.
  package var imagesPerSecond: Double
  /// Images in such a commit.
  package var batchSize: Int
  /// Sizes before anything was added.
  package var statistics: StoreStatistics
  /// Images of the index.
  package var imageCount: Int

  private static let batchCount = 4

  /// Opens the index `repetitions` times, then adds as many images, a commit each, some hundred more
  /// in larger commits, and removes them again. The tokens are those of `images`, in turn.
  /// - Throws: `StoreError`; the images that were added may then be left.
  package init(
    path: String, options: TokenStore.Options, repetitions: Int, images: [TokenMatrix],
    batchSize: Int = 256
  ) throws {
    precondition(repetitions > 0 && batchSize > 0 && !images.isEmpty, "something to measure")
    self.batchSize = batchSize
    openings = try (0..<repetitions).map { _ in
      try Self.seconds {
        let store = try TokenStore.open(at: path, mode: .readOnly, options: options)
        _ = try store.read { try $0.generation }
      }
    }.sorted()
    let store = try TokenStore.open(at: path, mode: .readWrite, options: options)
    (statistics, imageCount) = try store.read { (try $0.statistics, try $0.readableCount) }
    var added: [ItemID] = []
    func add(_ count: Int) throws {
      let before = added
      try store.write { writer in
        // The body may run more than once.
        added = before
        for _ in 0..<count {
          let number = added.count
          let record = ItemRecord(kind: .imported, path: Array("bench-store-\(number)".utf8))
          added.append(try writer.insert(record, tokens: images[number % images.count]))
        }
      }
    }
    insertions = try (0..<repetitions).map { _ in try Self.seconds { try add(1) } }.sorted()
    let duration = try Self.seconds {
      for _ in 0..<Self.batchCount { try add(batchSize) }
    }
    imagesPerSecond = Double(Self.batchCount * batchSize) / duration
    removals = try added.prefix(repetitions).map { id in
      try Self.seconds { try store.write { writer in _ = try writer.remove(id) } }
    }.sorted()
    try store.write { writer in
      for id in added.dropFirst(repetitions) { try writer.remove(id) }
    }
  }

  private static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let started = ContinuousClock.now
    try body()
    return (.now - started) / .seconds(1)
  }
}
