import FilipLateInteraction
import FilipStore
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct RecallCurveTests {
  let folder: TemporaryDirectory
  let store: TokenStore

  init() throws {
    folder = try TemporaryDirectory(inMemory: true)
    store = try TokenStore.open(at: folder.path, mode: .create)
    try add(0..<2_000)
  }

  /// Images of nine tokens near some of 400 concepts.
  private func add(_ numbers: Range<Int>) throws {
    var generator = SeededGenerator(seed: 21)
    let concepts = (0..<400).map { _ in generator.floats(32) }
    try store.write { writer in
      for number in numbers {
        var generator = SeededGenerator(seed: UInt64(number))
        var elements: [Float] = []
        for _ in 0..<9 {
          let concept = concepts[Int.random(in: 0..<400, using: &generator)]
          elements += zip(concept, generator.floats(32)).map { $0 + 0.4 * $1 }
        }
        try writer.insert(
          ItemRecord(kind: .imported, path: Array("/\(number)".utf8)),
          tokens: try TokenMatrix(normalizing: elements, tokenCount: 9, dimension: 32))
      }
    }
  }

  private func remove(_ count: Int) throws {
    var ids: [ItemID] = []
    try store.read { try $0.forEachItem { ids.append($0.id) } }
    try store.write { writer in for id in ids.prefix(count) { try writer.remove(id) } }
  }

  private func measure(seed: UInt64 = 1) async throws -> RecallCurve {
    _ = try await ScreenBuilder(store: store).run()
    var measurement = RecallMeasurement(store: store, encoder: nil)
    measurement.seed = seed
    return try #require(try await measurement.run())
  }

  private var stored: RecallCurve? {
    get throws { try store.read { try RecallCurve($0) } }
  }

  @Test func `what is measured holds for other queries of the same kind`() async throws {
    let curve = try await measure()
    #expect(try stored == curve)
    for (a, b) in zip(curve.points, curve.points.dropFirst()) { #expect(a.recall <= b.recall) }
    let queries = try store.read {
      try IndexQueries.draw(300, wordCounts: 3...6, from: $0, seed: 99)
    }
    let searcher = Searcher(store: store, encoder: nil)
    for point in [curve.points[0], curve.points[1]] {
      var found = 0.0
      for query in queries {
        var parameters = SearchParameters()
        parameters.method = .exact
        let exact = try await searcher.search(tokens: query, parameters: parameters)
        parameters.method = .cascade(candidates: point.candidateCount)
        let cascade = try await searcher.search(tokens: query, parameters: parameters)
        #expect(!cascade.proof.isExact && exact.proof.isExact)
        #expect(cascade.proof.candidateCount == point.candidateCount)
        #expect(cascade.proof.recall?.value == point.recall)
        let ids = Set(cascade.hits.map(\.item.id))
        found += Double(exact.hits.count { ids.contains($0.item.id) }) / 10
      }
      #expect(abs(found / 300 - point.recall) < 0.03, "\(point)")
    }
    // The screen was measured in one direction.
    var parameters = SearchParameters()
    parameters.method = .cascade(candidates: 200)
    parameters.direction = .imageToText
    let other = try await searcher.search(tokens: queries[0], parameters: parameters)
    #expect(other.proof.recall == nil)
  }

  @Test func `a curve counts no longer once a tenth of the index has changed`() async throws {
    _ = try await measure()
    try add(2_000..<2_150)
    #expect(try stored != nil)
    try remove(40)
    #expect(try stored != nil)
    try remove(60)
    #expect(try stored == nil)
    _ = try await measure()
    #expect(try stored != nil)
  }

  @Test func `a damaged note is no curve`() async throws {
    let curve = try await measure()
    #expect(RecallCurve(curve.note) == curve)
    for length in 0..<curve.note.count {
      #expect(RecallCurve(Array(curve.note.prefix(length))) == nil)
    }
  }

  @Test func `a note of numbers that no index can have is no curve`() async throws {
    let curve = try await measure()
    let text = String(decoding: curve.note, as: UTF8.self)
    for other in ["1e300", "-3.0", "0.5", "0.0"] {
      // The first number of the first point.
      let note = text.replacing(/\[\[[^,]*,/, with: "[[\(other),")
      #expect(note != text)
      #expect(RecallCurve(Array(note.utf8)) == nil, "\(note)")
    }
    for images in [UInt64(Int.max), .max] {
      let note = text.replacing("\"\(curve.imageCount)\"", with: "\"\(images)\"")
      #expect(note != text)
      try store.write { try $0.setNote(RecallCurve.noteName, to: Array(note.utf8)) }
      try #expect(stored == nil)
    }
    let note = text.replacing("\"\(curve.nextItem)\"", with: "\"\(curve.nextItem + 1)\"")
    #expect(note != text)
    try store.write { try $0.setNote(RecallCurve.noteName, to: Array(note.utf8)) }
    try #expect(stored == nil)
  }
}
