package import FilipLateInteraction
package import FilipStore
import TestSupport

extension StoreModel {
  /// What an index holds otherwise than the model, a line for each; none when they are equal.
  ///
  /// Everything is read, through every way that leads to it.
  package func differences(from snapshot: borrowing Snapshot) throws -> [String] {
    var found: [String] = []
    func expect<Value: Equatable>(_ name: String, _ value: Value, _ expected: Value) {
      if value != expected { found.append("\(name) is \(value), not \(expected)") }
    }
    expect("the generation", try snapshot.generation, generation)
    expect("the number of items", try snapshot.itemCount, items.count)
    expect(
      "the number of readable items", try snapshot.readableCount,
      items.values.count { $0.reason == nil })
    if generation > 0 { expect("the next id", max(1, try snapshot.nextItem), nextID) }
    for name in (0..<3).map({ "note \($0)" }) {
      expect(name, try snapshot.note(name), notes[name])
    }
    var records: [UInt64: ItemRecord] = [:]
    try snapshot.forEachItem { records[$0.id.rawValue] = $0 }
    expect("the ids", records.keys.sorted(), items.keys.sorted())
    for (id, item) in items {
      guard let record = records[id] else { continue }
      found += differences(of: record, from: item).map { "item \(id): \($0)" }
      found += try differences(of: ItemID(rawValue: id), from: item, in: snapshot)
        .map { "item \(id): \($0)" }
    }
    for hash in Set(items.values.compactMap(\.hash)) {
      let ids = try snapshot.items(withContentHash: hash).map(\.id.rawValue)
      let expected = items.filter { $0.value.hash == hash }.keys.sorted()
      expect("what has the hash \(hash)", ids, expected)
    }
    found += try differencesOfTags(from: snapshot)
    found += try snapshot.audit().findings.map { "damage: \($0)" }
    return found
  }

  /// Compares what is said of all tags, and which items each of them leads to.
  private func differencesOfTags(from snapshot: borrowing Snapshot) throws -> [String] {
    var found: [String] = []
    let expected = Self.tags.sorted().compactMap { tag in
      let count = items.values.count { $0.tags.contains(tag) }
      return count > 0 ? "\(tag): \(count)" : nil
    }
    let counts = try snapshot.tagCounts().map { "\($0.tag): \($0.itemCount)" }
    if counts != expected { found.append("the tags are \(counts), not \(expected)") }
    for tag in Self.tags {
      var ids: [UInt64] = []
      try snapshot.items(tagged: tag).forEach { ids.append($0.rawValue) }
      let expected = items.filter { $0.value.tags.contains(tag) }.keys.sorted()
      if ids != expected { found.append("the tag \(tag) leads to \(ids), not \(expected)") }
    }
    return found
  }

  private func differences(of record: ItemRecord, from item: ModelItem) -> [String] {
    let expected = item.record
    var found: [String] = []
    func expect<Value: Equatable>(_ field: KeyPath<ItemRecord, Value>, _ expected: Value) {
      if record[keyPath: field] != expected {
        found.append("\(field) is \(record[keyPath: field]), not \(expected)")
      }
    }
    expect(\.path, expected.path)
    expect(\.root, expected.root)
    expect(\.fileSize, expected.fileSize)
    expect(\.modificationTime, expected.modificationTime)
    expect(\.contentHash, expected.contentHash)
    expect(\.encoderFingerprint, expected.encoderFingerprint)
    expect(\.width, expected.width)
    expect(\.height, expected.height)
    expect(\.tiles, expected.tiles)
    expect(\.patchTokens, expected.patchTokens)
    expect(\.tags, expected.tags)
    expect(\.unreadableReason, item.reason)
    expect(\.tokenCount, item.reason == nil ? item.tokens.count : 0)
    return found
  }

  /// Compares what is stored beside an item's record.
  private func differences(
    of id: ItemID, from item: ModelItem, in snapshot: borrowing Snapshot
  ) throws -> [String] {
    var found: [String] = []
    if try snapshot.item(forPath: item.path)?.id != id { found.append("its path leads elsewhere") }
    let pooled = item.pooled?.map { Float(Float16($0)) }
    if try snapshot.pooled(of: id) != pooled { found.append("its pooled vector is another") }
    let tokens = try snapshot.tokens(of: id)
    guard item.reason == nil else {
      return tokens == nil ? found : found + ["it has tokens"]
    }
    let expected = item.tokens.halves
    guard let tokens, tokens.tokenCount == expected.tokenCount,
      tokens.dimension == expected.dimension
    else { return found + ["its tokens have another shape"] }
    let layout = snapshot.layout
    if layout.originals == .f16 {
      if tokens != expected { found.append("its tokens are others") }
    } else {
      // Codes of random tokens: further away from them than this is any other token.
      let tolerance = layout.bits == .eight ? 0.05 : 0.4
      for token in 0..<tokens.tokenCount {
        let squares = zip(tokens[token], expected[token]).map { Double(($0 - $1) * ($0 - $1)) }
        if squares.reduce(0, +).squareRoot() > tolerance {
          found.append("token \(token) is another")
        }
      }
    }
    return found
  }

  /// The score of every item for a query, best first, ties by id.
  ///
  /// The reference formula, from the tokens in half precision.
  package func ranking(of query: TokenMatrix) -> [(id: UInt64, score: Double)] {
    let words = rows(query)
    return items.filter { $0.value.reason == nil && $0.value.tokens.count > 0 }
      .map { id, item in
        (
          id: id,
          score: referenceMaxSim(
            text: words, image: rows(item.tokens.halves), direction: .textToImage)
        )
      }
      .sorted { $0.score != $1.score ? $0.score > $1.score : $0.id < $1.id }
  }
}
