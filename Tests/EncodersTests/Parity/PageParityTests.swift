import FilipLateInteraction
import FilipLinearAlgebra
import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

/// A tiny random ColModernVBERT of `make_page_fixtures.py` against transformers, from the pictures'
/// pixels on.
@Suite struct PageParityTests {
  static let tolerance: Float = 1e-4
  /// What the fixture calls the token modes.
  static let modes = [(TokenMode.native, "tiled"), (.single, "single")]

  /// A picture of the fixture.
  private func picture(_ number: Int, _ fixture: ModelFixture) throws -> DecodedImage {
    let (shape, values) = try fixture.expectation("picture.\(number)")
    return DecodedImage(
      width: shape[1], height: shape[0], pixels: values.map { UInt8($0) }, format: .png)
  }

  private func prepared(
    _ number: Int, _ mode: TokenMode, _ fixture: ModelFixture
  ) throws -> PreparedImage {
    let configuration = try #require(fixture.model.preprocessing(for: mode))
    return ImagePreprocessor(configuration: configuration)
      .prepare(try picture(number, fixture))
  }

  @Test(arguments: modes)
  func `a page is cut and squeezed to the pixels of transformers' processor`(
    mode: TokenMode, name: String
  ) throws {
    let fixture = try ModelFixture("pages")
    for number in 0..<5 {
      let (shape, values) = try fixture.expectation("\(name).\(number).pixels")
      let page = try prepared(number, mode, fixture)
      let pictures = (page.parts?.images ?? []) + [page]
      #expect(shape == [pictures.count, 3, 16, 16])
      #expect(largestDifference(pictures.flatMap(\.values), values) <= 1e-6, "\(name) \(number)")
      #expect((page.parts == nil) == (mode == .single))
      #expect(page.parts.map { $0.rowCount * $0.columnCount } ?? 0 == shape[0] - 1)
    }
  }

