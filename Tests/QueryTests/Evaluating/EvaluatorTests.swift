import FilipEncoders
import FilipLateInteraction
import FilipStore
import Foundation
import TestSupport
import Testing

@testable import FilipQuery

/// Planted pictures: four axes, a word for each, and patches that point along them.
@Suite struct EvaluatorTests {
  static let words = ["red", "green", "blue", "gold"]

  static func axis(_ word: String) -> [Float] {
    words.map { $0 == word ? 1 : 0 }
  }

  /// A text whose words are the axes that it names; its pooled vector is their mean.
  static func encode(_ text: String) throws -> EncodedText {
    let words = text.split(separator: " ").map(String.init)
    let elements = words.flatMap(axis)
    let pooled = (0..<4).map { column in words.reduce(Float(0)) { $0 + axis($1)[column] } }
    return EncodedText(
      tokens: try TokenMatrix(normalizing: elements, tokenCount: words.count, dimension: 4),
      pooled: try TokenMatrix(normalizing: pooled, tokenCount: 1, dimension: 4).elements,
      terms: words.enumerated().map { row, word in
        QueryTerm(text: word, kind: .word, sourceRange: nil, rows: row..<row + 1)
      })
  }

  let folder: TemporaryDirectory
  let store: TokenStore

  /// Each picture has two by two patches and a pooled vector along one axis.
  static let pictures: [(path: String, patches: [String], pooled: String)] = [
    ("/photos/one/a.png", ["red", "green", "green", "green"], "blue"),
    ("/photos/one/b.png", ["blue", "blue", "blue", "blue"], "red"),
    ("/photos/two/c.png", ["green", "gold", "green", "green"], "gold"),
    ("/elsewhere/d.png", ["red", "red", "red", "red"], "red"),
  ]

  init() throws {
    folder = try TemporaryDirectory(inMemory: true)
    store = try TokenStore.open(at: folder.path, mode: .create)
    try store.write { writer in
      for picture in Self.pictures {
        var record = ItemRecord(kind: .image, path: Array(picture.path.utf8))
        (record.width, record.height) = (200, 100)
        record.tiles = [
          ImageTile(
            grid: PatchGrid(rowCount: 2, columnCount: 2),
            region: PixelRegion(x: 0, y: 0, width: 200, height: 100))
        ]
        record.tags = [ItemTag(picture.pooled)!]
        let tokens = try TokenMatrix(
          normalizing: picture.patches.flatMap(Self.axis), tokenCount: 4, dimension: 4)
        try writer.insert(record, tokens: tokens, pooled: Self.axis(picture.pooled))
      }
    }
  }

  /// Red is in a, blue in b, gold in c; d is not of the set, and e is not in the index.
  static var set: LabelledSet {
    var set = LabelledSet(
      documents: ["a.png", "one/b.png", "c", "e.png"],
      queries: [
        .init(id: "q1", text: "red", grades: [0: 1]), .init(id: "q2", text: "blue", grades: [1: 1]),
        .init(id: "q3", text: "gold", grades: [2: 1]),
        .init(id: "q4", text: "green", grades: [3: 1]),
      ])
    set.queries[0].boxes = [0: [PixelRegion(x: 0, y: 0, width: 0.5, height: 0.5)]]
    set.queries[2].boxes = [2: [PixelRegion(x: 0, y: 0.5, width: 0.4, height: 0.5)]]
    return set
  }

  func evaluation(_ scorers: String, of set: LabelledSet = Self.set) async throws -> Evaluation {
    let evaluator = try Evaluator(
      store: store, scorers: try ScorerSpecification.list(parsing: scorers), encode: Self.encode)
    return try await evaluator.run(on: set)
  }

  @Test func `documents are found by their names, and those that are missing count`() async throws {
    let evaluation = try await evaluation("filip,global")
    #expect(evaluation.documents == ["a.png", "one/b.png", "c"])
    #expect(evaluation.missing == ["e.png"])
    // Tokens find all three, pooled vectors the golden one; a green one is not there to be found.
    let hits = [0, 1].map { evaluation.rankings(of: $0).map { $0.hitRate(at: 1) } }
    #expect(hits == [[1, 1, 1, 0], [0, 0, 1, 0]])
    let texts = evaluation.reverseRankings(of: 0).map { $0.hitRate(at: 1) }
    // Of picture a, half-way between green and red, the later query wins the tie.
    #expect(texts == [0, 1, 0])
  }

  @Test func `a run says what was scored, and its judgements give the same figures`() async throws {
    let evaluation = try await evaluation("filip")
    let run = evaluation.run(of: 0)
    let expected = ["a.png 1 1.0", "one/b.png 2 0.0", "c 3 0.0"]
    let lines = run.text().split(separator: "\n").filter { $0.hasPrefix("q1 ") }
    // Of equal scores the later name comes first.
    #expect(lines.map { $0.split(separator: " ")[2...4].joined(separator: " ") } == expected)
    for measure in Measure.all {
      let values = evaluation.rankings(of: 0).map(measure.value)
      #expect(run.values(of: measure, evaluation.judgements()) == values)
    }
  }

