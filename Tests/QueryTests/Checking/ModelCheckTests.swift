import FilipEncoders
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct ModelCheckTests {
  private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  private static let gallery = FilePath(repository + "/Examples/gallery")

  private func model() throws -> ModelDirectory {
    try ModelDirectory(path: Self.repository + "/share/filip/models/filip-drawn")
  }

  @Test func `patches of the bundled model answer to words, and those of another text do not`()
    throws
  {
    let set = try LabelledSet.read(Self.gallery)
    let check = try ModelCheck(model(), on: set, in: Self.gallery, limit: 30)
    #expect(check.imageCount == 30 && check.unreadableCount == 0 && check.textCount > 20)
    #expect(check.responses.map(\.mode) == [nil, .native])
    let (pooled, native) = (check.responses[0], check.responses[1])
    #expect(pooled.rightShare.mean > 0.7)
    #expect(native.rightShare.mean > 0.9)
    #expect(native.rightShare.interval.lowerBound > 0.8)
    let pointing = try #require(native.pointing)
    let chance = try #require(native.pointingByChance)
    #expect(pointing.mean > 0.7 && chance > 0 && chance < 0.5)
    #expect(pooled.pointing == nil)

    // Every text gets the grades and boxes of its neighbour: what is left is chance.
    var shuffled = set
    for index in set.queries.indices {
      let other = set.queries[(index + 7) % set.queries.count]
      shuffled.queries[index].grades = other.grades
      shuffled.queries[index].boxes = other.boxes
    }
    let none = try ModelCheck(model(), on: shuffled, in: Self.gallery, limit: 30)
    #expect(abs(none.responses[1].rightShare.mean - 0.5) < 0.2)
    #expect(try #require(none.responses[1].pointing).mean < 0.6)
  }

  @Test func `pictures that are not there are counted, and a set without them is refused`() throws {
    var set = try LabelledSet.read(Self.gallery)
    set.documents[0] = "gone.jpg"
    let check = try ModelCheck(model(), on: set, in: Self.gallery, limit: 10)
    #expect(check.unreadableCount == 1 && check.imageCount == 10)
    #expect(throws: QueryError.self) {
      _ = try ModelCheck(model(), on: set, in: FilePath("/nowhere"), limit: 10)
    }
  }

  @Test func `a model that can encode says what becomes of a picture and a text`() throws {
    #expect(
      try ModelSmokeTest(model()).description
        == "a picture becomes 64 tokens of 128, \"a small balloon\" becomes 3")
  }

  @Test func `the share above is that of all pairs, equal ones counting half`() {
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<200 {
      let lists = (0..<2).map { _ in
        (0..<Int.random(in: 1...8, using: &generator)).map { _ in
          Double(Int.random(in: 0...5, using: &generator))
        }
      }
      var sum = 0.0
      for first in lists[0] {
        for second in lists[1] { sum += first > second ? 1 : first == second ? 0.5 : 0 }
      }
      #expect(shareAbove(lists[0], lists[1]) == sum / Double(lists[0].count * lists[1].count))
    }
  }
}
