package import FilipStore
import TestSupport

/// What an index must hold after a number of commits: dictionaries in memory, filled by a sequence
/// that follows from a seed alone.
///
/// A process that reads an index at generation `n` knows its whole content without asking the one
/// that wrote it.
package struct StoreModel: Sendable {
  /// What the sequence is like.
  package let shape: ModelShape
  /// What the sequence follows from.
  package let seed: UInt64
  /// How many commits the model has seen; an index's `generation`.
  package private(set) var generation: UInt64 = 0
  /// The id that the next new item gets.
  package private(set) var nextID: UInt64 = 1
  /// What the index holds, by id.
  package private(set) var items: [UInt64: ModelItem] = [:]
  /// The notes by name.
  package private(set) var notes: [String: [UInt8]] = [:]
  /// The ids of all items, in an order that follows from the seed.
  private var living: [UInt64] = []
  private var idsByPath: [[UInt8]: UInt64] = [:]

  /// An empty index.
  package init(seed: UInt64, shape: ModelShape) {
    self.seed = seed
    self.shape = shape
  }

  /// The changes of the next commit; the model holds them when this returns.
  ///
  /// There is at least one, so that an index makes a generation of it.
  package mutating func advance() -> [StoreChange] {
    generation += 1
    var generator = SeededGenerator(seed: seed &* 0x9E37_79B9 &+ generation)
    return (0..<Int.random(in: 1...shape.largestChangeCount, using: &generator)).map { _ in
      let change = change(using: &generator)
      apply(change)
      return change
    }
  }

  /// The model after `generation` commits, which are no fewer than it has seen.
  package func advanced(to generation: UInt64) -> StoreModel {
    precondition(generation >= self.generation, "commits that are still to come")
    var model = self
    while model.generation < generation { _ = model.advance() }
    return model
  }
}

// MARK: - The sequence

extension StoreModel {
  private func change(using generator: inout SeededGenerator) -> StoreChange {
    // Around the wanted number of items as many come as go.
    let isFull = living.count >= shape.itemCount
    guard let id = living.randomElement(using: &generator) else {
      return .insert(item(using: &generator))
    }
    switch Int.random(in: 0..<23, using: &generator) {
    case 0..<6: return isFull ? .remove(id) : .insert(item(using: &generator))
    case 6..<9: return .insert(item(using: &generator))
    case 9..<12: return .remove(id)
    case 12: return .insertUnreadable(unreadable(using: &generator))
    case 13..<16: return .replace(id, item(using: &generator))
    case 16:
      return .rename(id, path: path(using: &generator), time: time(using: &generator))
    case 17:
      return .touch(id, size: generator.next() >> 20, time: time(using: &generator))
    case 18..<21: return tagging(id, using: &generator)
    default:
      let name = "note \(Int.random(in: 0..<3, using: &generator))"
      let value = (0..<20).map { _ in UInt8.random(in: 0...255, using: &generator) }
      return .note(name, notes[name] == nil ? value : nil)
    }
  }

  private func item(using generator: inout SeededGenerator) -> ModelItem {
    var item = ModelItem(path: path(using: &generator), time: time(using: &generator))
    item.size = generator.next() >> 20
    if Bool.random(using: &generator) {
      // Few hashes, so that several items have the same.
      item.hash = ContentHash(high: 7, low: UInt64.random(in: 0..<20, using: &generator))
    }
    let isLarge =
      shape.largeTokenCount > 0 && Int.random(in: 0..<shape.largeInterval, using: &generator) == 0
    item.tokens = ModelTokens(
      seed: generator.next(),
      count: isLarge
        ? shape.largeTokenCount : Int.random(in: shape.tokenCounts, using: &generator),
      dimension: isLarge
        ? shape.largeDimension : shape.dimensions.randomElement(using: &generator) ?? 8)
    item.hasPooled = Bool.random(using: &generator)
    item.mergesPatches = item.tokens.count > 0 && Int.random(in: 0..<4, using: &generator) == 0
    item.tower = Int.random(in: 0..<2, using: &generator)
    if let tag = Self.tags.randomElement(using: &generator), Bool.random(using: &generator) {
      item.tags = [tag]
    }
    return item
  }

  private func unreadable(using generator: inout SeededGenerator) -> ModelItem {
    var item = ModelItem(path: path(using: &generator), time: time(using: &generator))
    item.reason = "it ends early"
    return item
  }

  /// Gives an item a tag or takes it away, and perhaps the opposite of another: a change in any case.
  private func tagging(_ id: UInt64, using generator: inout SeededGenerator) -> StoreChange {
    let present = items[id]?.tags ?? []
    let chosen = Set(
      Self.tags.shuffled(using: &generator).prefix(.random(in: 1...2, using: &generator)))
    return .tag(
      id, adding: chosen.subtracting(present), removing: chosen.intersection(present))
  }

  /// The tags that items have: the keys of some begin with others, and one is as long as can be.
  package static let tags = [
    "sea", "seaside", "großes Bild", String(repeating: "日", count: 66),
  ].compactMap { ItemTag($0) }

  /// One of twice as many paths as there are items: new ones, and such as an item has.
  private func path(using generator: inout SeededGenerator) -> [UInt8] {
    let number = Int.random(in: 0..<2 * shape.itemCount, using: &generator)
    let name = Array("/photos/\(number % 3)/\(number).jpg".utf8)
    switch number % 8 {
    // No text, and longer than a key of LMDB may be: the first 480 bytes are the same.
    case 0: return Array("/photos/".utf8) + [0xFF, 0x80] + name
    case 1: return Array("/".utf8) + [UInt8](repeating: 0x61, count: 600) + name
    default: return name
    }
  }

  private func time(using generator: inout SeededGenerator) -> Int64 {
    Int64.random(in: -1_000_000_000...2_000_000_000_000_000_000, using: &generator)
  }
}

// MARK: - What changes do

extension StoreModel {
  private mutating func apply(_ change: StoreChange) {
    switch change {
    case .insert(let item), .insertUnreadable(let item):
      let id = idsByPath[item.path] ?? nextID
      nextID = max(nextID, id + 1)
      put(item, at: id)
    case .replace(let id, let item): put(item, at: id)
    case .rename(let id, let path, let time):
      guard var item = items[id] else { return }
      item.path = path
      item.time = time
      item.size = ModelItem.sizeOfRenamed
      put(item, at: id)
    case .touch(let id, let size, let time):
      items[id]?.size = size
      items[id]?.time = time
    case .remove(let id): remove(id)
    case .tag(let id, let added, let removed):
      items[id]?.tags.subtract(removed)
      items[id]?.tags.formUnion(added)
    case .note(let name, let value): notes[name] = value
    }
  }

  /// Whatever else has the item's path gives way.
  private mutating func put(_ item: ModelItem, at id: UInt64) {
    if let other = idsByPath[item.path], other != id { remove(other) }
    var item = item
    if let old = items[id] {
      idsByPath[old.path] = nil
      item.tags.formUnion(old.tags)
    } else {
      living.append(id)
    }
    items[id] = item
    idsByPath[item.path] = id
  }

  private mutating func remove(_ id: UInt64) {
    guard let item = items.removeValue(forKey: id) else { return }
    idsByPath[item.path] = nil
    living.removeAll { $0 == id }
  }
}
