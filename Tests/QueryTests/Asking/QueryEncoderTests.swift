import FilipEncoders
import FilipLateInteraction
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct QueryEncoderTests {
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  static let picture = FilePath(
    repository.appendingPathComponent("Examples/gallery/scene-0011.jpg").path)

  private let text: TextEncoder
  private let images: ImagePipeline

  init() throws {
    let path = Self.repository.appendingPathComponent("share/filip/models/filip-drawn").path
    let model = try IndexModel(for: nil, requested: path)
    text = try TextEncoder(model: model.directory)
    images = try ImagePipeline(model: model, limits: .scaledToMemory(threadCount: 1))
  }

  private func encode(_ typed: String, _ change: (inout Query) throws -> Void = { _ in }) throws
    -> EncodedQuery
  {
    var query = Query(try QueryParser.parse(typed))
    try change(&query)
    return try QueryEncoder(text: text, images: images).encode(query)
  }

  @Test func `the tower reads the sentence without its operators`() throws {
    let plain = try text.encode("a small red balloon on the sea")
    let query = try encode(#"a small^2 "red balloon"^3 on the sea^0"#)
    let sea = try #require(plain.terms.last)
    #expect(query.tokens == plain.tokens.rows(0..<sea.rows.lowerBound), "sea is read, not scored")
    #expect(query.parts.map(\.term.text) == ["a", "small", "red balloon", "on", "the"])
    #expect(query.parts.map(\.term.weight) == [1, 2, 3, 1, 1])
    let balloon = try #require(plain.terms.first { $0.text == "balloon" })
    let red = try #require(plain.terms.first { $0.text == "red" })
    #expect(query.parts[2].rows == red.rows.lowerBound..<balloon.rows.upperBound)
    for part in query.parts {
      #expect(query.weights[part.rows].allSatisfy { $0 == part.term.weight })
    }
    let typed = Array(#"a small^2 "red balloon"^3 on the sea^0"#.utf8)
    let shown = query.parts.map { String(decoding: typed[$0.term.sourceRange!], as: UTF8.self) }
    #expect(shown == ["a", "small", "red balloon", "on", "the"])
  }

  @Test func `a query without operators is what the encoder makes of it`() throws {
    let plain = try text.encode("two dogs beside a table")
    let query = try encode("two dogs beside a table")
    #expect(query.tokens == plain.tokens && query.pooled == plain.pooled)
    #expect(query.isPlain)
    #expect(query.parts.map(\.rows) == plain.terms.map(\.rows))
  }

  @Test func `for a model of phrases, what was set apart is a phrase of its own`() throws {
    let path = Self.repository.appendingPathComponent(
      "Tests/EncodersTests/Fixtures/clip-quick-gelu"
    ).path
    let text = try TextEncoder(model: try IndexModel(for: nil, requested: path).directory)
    let encoder = QueryEncoder(text: text)
    func parts(_ typed: String) throws -> [String] {
      try encoder.encode(Query(try QueryParser.parse(typed))).parts.map(\.term.text)
    }
    #expect(try parts("small red balloon on a sea") == ["small red balloon", "sea"])
    #expect(try parts("small red^2 balloon on a sea") == ["small", "red", "balloon", "sea"])
    #expect(try parts(#"small "balloon on a sea" cat"#) == ["small", "balloon on a sea", "cat"])
    // A row for each phrase and one for the sentence, which is of no part and counts once.
    let query = try encoder.encode(Query(try QueryParser.parse("dog^3 and cat")))
    #expect(query.weights == [3, 1, 1] && query.parts.map(\.rows) == [0..<1, 1..<2])
    var all = Query(try QueryParser.parse("dog and cat"))
    all.combination = .all
    #expect(try encoder.encode(all).tokens.tokenCount == 2, "the sentence is no part")
  }

  @Test func `weights have no place where one word makes the score`() throws {
    for combination in [Query.Combination.all, .any] {
      let error = #expect(throws: QueryError.self) {
        try encode("dog^2 cat") { $0.combination = combination }
      }
      #expect(error?.code == .contradictoryQuery)
      #expect(try encode("dog^2 cat^2") { $0.combination = combination }.parts.count == 2)
    }
    #expect(throws: QueryError.self) { try encode("dog^0 cat^0") }
    #expect(throws: EncoderError.self) { try encode("") }
  }

  @Test func `what must not be there is one thing`() throws {
    let query = try encode("dog") {
      $0.excluded = [
        try Query.Clause(parsing: "red car", literal: false),
        try Query.Clause(parsing: "3:\"red car\"^2", literal: false),
      ]
    }
    let car = try text.encode("red car")
    #expect(query.exclusions.map(\.tokens) == [car.tokens, car.tokens])
    #expect(query.exclusions.map(\.term.weight) == [1, 6])
    #expect(query.exclusions.map(\.term.text) == ["red car", "red car"])
    #expect(throws: QueryError.self) {
      try encode("dog") { $0.excluded = [Query.Clause(try QueryParser.parse("red^2 car"))] }
    }
    #expect(throws: QueryError.self) {
      try encode("dog") { $0.excluded = [Query.Clause(try QueryParser.parse("snow^0"))] }
    }
  }

  @Test func `added words count as given, and a picture as much as all words`() throws {
    let dog = try text.encode("small dog")
    let stripes = try text.encode("stripes")
    let scene = try images.encode(contentsOf: Self.picture).1.tokens
    let words = dog.tokens.tokenCount + stripes.tokens.tokenCount
    let query = try encode("small dog") {
      $0.added = [
        try Query.Clause(parsing: "2:stripes", literal: false),
        try Query.Clause(parsing: "0.5:\(Self.picture)", literal: false),
      ]
    }
    #expect(query.tokens == dog.tokens.appending([stripes.tokens, scene]))
    let textWeight = Double(dog.tokens.tokenCount + 2 * stripes.tokens.tokenCount)
    let pictureWeight = query.weights[words...].reduce(0, +)
    #expect(abs(pictureWeight - 0.5 * textWeight) < 1e-9)
    #expect(query.parts.last?.term.text == "scene-0011.jpg")
    #expect(query.parts.last?.term.weight == 0.5)
    #expect(query.pooled == nil, "what was put together has no one vector")
  }

  @Test func `a region asks with the patches whose middle lies in it`() throws {
    // 256 × 256 pixels, 8 × 8 patches of 32: columns 2…3, row 1.
    let scene = try images.encode(contentsOf: Self.picture).1
    func rows(_ region: String) throws -> TokenMatrix {
      let query = Query(.image(Self.picture, region: try PixelRegion(parsing: region)))
      return try QueryEncoder(text: nil, images: images).encode(query).tokens
    }
    #expect(try rows("64,32,64,32") == scene.tokens.rows([10, 11]))
    #expect(try rows("80,48,33,16") == scene.tokens.rows([10, 11]), "the left edge is inside")
    #expect(try rows("81,48,32,16") == scene.tokens.rows([11]), "and the right one outside")
    #expect(try rows("0,0,256,256") == scene.tokens)
    // Smaller than a patch, and in no patch's middle: the patch around it.
    #expect(try rows("66,34,4,4") == scene.tokens.rows([10]))
    for outside in ["200,0,57,10", "0,250,1,7"] {
      #expect(throws: QueryError.self) { try rows(outside) }
    }
  }

  @Test func `a region that no patch covers, and merged patches, are understood`() throws {
    let tokens = try TokenMatrix(
      normalizing: [1, 0, 0, 1, 1, 1], tokenCount: 3, dimension: 2)
    let tiles = [
      ImageTile(
        grid: PatchGrid(rowCount: 1, columnCount: 2),
        region: PixelRegion(x: 10, y: 0, width: 20, height: 10)),
      ImageTile(
        grid: PatchGrid(rowCount: 1, columnCount: 2),
        region: PixelRegion(x: 10, y: 0, width: 20, height: 10)),
    ]
    let image = EncodedImage(
      tokens: tokens, pooled: [1, 0], tiles: tiles, patchTokens: [0, 1, 2, 1])
    func rows(_ region: PixelRegion) throws -> [Int] {
      try image.tokenRows(in: region, width: 40, height: 10, path: "a.jpg")
    }
    #expect(try rows(PixelRegion(x: 10, y: 0, width: 10, height: 10)) == [0, 2])
    #expect(try rows(PixelRegion(x: 20, y: 0, width: 10, height: 10)) == [1])
    #expect(throws: QueryError.self) { try rows(PixelRegion(x: 0, y: 0, width: 5, height: 5)) }
  }

  @Test func `what cannot be encoded is refused by name`() throws {
    let nowhere = Query(.image("/nowhere/at-all.jpg", region: nil))
    let missing = #expect(throws: QueryError.self) {
      try QueryEncoder(text: nil, images: images).encode(nowhere)
    }
    #expect(missing?.code == .notFound && missing?.message.contains("at-all.jpg") == true)
    #expect(throws: QueryError.self) { try QueryEncoder(text: text).encode(nowhere) }
    #expect(throws: QueryError.self) {
      try QueryEncoder(text: nil).encode(Query(QueryText(literal: "dog")))
    }
    let file = try TemporaryDirectory()
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: file.path + "/x.jpg"))
    let broken = #expect(throws: QueryError.self) {
      try QueryEncoder(text: nil, images: images).encode(
        Query(.image(FilePath(file.path + "/x.jpg"), region: nil)))
    }
    #expect(broken?.code == .unreadable && broken?.message.contains("x.jpg") == true)
  }
}