  @Test func `pointing finds the right quarter and misses the wrong one`() async throws {
    let groundings = try await evaluation("filip").groundings
    try #require(groundings.count == 2)
    #expect(groundings[0].pointsInside && groundings[0].overlap == 1)
    // The box of the golden patch is said to be at the other corner.
    #expect(!groundings[1].pointsInside && groundings[1].overlap == 0)
  }

  @Test func `topics rank all of the index`() async throws {
    var set = LabelledSet(
      documents: ["a.png"], queries: [.init(id: "1", text: "red", grades: [0: 1])])
    set.includesOthers = true
    let evaluation = try await evaluation("filip", of: set)
    #expect(evaluation.documents == ["a.png", "b.png", "c.png", "d.png"])
    // Equal scores: the later name goes first.
    #expect(evaluation.rankings(of: 0)[0].reciprocalRank == 0.5)
  }

  @Test func `a hybrid is fitted on the other half of the queries`() async throws {
    // Tokens tell red, blue and gold; pooled vectors mislead in the first two.
    let evaluation = try await evaluation("hybrid:weight=fit,filip")
    let weights = try #require(evaluation.fittedWeights[0])
    #expect(weights.count == 2)
    #expect(evaluation.rankings(of: 0).map { $0.hitRate(at: 1) } == [1, 1, 1, 0])
    #expect(evaluation.scorers.map(\.description) == ["hybrid:weight=fit", "filip"])
    #expect(evaluation.fittedWeights[1] == nil)
  }

  @Test func `the fitted weight is the one that ranks best`() {
    // Tokens are right on the first query, pooled vectors on the second; only a share of 0.6 to 0.7
    // of the tokens gets both right.
    let tokens: [[Float]] = [[0.9, 0.5], [0.5, 0.6]]
    let pooled: [[Float]] = [[0.1, 0.7], [0.9, 0.7]]
    let weight = fittedHybridWeight(
      tokens: tokens.map { $0[...] }, pooled: pooled.map { $0[...] }, relevant: [[0], [0]])
    #expect(abs(weight - 0.65) < 1e-9)
    // Where nothing depends on it, neither side is preferred.
    #expect(fittedHybridWeight(tokens: [[1, 0]], pooled: [[1, 0]], relevant: [[0]]) == 0.5)
  }

  @Test func `tags and flows read what they need`() async throws {
    let evaluation = try await evaluation("tags:weight=10,tokenflow,bagformer,ot,soft,top-r,hybrid")
    // Gold is a tag of c, red one of b, blue one of a.
    #expect(evaluation.rankings(of: 0).map { $0.hitRate(at: 1) } == [0, 0, 1, 0])
    for scorer in 1..<7 {
      #expect(evaluation.rankings(of: scorer)[2].hitRate(at: 1) == 1, "\(scorer)")
    }
  }

  @Test func `sizes are told apart`() async throws {
    let summary = try await evaluation("filip,global").summary(bySize: true)
    #expect(summary.sections.map(\.queryCount) == [4, 2, 3])
    #expect(summary.sections[1].title.contains("40 % and more"))
    #expect(summary.sections[1].rows.map { $0.estimates[0].mean } == [1, 0.5])
    #expect(summary.sections[1].rows.map(\.comparisons.count) == [0, 6])
  }

  @Test func `a name that two items bear, and a set of which nothing is there, are refused`()
    async throws
  {
    func code(_ documents: [String]) async throws -> QueryError.Code? {
      let set = LabelledSet(
        documents: documents, queries: [.init(id: "1", text: "red", grades: [0: 1])])
      do {
        _ = try await evaluation("filip", of: set)
        return nil
      } catch let error as QueryError { return error.code }
    }
    try store.write { writer in
      try writer.insert(
        ItemRecord(kind: .image, path: Array("/photos/two/a.png".utf8)),
        tokens: try TokenMatrix(normalizing: Self.axis("red"), tokenCount: 1, dimension: 4))
    }
    #expect(try await code(["a.png"]) == .unreadable)
    #expect(try await code(["one/a.png"]) == nil)
    #expect(try await code(["z.png"]) == .notFound)
  }

  @Test func `a response is the patches joined to the best one`() {
    let map: [Float] = [
      0, 0, 0, 9,
      0, 8, 0, 0,
      0, 0, 10, 0,
      6, 0, 0, 0,
    ]
    let region = ResponseRegion(map, grid: PatchGrid(rowCount: 4, columnCount: 4))
    #expect(region?.peak == 10)
    // The 9 touches the peak's region by no corner; neither does the 6.
    #expect(region?.rows == 1..<3 && region?.columns == 1..<3)
    #expect(ResponseRegion([1], grid: PatchGrid(rowCount: 1, columnCount: 2)) == nil)
    let box = PixelRegion(x: 0, y: 0, width: 2, height: 2)
    let shifted = PixelRegion(x: 1, y: 1, width: 2, height: 2)
    #expect(abs(box.intersectionOverUnion(shifted) - 1.0 / 7) < 1e-12)
    #expect(box.intersectionOverUnion(PixelRegion(x: 5, y: 5, width: 1, height: 1)) == 0)
  }
}
