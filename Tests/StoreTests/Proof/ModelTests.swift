import FilipLateInteraction
import Foundation
import StoreProof
import TestSupport
import Testing

@testable import FilipStore

/// An index and dictionaries in memory go through the same changes.
@Suite struct ModelTests {
  static let layouts = [
    PlaneLayout(), PlaneLayout(bits: .four, originals: .none),
    PlaneLayout(bits: .eight, originals: .none), PlaneLayout(bits: .four),
  ]

  @Test(arguments: 0..<4 as Range<Int>)
  func `any sequence of changes leaves what it leaves in a dictionary`(number: Int) throws {
    let commitCount = FaultTests.isExhaustive ? 3_000 : 300
    let folder = try TemporaryDirectory(inMemory: true)
    let seed = 900 + UInt64(number)
    var generator = SeededGenerator(seed: seed)
    var model = StoreModel(seed: seed, shape: ModelShape())
    func open() throws -> TokenStore {
      try TokenStore.open(
        at: folder.path + "/index", mode: .create, layout: Self.layouts[number])
    }
    var store: TokenStore? = try open()
    for step in 1...commitCount {
      let name = "seed \(seed), commit \(step)"
      do {
        try store.map { try model.commit(to: $0) }
        switch Int.random(in: 0..<20, using: &generator) {
        case 0:
          store = nil
          store = try open()
        case 1:
          try store?.compact()
          let deadCount = try store?.read { try $0.planeStatistics().deadImageCount }
          try #require(deadCount == 0, "\(name)")
        case 2:
          // A write that is given up changes nothing.
          struct GivenUp: Error {}
          var other = model
          let changes = other.advance()
          #expect(throws: GivenUp.self, "\(name)") {
            try store?.write { writer in
              for change in changes { try change.apply(to: &writer) }
              throw GivenUp()
            }
          }
        default: break
        }
        guard step % 10 == 0 || step == commitCount else { continue }
        let differences = try store?.read { try model.differences(from: $0) }
        try #require(differences == [], "\(name)")
      } catch {
        Issue.record("\(name): \(error)")
        throw error
      }
    }
    try #expect(#require(store).read { try $0.generation } == UInt64(commitCount))
  }

  @Test func `a model tells an index apart that differs in one thing`() throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let store = try TokenStore.open(at: folder.path + "/index", mode: .create)
    var model = StoreModel(seed: 5, shape: ModelShape())
    for _ in 0..<30 { try model.commit(to: store) }
    try #expect(store.read { try model.differences(from: $0) } == [])
    let later = model.advanced(to: model.generation + 1)
    try #expect(!store.read { try later.differences(from: $0) }.isEmpty)
    // Every change alone, in the same commit as the last one.
    let id = try #require(model.items.first { $0.value.tokens.count > 0 }?.key)
    var item = try #require(model.items[id])
    item.tokens.seed &+= 1
    let changes: [StoreChange] = [
      .replace(id, item), .touch(id, size: 3, time: 4), .note("note 0", [1]), .remove(id),
      .rename(id, path: Array("/elsewhere".utf8), time: 3),
      .tag(id, adding: Set(StoreModel.tags).subtracting(item.tags), removing: item.tags),
    ]
    for change in changes {
      let copy = try TemporaryDirectory(inMemory: true)
      let other = try TokenStore.open(at: copy.path + "/index", mode: .create)
      var fresh = StoreModel(seed: 5, shape: ModelShape())
      for _ in 1..<30 { try fresh.commit(to: other) }
      let next = fresh.advanced(to: 30)
      var last = fresh
      let rest = last.advance()
      try other.write { writer in
        for step in rest { try step.apply(to: &writer) }
        try change.apply(to: &writer)
      }
      try #expect(!other.read { try next.differences(from: $0) }.isEmpty, "\(change)")
    }
  }
}
