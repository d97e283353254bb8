import FilipEncoders
import FilipLateInteraction
import FilipStore
import SystemPackage
import TestSupport
import Testing

@testable import FilipQuery

/// Searches under filters against the definition: the ranking of all images, restricted to those of
/// which the same is said in plain words.
@Suite struct FilteredSearchTests {
  private static let dimension = 16
  private static let words = ["sea", "work", "été"].map { ItemTag($0)! }

  /// A record whose facts are drawn from few values, so that filters split the images.
  private func record(_ number: Int, _ generator: inout SeededGenerator) -> ItemRecord {
    func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &generator) < share }
    let folder = ["/p/a", "/p/a/deep", "/p/ab", "/q"].randomElement(using: &generator)!
    let ending = ["jpg", "png", "JPG"].randomElement(using: &generator)!
    let padding = chance(0.05) ? String(repeating: "long/", count: 120) : ""
    var item = ItemRecord(
      kind: .image, path: Array("\(folder)/\(padding)\(number).\(ending)".utf8),
      fileSize: .random(in: 1...100, using: &generator),
      modificationTime: chance(0.1) ? 0 : .random(in: 1...100, using: &generator))
    item.width = .random(in: 0...4, using: &generator)
    item.height = .random(in: 0...4, using: &generator)
    item.format = ["jpeg", "png", "avif", nil].randomElement(using: &generator)!
    if chance(0.5) { item.takenTime = .random(in: -50...100, using: &generator) }
    if chance(0.5) { item.camera = ["Seagull SO-1", "Kiev 4"].randomElement(using: &generator) }
    if chance(0.2) { item.lens = "Jupiter-8" }
    if chance(0.4) {
      item.place = ItemRecord.Place(
        latitude: .random(in: -90...90, using: &generator),
        longitude: .random(in: -180...180, using: &generator))
    }
    for word in Self.words where chance(0.3) { item.tags.insert(word) }
    return item
  }

  /// A filter with a few random conditions, and what it means.
  private func condition(
    _ generator: inout SeededGenerator
  ) -> (filter: SearchFilter, passes: (ItemRecord) -> Bool) {
    var filter = SearchFilter()
    var conditions: [(ItemRecord, String) -> Bool] = []
    // Two of the kinds set the same field: 1 and 2, patterns.
    let kinds = (0...11).shuffled(using: &generator).prefix(
      Int.random(in: 1...3, using: &generator))
    for kind in kinds where kind != 2 || !kinds.contains(1) {
      switch kind {
      case 0:
        filter.paths = ["/p/a", "/q/3.jpg"]
        conditions.append { $1.hasPrefix("/p/a/") || $1 == "/q/3.jpg" }
      case 1:
        filter.globs = ["*.jpg", "*1*", "!*2.*"]
        conditions.append { _, path in
          let name = path.split(separator: "/").last!
          return (path.hasSuffix(".jpg") || path.contains("1")) && !name.contains("2.")
        }
      case 2:
        filter.globs = ["!*.png"]
        conditions.append { !$1.hasSuffix(".png") }
      case 3:
        filter.after = 20
        conditions.append { item, _ in
          item.takenTime.map { $0 >= 20 } ?? (item.modificationTime >= 20)
        }
      case 4:
        filter.before = 60
        conditions.append { item, _ in
          item.takenTime.map { $0 < 60 }
            ?? (item.modificationTime < 60 && item.modificationTime != 0)
        }
      case 5:
        filter.tags = Set(Self.words.shuffled(using: &generator).prefix(2))
        conditions.append { [tags = filter.tags] item, _ in tags.isSubset(of: item.tags) }
      case 6:
        filter.excludedTags = [Self.words[2]]
        conditions.append { item, _ in !item.tags.map(\.text).contains("été") }
      case 7:
        filter.camera = ["SEAGULL", "jupiter", "4"].randomElement(using: &generator)!
        conditions.append { [name = filter.camera!] item, _ in
          "\(item.camera ?? "")\n\(item.lens ?? "")".uppercased().contains(name.uppercased())
        }
      case 8:
        (filter.minimumWidth, filter.minimumHeight) = (2, 1)
        conditions.append { item, _ in item.width >= 2 && item.height >= 1 }
      case 9:
        filter.formats = [.jpeg, .avif]
        conditions.append { item, _ in item.format == "jpeg" || item.format == "avif" }
      case 10:
        filter.orientation = SearchFilter.Orientation.allCases.randomElement(using: &generator)!
        conditions.append { [orientation = filter.orientation!] item, _ in
          guard item.width > 0 && item.height > 0 else { return false }
          let difference = Int(item.width) - Int(item.height)
          switch orientation {
          case .portrait: return difference < 0
          case .landscape: return difference > 0
          case .square: return difference == 0
          }
        }
      default:
        filter.fileSizes = 30...70
        conditions.append { item, _ in item.fileSize >= 30 && item.fileSize <= 70 }
      }
    }
    return (
      filter,
      { item in
        let path = String(decoding: item.path ?? [], as: UTF8.self)
        return conditions.allSatisfy { $0(item, path) }
      }
    )
  }

  private func fill(
    _ store: TokenStore, _ count: Int, _ generator: inout SeededGenerator
  ) throws {
    let bases = (0..<40).map { _ in generator.floats(Self.dimension) }
    try store.write { writer in
      for number in 0..<count {
        let record = record(number, &generator)
        if number % 17 == 3 {
          try writer.insertUnreadable(record, reason: "it ends early")
          continue
        }
        var elements: [Float] = []
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
          let base = bases.randomElement(using: &generator)!
          elements += zip(base, generator.floats(Self.dimension)).map { $0 + 0.2 * $1 }
        }
        let tokens = try TokenMatrix(
          normalizing: elements, tokenCount: elements.count / Self.dimension,
          dimension: Self.dimension)
        try writer.insert(record, tokens: tokens)
      }
    }
    // Dead images among the living.
    var ids: [ItemID] = []
    try store.read { try $0.forEachItem { ids.append($0.id) } }
    try store.write { writer in
      for id in ids where id.rawValue % 23 == 0 { try writer.remove(id) }
    }
  }

  private func query(_ generator: inout SeededGenerator) throws -> TokenMatrix {
    try TokenMatrix(
      normalizing: generator.floats(3 * Self.dimension), tokenCount: 3, dimension: Self.dimension)
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `hits under a filter are the whole ranking restricted to it`(seed: UInt64) async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var generator = SeededGenerator(seed: 400 + seed)
    try fill(store, 300, &generator)
    // Many small segments, so that few images in scope are in few of them.
    for round in 0..<12 {
      try store.write { writer in
        let tokens = try TokenMatrix(
          normalizing: generator.floats((8 + round) * 4), tokenCount: 4, dimension: 8 + round)
        let record = ItemRecord(kind: .imported, path: Array("other \(round)".utf8))
        if 8 + round != Self.dimension { try writer.insert(record, tokens: tokens) }
      }
    }
    var ids: [ItemID] = []
    try store.read { try $0.forEachItem { if $0.kind == .imported { ids.append($0.id) } } }
    #expect(try store.read { try $0.segmentIDs() }.count == 12)
    try store.write { writer in for id in ids { try writer.remove(id) } }

    let searcher = Searcher(store: store, encoder: nil)
    var splitCount = 0
    for round in 0..<60 {
      let (filter, passes) = condition(&generator)
      let query = try query(&generator)
      var parameters = SearchParameters()
      parameters.count = 1_000
      parameters.method = .exact
      parameters.threadCount = 1 + round % 2
      let all = try await searcher.search(tokens: query, parameters: parameters)
      let expected = all.hits.filter { passes($0.item) }
      #expect(all.hits.count == all.scannedCount)
      for count in [1, 10, 1_000] {
        parameters.count = count
        parameters.filter = filter
        let found = try await searcher.search(tokens: query, parameters: parameters)
        #expect(
          found.hits.map(\.item.id) == expected.prefix(count).map(\.item.id),
          "seed \(seed), round \(round): \(filter)")
        #expect(found.hits.map(\.score) == expected.prefix(count).map(\.score))
        #expect(found.scannedCount == expected.count)
      }
      let batch = try await searcher.search(batch: [query], parameters: parameters)
      #expect(batch[0].hits.map(\.item.id) == expected.map(\.item.id))
      if !expected.isEmpty, expected.count < all.hits.count { splitCount += 1 }
    }
    #expect(splitCount > 30, "filters that tell images apart")
  }

  @Test func `a cascade chooses its candidates among the images in scope`() async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var generator = SeededGenerator(seed: 77)
    try fill(store, 1_500, &generator)
    _ = try await ScreenBuilder(store: store).run()
    let searcher = Searcher(store: store, encoder: nil)
    var limitedCount = 0
    for round in 0..<30 {
      let (filter, passes) = condition(&generator)
      let query = try query(&generator)
      var parameters = SearchParameters()
      parameters.count = 2_000
      parameters.filter = filter
      parameters.method = .exact
      let exact = try await searcher.search(tokens: query, parameters: parameters)
      // As many candidates as images in scope: the cascade leaves nothing out.
      parameters.method = .cascade(candidates: max(1, exact.hits.count))
      let whole = try await searcher.search(tokens: query, parameters: parameters)
      #expect(whole.hits.map(\.item.id) == exact.hits.map(\.item.id), "round \(round): \(filter)")
      let few = max(1, exact.hits.count / 3)
      parameters.method = .cascade(candidates: few)
      let some = try await searcher.search(tokens: query, parameters: parameters)
      #expect(some.hits.count == min(few, exact.hits.count), "round \(round): \(filter)")
      #expect(some.hits.allSatisfy { passes($0.item) }, "round \(round): \(filter)")
      if some.hits.count < exact.hits.count { limitedCount += 1 }
    }
    #expect(limitedCount > 10)
  }

  @Test func `segments without an image in scope are not touched`() async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var generator = SeededGenerator(seed: 5)
    for dimension in 2...21 {
      try store.write { writer in
        let tokens = try TokenMatrix(
          normalizing: generator.floats(dimension), tokenCount: 1, dimension: dimension)
        try writer.insert(
          ItemRecord(kind: .imported, path: Array("/\(dimension)".utf8)), tokens: tokens)
      }
    }
    var filter = SearchFilter()
    filter.paths = ["/5", "/9", "/none"]
    try store.read { snapshot in
      let scope = try Scope(filter, snapshot: snapshot)
      #expect(scope.count == 2)
      let expected = try [4, 8].map {
        try #require(try snapshot.place(of: ItemID(rawValue: $0))).segment
      }
      #expect(try scope.segmentIDs(snapshot) == expected)
      #expect(try Scope(SearchFilter(), snapshot: snapshot).segmentIDs(snapshot).count == 20)
    }
    // A query of nine dimensions meets no segment of others.
    var parameters = SearchParameters()
    parameters.filter.paths = ["/9"]
    let query = try TokenMatrix(normalizing: generator.floats(9), tokenCount: 1, dimension: 9)
    let found = try await Searcher(store: store, encoder: nil).search(
      tokens: query, parameters: parameters)
    #expect(found.hits.map(\.item.path) == [Array("/9".utf8)])
  }

  @Test func `a narrow filter makes a large index's search exact`() throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var generator = SeededGenerator(seed: 6)
    try fill(store, 60, &generator)
    try store.read { snapshot in
      var filter = SearchFilter()
      #expect(try Scope(filter, snapshot: snapshot).count == nil)
      filter.excludedTags = [Self.words[0]]
      let scope = try Scope(filter, snapshot: snapshot)
      var count = 0
      try snapshot.forEachItem { if !$0.tags.contains(Self.words[0]) { count += 1 } }
      #expect(scope.count == count)
    }
  }
}
