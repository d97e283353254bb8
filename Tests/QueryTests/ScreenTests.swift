import FilipLateInteraction
import FilipStore
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct ScreenTests {
  private static let dimension = 48

  /// Images of a few concepts each; some concepts are in many images.
  private struct Planted {
    private var concepts: [[Float]]
    private var generator: SeededGenerator

    init(seed: UInt64) {
      generator = SeededGenerator(seed: seed)
      concepts = []
      for _ in 0..<1_500 { concepts.append(generator.floats(dimension)) }
    }

    /// The number of a concept; low ones are frequent.
    mutating func concept() -> Int {
      let uniform = Double.random(in: 0..<1, using: &generator)
      return Int(uniform * uniform * uniform * Double(concepts.count))
    }

    mutating func tokens(of chosen: [Int], _ count: Int, noise: Float) throws -> TokenMatrix {
      var elements: [Float] = []
      for token in 0..<count {
        let concept = concepts[chosen[token % chosen.count]]
        elements += zip(concept, generator.floats(dimension)).map { $0 + noise * $1 }
      }
      return try TokenMatrix(normalizing: elements, tokenCount: count, dimension: dimension)
    }

    mutating func image() throws -> TokenMatrix {
      let count = Int.random(in: 3...8, using: &generator)
      return try tokens(of: (0..<count).map { _ in concept() }, 16, noise: 0.5)
    }

    mutating func query() throws -> TokenMatrix {
      try tokens(of: (0..<5).map { _ in concept() }, 5, noise: 0.3)
    }
  }

  private func insert(
    _ count: Int, into store: TokenStore, from planted: inout Planted, prefix: String = "/"
  ) throws {
    try store.write { writer in
      for number in 0..<count {
        let record = ItemRecord(kind: .imported, path: Array("\(prefix)\(number)".utf8))
        try writer.insert(record, tokens: try planted.image())
      }
    }
  }

  private func candidates(
    _ query: TokenMatrix, in store: TokenStore, keeping count: Int, threadCount: Int = 1,
    scope: [String] = []
  ) async throws -> [SegmentCandidates] {
    let codebook = try #require(try store.read { try $0.screenCodebook() })
    let group = try store.snapshots(count: threadCount)
    let scope = try group.withSnapshot(0) {
      var filter = SearchFilter()
      filter.paths = scope.map { .init($0) }
      return try Scope(filter, snapshot: $0)
    }
    let scan = ScreenScan(
      query, codebook: codebook, scope: scope,
      segmentIDs: try group.withSnapshot(0) { try $0.segmentIDs() })
    let parts = try await group.onEverySnapshot { try scan.run($0) }
    return scan.candidates(of: parts, keeping: count)
  }

  /// The items of the runs.
  private func items(
    _ candidates: [SegmentCandidates], in store: TokenStore
  ) throws -> [ItemID] {
    try store.read { snapshot in
      try candidates.flatMap { candidates in
        try snapshot.withSegment(candidates.segment) { segment, _ in
          var ids: [ItemID] = []
          for run in candidates.runs ?? [] {
            for image in run { ids.append(ItemID(rawValue: segment.id(image))) }
          }
          return ids
        }
      }
    }
  }

  @Test func `a tenth of the index holds nine of ten true hits`() async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var planted = Planted(seed: 31)
    try insert(4_000, into: store, from: &planted)
    let summary = try await ScreenBuilder(store: store).run()
    #expect(summary.isNewlyLearnt && summary.centroidCount == 1_024)
    #expect(summary.tokenCount == 64_000)
    #expect(try store.read { try $0.segmentIDs() }.count == summary.segmentCount)
    var foundCount = 0
    for _ in 0..<20 {
      let query = try planted.query()
      let candidates = try await candidates(query, in: store, keeping: 400)
      let ids = Set(try items(candidates, in: store))
      #expect(ids.count == 400)
      let truth = try await Searcher(store: store, encoder: nil).search(tokens: query)
      foundCount += truth.hits.filter { ids.contains($0.item.id) }.count
    }
    #expect(foundCount >= 180, "\(foundCount) of 200")
  }

  @Test func `the choice is that of a sorted list, whatever the threads`() async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var planted = Planted(seed: 32)
    try insert(2_500, into: store, from: &planted)
    try store.write { writer in
      // Dead images, at the ends of a segment and in its middle.
      for number in [1, 2, 3, 700, 701, 1_500, 2_500] {
        try writer.remove(ItemID(rawValue: UInt64(number)))
      }
    }
    _ = try await ScreenBuilder(store: store).run()
    let query = try planted.query()
    let codebook = try #require(try store.read { try $0.screenCodebook() })
    let table = ScreenTable(query: query, codebook: codebook)
    // Everything with its score, best first; ties by segment and ordinal.
    var all: [(score: Int32, segment: UInt64, ordinal: Int, id: UInt64)] = []
    try store.read { snapshot in
      for segment in try snapshot.segmentIDs() {
        var scores: [Int32] = []
        let isScored = try snapshot.withScreen(of: segment, codebook: codebook.id) {
          bounds, codes in
          table.writeScores(codes: codes, bounds: bounds, into: &scores)
        }
        #expect(isScored == true)
        try snapshot.withSegment(segment) { images, dead in
          for ordinal in 0..<images.imageCount where !dead.contains(UInt32(ordinal)) {
            all.append((scores[ordinal], segment, ordinal, images.id(ordinal)))
          }
        }
      }
    }
    #expect(all.count == 2_493)
    all.sort { ($1.score, $0.segment, $0.ordinal) < ($0.score, $1.segment, $1.ordinal) }
    for count in [0, 1, 10, 333, 2_493, 9_999] {
      let one = try await candidates(query, in: store, keeping: count)
      let three = try await candidates(query, in: store, keeping: count, threadCount: 3)
      #expect(one == three)
      let ids = try items(one, in: store)
      #expect(Set(ids.map(\.rawValue)) == Set(all.prefix(count).map(\.id)), "\(count) best")
      #expect(ids.count == min(count, 2_493))
    }
    let best = try await candidates(query, in: store, keeping: 10)
    #expect(best.first?.segment == all[0].segment)
  }

  @Test func `only images in scope are chosen`() async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var planted = Planted(seed: 33)
    try insert(300, into: store, from: &planted, prefix: "/a/")
    try insert(200, into: store, from: &planted, prefix: "/b/")
    _ = try await ScreenBuilder(store: store).run()
    let query = try planted.query()
    let some = try await candidates(query, in: store, keeping: 50, scope: ["/b"])
    let ids = try items(some, in: store)
    #expect(ids.count == 50 && ids.allSatisfy { $0.rawValue > 300 })
    let all = try await candidates(query, in: store, keeping: 1_000, scope: ["/b"])
    #expect(try items(all, in: store).map(\.rawValue).sorted() == Array(301...500))
  }

  @Test func `segments that have changed are scanned whole until the screen is refreshed`()
    async throws
  {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var planted = Planted(seed: 34)
    // More than a segment, so that one stays as it is.
    try insert(1_600, into: store, from: &planted)
    let first = try await ScreenBuilder(store: store).run()
    #expect(first.segmentCount == 2)
    let segments = try store.read { try $0.segmentIDs() }
    try #require(segments.count == 2)
    try insert(10, into: store, from: &planted, prefix: "/more/")
    let query = try planted.query()
    let stale = try await candidates(query, in: store, keeping: 20)
    #expect(stale.last == SegmentCandidates(segment: segments[1], runs: nil))
    #expect(try items(stale, in: store).count == 20)

    let reports = Reports()
    let second = try await ScreenBuilder(store: store).run { reports.add($0) }
    #expect(!second.isNewlyLearnt && second.segmentCount == 1)
    #expect(
      reports.all == [
        ScreenProgress(segmentCount: 1, finishedCount: 0),
        ScreenProgress(segmentCount: 1, finishedCount: 1),
      ])
    let fresh = try await candidates(query, in: store, keeping: 20)
    #expect(fresh.allSatisfy { $0.runs != nil })

    // Up to twice the tokens, the centroids stay.
    try insert(1_500, into: store, from: &planted, prefix: "/many/")
    #expect(try await !ScreenBuilder(store: store).run().isNewlyLearnt)
    try insert(200, into: store, from: &planted, prefix: "/last/")
    let last = try await ScreenBuilder(store: store).run()
    #expect(last.isNewlyLearnt)
    #expect(try store.read { try $0.segmentIDs() }.count == last.segmentCount)
    #expect(try store.read { try $0.audit().isSound })
    var parameters = ScreenParameters()
    parameters.centroidCount = 64
    let other = try await ScreenBuilder(store: store, parameters: parameters).run()
    #expect(other.isNewlyLearnt && other.centroidCount == 64)
  }

  @Test func `an index without tokens has no screen`() async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    #expect(try await ScreenBuilder(store: store).run() == ScreenSummary())
    var planted = Planted(seed: 35)
    try insert(3, into: store, from: &planted)
    #expect(try await ScreenBuilder(store: store).run().centroidCount == 64)
    try store.write { writer in
      for number in 1...3 { try writer.remove(ItemID(rawValue: UInt64(number))) }
    }
    #expect(try await ScreenBuilder(store: store).run() == ScreenSummary())
    #expect(try store.read { try $0.screenCodebookID } == nil)
  }

  @Test func `the codebook is read again when it has changed`() async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    let cache = ScreenCodebookCache()
    #expect(try store.read { try cache.codebook(of: $0) } == nil)
    var planted = Planted(seed: 36)
    try insert(30, into: store, from: &planted)
    _ = try await ScreenBuilder(store: store).run()
    let first = try #require(try store.read { try cache.codebook(of: $0) })
    #expect(try store.read { try cache.codebook(of: $0) }?.id == first.id)
    var parameters = ScreenParameters()
    parameters.relearns = true
    parameters.seed = 1
    _ = try await ScreenBuilder(store: store, parameters: parameters).run()
    let second = try #require(try store.read { try cache.codebook(of: $0) })
    #expect(second.id != first.id)
    #expect(try store.read { try $0.screenCodebookID } == second.id)
  }
}

/// Progress reports in the order they came.
private final class Reports: Sendable {
  private let values = Mutex<[ScreenProgress]>([])

  var all: [ScreenProgress] { values.withLock { $0 } }

  func add(_ progress: ScreenProgress) { values.withLock { $0.append(progress) } }
}
