import FilipLateInteraction
import FilipStore
import Foundation
import TestSupport
import Testing

@testable import FilipQuery

/// Indexes of every format that was released open, hold what was put into them and can be written
/// to, for ever.
///
/// `FILIP_WRITE_FIXTURES=1 swift test … --filter FormatTests` adds those of the current format
/// where they are missing.
@Suite struct FormatTests {
  /// The folder of the fixtures in the sources: a folder for each format, in it one for each kind,
  /// with `index` and `content.json`.
  private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

  private static var fixtures: [String] {
    let paths = FileManager.default.enumerator(atPath: sources.path)?.compactMap { $0 as? String }
    return (paths ?? []).filter { $0.hasSuffix("/content.json") }.sorted()
      .map { String($0.dropLast("/content.json".count)) }
  }

  @Test(arguments: FixtureKind.allCases)
  func `an index of the current format holds what was put into it`(kind: FixtureKind) async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let content = try await FixtureContent.make(kind, at: folder.path + "/index")
    let fixture = try JSONDecoder().decode(
      FixtureContent.self, from: JSONEncoder().encode(content))
    try await check(fixture, at: folder.path + "/index")
  }

  @Test func `every released format has fixtures`() {
    #expect(Self.fixtures.count { $0.hasPrefix("v1/") } == FixtureKind.allCases.count)
  }

  @Test(arguments: fixtures)
  func `an index of a released format holds what was put into it`(name: String) async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let source = Self.sources.appendingPathComponent(name)
    try FileManager.default.copyItem(
      atPath: source.appendingPathComponent("index").path, toPath: folder.path + "/index")
    let content = try JSONDecoder().decode(
      FixtureContent.self, from: Data(contentsOf: source.appendingPathComponent("content.json")))
    try await check(content, at: folder.path + "/index")
  }

  @Test(.enabled(if: ProcessInfo.processInfo.environment["FILIP_WRITE_FIXTURES"] != nil))
  func `the current format's indexes are written`() async throws {
    for kind in FixtureKind.allCases {
      let target = Self.sources.appendingPathComponent("v1/\(kind.rawValue)")
      guard !FileManager.default.fileExists(atPath: target.path) else { continue }
      try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
      let folder = try TemporaryDirectory(inMemory: true)
      let content = try await FixtureContent.make(kind, at: folder.path + "/index")
      // A compacted copy is shorter.
      let store = try TokenStore.open(at: folder.path + "/index", mode: .readOnly)
      try store.copy(to: target.appendingPathComponent("index").path)
      for name in ["writer.lock", "generation-1/lock.mdb"] {
        try FileManager.default.removeItem(at: target.appendingPathComponent("index/\(name)"))
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      try encoder.encode(content).write(to: target.appendingPathComponent("content.json"))
    }
  }

  /// Compares an index with what it must hold, searches it, and adds an image.
  private func check(_ content: FixtureContent, at path: String) async throws {
    let store = try TokenStore.open(at: path, mode: .readWrite)
    #expect(store.layout.bits.rawValue == content.bits)
    #expect(store.layout.originals.rawValue == content.originals)
    try store.read { snapshot in
      try #expect(snapshot.generation == content.generation)
      try #expect(snapshot.createdBy == "filip fixture")
      try #expect(snapshot.note("fixture") == content.note)
      try #expect(snapshot.itemCount == content.items.count)
      try #expect(snapshot.audit().isSound)
      for item in content.items { try check(item, content, in: snapshot) }
      let reduction = try TokenReduction(snapshot)
      #expect(reduction.setting.poolFactor == content.poolFactor)
      #expect((reduction.recall != nil) == (content.poolFactor > 1))
    }
    for search in content.searches { try await check(search, content, in: store) }
    let record = ItemRecord(kind: .image, path: Array("/photos/new.jpg".utf8))
    let tokens = TokenMatrix(
      unchecked: [1] + [Float](repeating: 0, count: content.dimension - 1), tokenCount: 1,
      dimension: content.dimension)
    let id = try store.write { try $0.insert(record, tokens: tokens) }
    #expect(id.rawValue == content.nextID)
    try store.read { snapshot in
      try #expect(snapshot.generation == content.generation + 1)
      try #expect(snapshot.tokens(of: id)?.tokenCount == 1)
      try #expect(snapshot.audit().isSound)
    }
  }

  private func check(
    _ item: FixtureContent.Item, _ content: FixtureContent, in snapshot: borrowing Snapshot
  ) throws {
    let id = ItemID(rawValue: item.id)
    let record = try #require(try snapshot.item(id))
    #expect(record.kind.rawValue == item.kind)
    #expect(record.path == item.path)
    #expect(record.root == item.root)
    #expect(record.fileSize == item.fileSize)
    #expect(record.modificationTime == item.modificationTime)
    #expect(record.contentHash?.description == item.contentHash)
    #expect(record.width == item.width && record.height == item.height)
    #expect(record.format == item.format && record.dateTaken == item.dateTaken)
    #expect(record.takenTime == item.takenTime)
    #expect(record.camera == item.camera && record.lens == item.lens)
    #expect(record.place.map { [$0.latitude, $0.longitude, $0.altitude ?? .nan] } == item.place)
    #expect(record.tags.sorted().map(\.text) == item.tags ?? [])
    #expect(record.patchTokens == item.patchTokens)
    #expect(record.encoderFingerprint == item.fingerprint)
    #expect(record.unreadableReason == item.unreadableReason)
    try #expect(snapshot.item(forPath: item.path)?.id == id)
    try #expect(snapshot.pooled(of: id) == item.pooled)
    let tokens = try snapshot.tokens(of: id)
    guard item.unreadableReason == nil else { return #expect(tokens == nil) }
    let elements = try #require(tokens).elements
    try #require(elements.count == item.tokens.count)
    // Half a step of a code of eight bits, of four bits, and nothing.
    let tolerance: Float = content.originals == "f16" ? 0 : content.bits == 8 ? 0.02 : 0.2
    for (value, expected) in zip(elements, item.tokens) {
      #expect(abs(value - expected) <= tolerance, "item \(item.id)")
    }
  }

  private func check(
    _ search: FixtureContent.Search, _ content: FixtureContent, in store: TokenStore
  ) async throws {
    let query = TokenMatrix(
      unchecked: search.words, tokenCount: search.words.count / content.queryDimension,
      dimension: content.queryDimension)
    var parameters = SearchParameters()
    let searcher = Searcher(store: store, encoder: nil)
    var found = [try await searcher.search(tokens: query, parameters: parameters)]
    if content.hasScreen {
      // With room for all, a screen leaves nothing out.
      parameters.method = .cascade(candidates: 100)
      found.append(try await searcher.search(tokens: query, parameters: parameters))
      #expect(found[1].proof.candidateCount == search.ids.count)
    }
    for results in found {
      let scores = Dictionary(
        uniqueKeysWithValues: results.hits.map { ($0.item.id.rawValue, Double($0.score)) })
      #expect(Set(scores.keys) == Set(search.ids))
      let tolerance = content.originals == "f16" ? 1e-6 : content.bits == 8 ? 0.03 : 0.3
      for (id, score) in zip(search.ids, search.scores) {
        #expect(abs((scores[id] ?? .infinity) - score) <= tolerance, "item \(id)")
      }
      if content.originals == "f16" {
        #expect(results.hits.map(\.item.id.rawValue) == search.ids)
      }
    }
  }
}