  @Test(arguments: modes)
  func `every token of a page equals the library's, and patches know theirs`(
    mode: TokenMode, name: String
  ) throws {
    let fixture = try ModelFixture("pages")
    let encoder = try ImageEncoder(model: fixture.model, tokenMode: mode)
    #expect(encoder.dimension == 20 && encoder.grid == nil)
    let pages = try (0..<5).map { try prepared($0, mode, fixture) }
    let encoded = try encoder.encode(pages, workspace: encoder.makeWorkspace())
    for (number, page) in encoded.enumerated() {
      let stem = "\(name).\(number)."
      let tokens = try fixture.expectation(stem + "tokens")
      #expect(tokens.shape == [page.tokens.tokenCount, 20])
      #expect(
        largestDifference(page.tokens.elements, tokens.values) <= Self.tolerance, "\(stem)")
      let pooled = try fixture.expectation(stem + "pooled").values
      #expect(largestDifference(page.pooled, pooled) <= Self.tolerance, "\(stem)")
      // The library's number of <image> is 266; each of its places is a patch.
      let ids = try fixture.expectation(stem + "ids").values
      #expect(page.patchTokens == ids.indices.filter { ids[$0] == 266 }.map { UInt32($0) })
      #expect(page.tiles.allSatisfy { $0.grid == PatchGrid(rowCount: 2, columnCount: 2) })
      #expect(page.tiles.count * 4 == page.patchTokens?.count)
    }
    let counts = encoded.map(\.tokens.tokenCount)
    // The third is a square, which has the most parts.
    #expect(encoder.maximumTokenCount == counts[2] && counts.allSatisfy { $0 <= counts[2] })
    #expect(encoder.maximumPatchCount == (mode == .single ? 4 : 40))
  }

  @Test func `the parts of a page lie side by side on it, and the whole over them`() throws {
    let fixture = try ModelFixture("pages")
    let page = try prepared(0, .native, fixture)
    let parts = try #require(page.parts)
    #expect(parts.rowCount == 2 && parts.columnCount == 3)
    #expect(page.region == PixelRegion(x: 0, y: 0, width: 75, height: 35))
    #expect(parts.images[0].region == PixelRegion(x: 0, y: 0, width: 25, height: 17.5))
    #expect(parts.images[4].region == PixelRegion(x: 25, y: 17.5, width: 25, height: 17.5))
    let encoder = try ImageEncoder(model: fixture.model)
    let encoded = try encoder.encode([page], workspace: encoder.makeWorkspace())[0]
    #expect(encoded.tiles.map(\.region) == parts.images.map(\.region) + [page.region])
  }

  @Test func `pages are cut into as many parts as Idefics 3's processor makes of them`() throws {
    let path = try ModelFixture.directory("pages") + "/sizes.txt"
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 512)
    for line in lines {
      let row = line.split(separator: " ").compactMap { Int($0) }
      let size = ImagePreprocessor.pageSize(width: row[0], height: row[1], longestSide: row[3])
      let grid = ImagePreprocessor.squares(of: size, side: row[2])
      #expect(grid == PatchGrid(rowCount: row[4], columnCount: row[5]), "\(line)")
    }
  }

  @Test func `a query of ten more tokens meets pages in one space`() throws {
    let fixture = try ModelFixture("pages")
    let encoder = try TextEncoder(model: fixture.model)
    let query = try encoder.encode("is")
    #expect(query.tokens.dimension == 20)
    // Start, two letters, ten tokens that the model adds, end.
    #expect(query.tokens.tokenCount == 14)
  }

  @Test func `both ways to read pages have an identity of their own`() throws {
    let model = try ModelFixture("pages").model
    #expect(model.tokenModes == [.native, .single])
    let native = try model.imageFingerprint()
    #expect(native == (try model.imageFingerprint(tokenMode: .native)))
    #expect(native != (try model.imageFingerprint(tokenMode: .single)))
    let error = #expect(throws: EncoderError.self) {
      try ImageEncoder(model: model, tokenMode: .value)
    }
    #expect(error?.code == .unsupportedTokenMode)
  }

  @Test func `squares of patches are put together row by row`() {
    // 4 × 4 patches of one number each, in squares of 2 × 2.
    let patches = Matrix((0..<16).map(Float.init), rowCount: 16, columnCount: 1)
    let squares = PageReader.squares(of: patches, side: 4, factor: 2)
    #expect(squares.rowCount == 4 && squares.columnCount == 4)
    #expect(
      squares.elements == [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15])
  }

  // MARK: - Files that do not fit

  /// A copy of the fixture with one file changed.
  private func changed(
    _ name: String, _ replacements: [(String, String)], _ body: (String) throws -> Void
  ) throws {
    let folder = try TemporaryDirectory()
    let copy = folder.path + "/model"
    try FileManager.default.copyItem(atPath: ModelFixture.directory("pages"), toPath: copy)
    let file = copy + "/" + name
    var text = try String(contentsOfFile: file, encoding: .utf8)
    for (old, new) in replacements {
      #expect(text.contains(old), "\(old)")
      text = text.replacingOccurrences(of: old, with: new)
    }
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    try body(copy)
  }

  @Test(
    arguments: [
      ("config.json", [("\"pixel_shuffle_factor\": 2", "\"pixel_shuffle_factor\": 3")]),
      ("config.json", [("\"image_size\": 16", "\"image_size\": 32")]),
      ("config.json", [("\"max_position_embeddings\": 256", "\"max_position_embeddings\": 39")]),
      ("processor_config.json", [("\"image_seq_len\": 4", "\"image_seq_len\": 5")]),
      ("processor_config.json", [("User:<image>", "User:<image><image>")]),
      ("processor_config.json", [("\"query_prefix\": \"\"", "\"query_prefix\": \"query: \"")]),
      ("processor_config.json", [("\"do_resize\": true", "\"do_resize\": false")]),
      ("processor_config.json", [("\"longest_edge\": 48", "\"shortest_edge\": 48")]),
      ("processor_config.json", [("\"image_processor\"", "\"other\"")]),
      ("config.json", [("\"image_token_id\": 266", "\"image_token_id\": 265")]),
    ])
  func `files that do not belong together are refused`(
    name: String, replacements: [(String, String)]
  ) throws {
    try changed(name, replacements) { folder in
      let error = #expect(throws: EncoderError.self) {
        let model = try ModelDirectory(path: folder)
        let encoder = try ImageEncoder(model: model)
        let page = try prepared(0, .native, ModelFixture("pages"))
        _ = try encoder.encode([page], workspace: encoder.makeWorkspace())
      }
      let codes: [EncoderError.Code] = [.invalidConfiguration, .unsupportedModel, .invalidInput]
      #expect(error.map { codes.contains($0.code) } == true, "\(replacements): \(error as Any)")
    }
  }

  @Test func `a processor that does not cut pages makes them of one part`() throws {
    let change = [("\"do_image_splitting\": true", "\"do_image_splitting\": false")]
    try changed("processor_config.json", change) { folder in
      let model = try ModelDirectory(path: folder)
      let single = try ModelFixture("pages")
      #expect(
        model.preprocessing(for: .native) == single.model.preprocessing(for: .single))
      #expect(model.maximumPatchCount == 4)
    }
  }
}
