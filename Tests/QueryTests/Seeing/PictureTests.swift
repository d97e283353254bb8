import FilipEncoders
import FilipLateInteraction
import FilipStore
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct PictureTests {
  /// A light picture of 80 × 60 pixels, of which a model sees all but 10 pixels at the left and right as
  /// 3 × 3 patches of 20; red is in the middle, blue very faintly below to the right.
  private static let image = DecodedImage(
    width: 80, height: 60, pixels: Array(repeating: 200, count: 80 * 60 * 3), format: .png)

  private func explanation(_ words: [String] = ["red", "blue"]) -> Explanation {
    var planted = PlantedImage(rowCount: 3, columnCount: 3)
    planted.paint(.red, strength: 0.9, row: 1, column: 1)
    planted.paint(.blue, strength: 0.1, row: 2, column: 2)
    var item = ItemRecord(kind: .image, path: nil)
    (item.width, item.height) = (80, 60)
    item.tiles = [
      ImageTile(grid: planted.grid, region: PixelRegion(x: 10, y: 0, width: 60, height: 60))
    ]
    item.tokenCount = 9
    var query = EncodedQuery(.red, .blue)
    for (index, word) in words.enumerated() { query.parts[index].term.text = word }
    return Explanation(
      query, ExactSimilarities(text: query.tokens, image: planted.tokens), of: item)
  }

  @Test func `a word that is nowhere stays dark beside one that is there`() throws {
    let explanation = explanation()
    let scale = ColourScale(try #require(explanation.range))
    let picture = ExplanationPicture(explanation, Self.image, side: 200)
    let red = picture.heatMap(of: explanation.parts[0], scale: scale)
    let blue = picture.heatMap(of: explanation.parts[1], scale: scale)
    #expect(red.width == 80 && red.height == 60)
    // The middle patch of red has the brightest colour there is, over the grey of the picture.
    let grey = RGB(120, 120, 120)
    let brightest = grey.mixed(with: ColourScale.colour(at: 1), share: 0.65)
    let darkest = grey.mixed(with: ColourScale.colour(at: 0), share: 0.65)
    #expect(red[40, 30] == brightest && red[20, 10] == darkest)
    let brightness = { (canvas: Canvas, y: Range<Int>) in
      y.flatMap { y in (12..<68).map { x in canvas[x, y] } }.filter { $0 != .white && $0 != .black }
        .map(\.luma).max() ?? 0
    }
    #expect(brightness(red, 0..<60) > 150 && brightness(blue, 0..<60) < 90)
    // What the model does not see is no part of the map.
    #expect(red[5, 30] == grey && red[75, 30] == grey && blue[5, 5] == grey)
  }

  @Test func `an image that shows nothing is dark where the index tells what is clear`() throws {
    var explanation = explanation()
    #expect(
      explanation.range?.lowerBound == 0
        && explanation.range?.upperBound == explanation.parts[0].map[4])
    let scores = (0..<40).map { $0.isMultiple(of: 2) ? 0.8 : 1.0 }
    explanation.parts[1].term.background = Background(scores)
    #expect(abs(try #require(explanation.range).upperBound - 1.2) < 1e-6)
    explanation.parts[1].term.background = Background(scores.map { $0 / 10 })
    #expect(
      explanation.range?.upperBound == explanation.parts[0].map[4], "the largest, if it is more")
    #expect(Explanation.range(of: []) == nil)
  }

  @Test func `marks and alignment bear the colours of the words that won`() throws {
    let explanation = explanation()
    let picture = ExplanationPicture(explanation, Self.image, side: 200)
    let marks = picture.marks()
    #expect(
      marks[30, 20] == .ofPart(0) && marks[49, 39] == .ofPart(0)
        && marks[40, 30] == RGB(200, 200, 200))
    #expect(marks[50, 40] == .ofPart(1) && marks[69, 59] == .ofPart(1))
    let scale = ColourScale(try #require(explanation.range))
    let alignment = picture.alignment(scale: scale)
    let grey = RGB(200, 200, 200)
    #expect(alignment[32, 22] == grey.mixed(with: .ofPart(0), share: 0.8))
    let faint = scale.share(of: explanation.parts[1].map[8])
    #expect(alignment[52, 42] == grey.mixed(with: .ofPart(1), share: 0.1 + 0.7 * faint))
    // The number of the word stands in the patch that it won clearly, and in no other.
    func dots(_ x: Range<Int>, _ y: Range<Int>) -> Int {
      y.reduce(0) { sum, y in sum + x.count { alignment[$0, y] == .black } }
    }
    #expect(dots(30..<50, 20..<40) > 5 && dots(0..<80, 0..<60) == dots(30..<50, 20..<40))
    // One picture of a pixel a patch, as the contact sheet stretches it.
    let tile = try #require(explanation.heatTiles(of: explanation.parts[0], scale: scale).first)
    #expect(tile.width == 3 && tile.height == 3)
    #expect(Array(tile.pixels[12..<15]) == [0xFD, 0xE7, 0x25])
    let winners = try #require(explanation.alignmentTiles(scale: scale).first)
    #expect(Array(winners.pixels[12..<15]) == [0xE6, 0x9F, 0x00])
  }

  @Test func `a sheet has a panel for the marks, for each word, and for the alignment`() throws {
    let explanation = explanation()
    let sheet = ExplanationSheet(explanation, Self.image, query: "red blue", side: 200).draw()
    // Four panels in a row, each as wide as a caption.
    #expect(sheet.width == 14 + 4 * (256 + 14))
    let picture = ExplanationPicture(explanation, Self.image, side: 200)
    let scale = ColourScale(try #require(explanation.range))
    let panels =
      [picture.marks()] + explanation.parts.map { picture.heatMap(of: $0, scale: scale) }
      + [picture.alignment(scale: scale)]
    let top = try #require((0..<sheet.height).first { sheet[14 + 5, $0] == RGB(200, 200, 200) })
    for (number, panel) in panels.enumerated() {
      let left = 14 + number * 270
      for (x, y) in [(0, 0), (79, 59), (40, 30), (33, 24)] {
        #expect(sheet[left + x, top + y] == panel[x, y], "panel \(number) at \(x), \(y)")
      }
    }
    // The legend goes from the darkest to the brightest colour.
    let row = (0..<sheet.width).map { sheet[$0, sheet.height - 38 + 12] }
    #expect(row.contains(ColourScale.colour(at: 0)) && row.contains(ColourScale.colour(at: 1)))
    // Other scripts are captioned by the word's number; the sheet is of the same size.
    let other = ExplanationSheet(self.explanation(["犬", "blue"]), Self.image, query: "犬 blue")
      .draw()
    #expect(other.width == sheet.width && other.height == sheet.height)
    #expect(ExplanationSheet.caption("犬", number: 0) == "1 word 1")
    #expect(ExplanationSheet.caption("Füße", number: 1) == "2 Füße")
  }

  @Test func `letters fit their line, and accents change them`() {
    for scalar in 32..<127 {
      let character = Character(UnicodeScalar(UInt8(scalar)))
      let glyph = BitmapFont.glyph(character)
      #expect(glyph.map { (1...5).contains($0.columns.count) } == true, "\(character)")
      #expect(glyph?.columns.allSatisfy { $0 >> BitmapFont.lineHeight == 0 } == true)
      #expect((glyph?.columns.contains { $0 != 0 } ?? false) == (character != " "))
    }
    let letters = "aàáâãäåāą eèéêëēęě nñńň cçćč AÀÁÂÃÄÅ OÒÓÔÕÖØ ßæø"
    let glyphs = letters.filter { $0 != " " }.map { BitmapFont.glyph($0) }
    #expect(!glyphs.contains(nil) && Set(glyphs).count == glyphs.count, "each looks its own way")
    // The accent stands right above a small letter and higher above a capital.
    #expect(BitmapFont.glyph("é")?.columns.map { $0 & 0b11 }.allSatisfy { $0 == 0 } == true)
    #expect(BitmapFont.glyph("É")?.columns.contains { $0 & 0b11 != 0 } == true)
    #expect(!BitmapFont.canWrite("犬") && BitmapFont.canWrite("Čučoriedka 3,5 %"))
    let text = BitmapFont.fitted("a very long caption indeed", width: 60)
    #expect(text.hasSuffix("…") && BitmapFont.width(of: text) <= 60 && text.count > 5)
    #expect(BitmapFont.fitted("short", width: 60) == "short")
  }

  @Test func `the scale of colours gets brighter all the way`() {
    let brightness = (0...100).map { ColourScale.colour(at: Double($0) / 100).luma }
    #expect(zip(brightness, brightness.dropFirst()).allSatisfy { $0 < $1 })
    let scale = ColourScale(0.2...0.6)
    #expect(scale.share(of: 0.1) == 0 && scale.share(of: 0.9) == 1)
    #expect(abs(scale.share(of: 0.4) - 0.5) < 1e-6)
    #expect(ColourScale(0.5...0.5).share(of: 0.5) == 0, "no extent, no heat")
    #expect(RGB(hex: 0x0A1B2C).css == "#0a1b2c")
  }

  @Test func `what is drawn beyond the edges is cut off`() {
    var canvas = Canvas(width: 4, height: 3, colour: .white)
    canvas.fill(-2..<2, -5..<2, .black)
    canvas.draw(Canvas(width: 3, height: 3, colour: RGB(1, 2, 3)), x: 3, y: 2)
    canvas.draw(Canvas(width: 2, height: 2, colour: .black), x: -9, y: 9)
    canvas.write("Wy", x: 2, y: -3, colour: .white, scale: 3)
    #expect(canvas[0, 2] == .white && canvas[3, 2] == RGB(1, 2, 3))
    #expect(canvas[1, 0] == .black && canvas.image.pixels.count == 36)
  }
}
