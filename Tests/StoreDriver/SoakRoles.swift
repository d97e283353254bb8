import FilipLateInteraction
import FilipQuery
import FilipStore
import Glibc
import StoreProof
import TestSupport

/// Adds and removes until a file appears, and says how long the index's file became.
struct SoakWriterRole {
  let folder: String
  let stopPath: String
  var model: StoreModel

  init(_ arguments: Arguments) {
    folder = arguments.text("folder")
    stopPath = arguments.text("stop")
    model = StoreModel(seed: arguments.number("seed", else: 1), shape: .searchable)
  }

  mutating func run() throws {
    let store = try TokenStore.open(at: folder, mode: .create, program: "soak")
    model = model.advanced(to: try store.read { try $0.generation })
    var largestByteCount = 0
    // Nobody is left to say stop when the test has gone.
    let parent = getppid()
    while access(stopPath, F_OK) != 0, getppid() == parent {
      try model.commit(to: store)
      // The readers are left with a deleted file, and find the new one.
      if model.generation % 500 == 0 { try store.compact() }
      largestByteCount = max(largestByteCount, try store.read { try $0.statistics.fileByteCount })
    }
    print("commits \(model.generation) bytes \(largestByteCount)")
  }
}

/// Searches an index that another process writes to, and compares every answer with the model.
///
/// It says how many commits a snapshot of its own was behind at most: pages that were freed
/// meanwhile could not be used again.
struct SoakReaderRole {
  let folder: String
  let deadline: ContinuousClock.Instant
  let fewestAnswers: Int
  var generator: SeededGenerator
  var model: StoreModel
  private var largestLag: UInt64 = 0

  init(_ arguments: Arguments) {
    folder = arguments.text("folder")
    deadline = .now + .seconds(arguments.number("seconds", else: 2))
    fewestAnswers = arguments.number("answers", else: 20)
    generator = SeededGenerator(seed: arguments.number("reader", else: 1))
    model = StoreModel(seed: arguments.number("seed", else: 1), shape: .searchable)
  }

  mutating func run() async throws {
    let store = try TokenStore.open(at: folder, mode: .readOnly)
    let searcher = Searcher(store: store, encoder: nil)
    var answerCount = 0
    var generations: Set<UInt64> = []
    while answerCount < fewestAnswers || ContinuousClock.now < deadline {
      try await ask(searcher)
      try noteLag(store)
      generations.insert(model.generation)
      answerCount += 1
      // Every so often, everything is read.
      if answerCount % 20 == 0 {
        try store.read { snapshot in
          try meet(snapshot.generation)
          let differences = try model.differences(from: snapshot)
          guard differences.isEmpty else { fail(differences.joined(separator: "; ")) }
        }
        try noteLag(store)
      }
    }
    print("answers \(answerCount) generations \(generations.count) lag \(largestLag)")
  }

  /// How far the snapshot that was released last is behind by now.
  private mutating func noteLag(_ store: TokenStore) throws {
    largestLag = max(largestLag, try store.read { try $0.generation } - model.generation)
  }

  private mutating func ask(_ searcher: Searcher) async throws {
    let query = ModelTokens(
      seed: generator.next(), count: .random(in: 1...4, using: &generator), dimension: 8
    ).matrix
    var parameters = SearchParameters()
    parameters.count = Int.random(in: 1...12, using: &generator)
    parameters.threadCount = Int.random(in: 1...2, using: &generator)
    let results = try await searcher.search(tokens: query, parameters: parameters)
    try meet(results.generation)
    let expected = model.ranking(of: query)
    let hits = results.hits
    guard results.scannedCount == expected.count,
      hits.count == min(parameters.count, expected.count)
    else { fail("\(hits.count) hits of \(results.scannedCount) images, not \(expected.count)") }
    for (hit, right) in zip(hits, expected) {
      // Two images may be as good to within the last bits of a sum.
      let isRight =
        hit.item.id.rawValue == right.id
        || expected.contains {
          $0.id == hit.item.id.rawValue && abs($0.score - right.score) < 1e-12
        }
      guard isRight, abs(Double(hit.score) - right.score) < 1e-6,
        hit.item.path == model.items[hit.item.id.rawValue]?.path
      else {
        fail(
          "generation \(results.generation), rank \(hit.rank): item \(hit.item.id) with "
            + "\(hit.score), not \(right.id) with \(right.score)")
      }
    }
  }

  /// Brings the model to a generation, which may not be older than one that was seen.
  private mutating func meet(_ generation: UInt64) throws {
    guard generation >= model.generation else {
      fail("generation \(generation) after \(model.generation)")
    }
    model = model.advanced(to: generation)
  }
}
