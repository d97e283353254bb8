import Testing

@testable import FilipEncoders

/// Against Pillow's and transformers' own output, see `Training/fixtures/make_resize_fixtures.py`.
@Suite struct ImageResamplingTests {
  private let cases: JSONValue

  init() throws {
    cases = try JSONValue(parsing: ImageFixtures.bytes("resize/cases.json"))
  }

  @Test func `resized pixels are Pillow's, byte for byte`() throws {
    let filters: [String: ResamplingFilter] = [
      "lanczos": .lanczos, "bilinear": .bilinear, "bicubic": .bicubic,
    ]
    let resizings = try #require(cases["resizing"]?.array)
    #expect(resizings.count == 150)
    for resizing in resizings {
      let resizing = try Fields(resizing)
      let image = try ImageFixtures.pattern(
        width: resizing.integer("width"), height: resizing.integer("height"))
      let filter = try #require(filters[resizing.text("filter")])
      let pixels = try resampled(
        image, toWidth: resizing.integer("toWidth"), height: resizing.integer("toHeight"),
        filter: filter)
      #expect(try ImageFixtures.hash(pixels) == resizing.text("hash"), "\(resizing.label)")
    }
  }

  @Test func `a part of the resized picture is that part, byte for byte`() {
    let image = ImageFixtures.pattern(width: 61, height: 47)
    let whole = resampled(image, toWidth: 30, height: 40, filter: .bicubic)
    for (columns, rows) in [(3..<17, 5..<40), (0..<30, 39..<40), (29..<30, 0..<1)] {
      let part = resampled(
        image, toWidth: 30, height: 40, columns: columns, rows: rows, filter: .bicubic)
      let expected = rows.flatMap { row in
        columns.flatMap { column in whole[(row * 30 + column) * 3..<(row * 30 + column + 1) * 3] }
      }
      #expect(part == expected, "\(columns) \(rows)")
    }
  }

  @Test func `prepared values are those of transformers' processors, bit for bit`() throws {
    let processings = try #require(cases["processing"]?.array)
    #expect(processings.count == 66)
    for processing in processings {
      let processing = try Fields(processing)
      let configuration = try PreprocessorConfiguration(
        json: Array(processing.text("configuration").utf8))
      let image = try ImageFixtures.pattern(
        width: processing.integer("width"), height: processing.integer("height"))
      let prepared = ImagePreprocessor(configuration: configuration).prepare(image)
      let shape = try #require(processing.value["shape"]?.array).map(\.integer)
      #expect(shape == [3, Int64(prepared.height), Int64(prepared.width)])
      let bytes = prepared.values.withUnsafeBytes { Array($0) }
      let hash = try processing.text("hash")
      #expect(ImageFixtures.hash(bytes) == hash, "\(processing.label)")
    }
  }
}

/// Members of a fixture, required.
struct Fields {
  let value: JSONValue

  init(_ value: JSONValue) throws { self.value = value }

  /// Tells the case from the others.
  var label: String {
    (value.object?.members ?? []).filter { $0.key != "pixels" && $0.key != "samples" }
      .map { "\($0.key): \($0.value)" }.joined(separator: ", ")
  }

  func integer(_ key: String) throws -> Int { Int(try #require(value[key]?.integer, "\(key)")) }

  func text(_ key: String) throws -> String { try #require(value[key]?.string, "\(key)") }
}
