import FilipEncoders
import FilipLateInteraction
import FilipStore
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FilipQuery

/// Boxes are those of the picture as people see it, however its file turns it.
@Suite struct OrientationTests {
  /// How the file of a picture stores it that its EXIF data turns upright (EXIF 2.32, tag 274).
  private func stored(_ upright: DecodedImage, orientation: Int) -> DecodedImage {
    let (width, height) = (upright.width, upright.height)
    let isTurned = orientation > 4
    let (storedWidth, storedHeight) = isTurned ? (height, width) : (width, height)
    var pixels = [UInt8](repeating: 0, count: upright.pixels.count)
    for y in 0..<height {
      for x in 0..<width {
        let (left, top) =
          switch orientation {
          case 2: (width - 1 - x, y)
          case 3: (width - 1 - x, height - 1 - y)
          case 4: (x, height - 1 - y)
          case 5: (y, x)
          case 6: (y, width - 1 - x)
          case 7: (height - 1 - y, width - 1 - x)
          case 8: (height - 1 - y, x)
          default: (x, y)
          }
        for channel in 0..<3 {
          pixels[(top * storedWidth + left) * 3 + channel] =
            upright.pixels[(y * width + x) * 3 + channel]
        }
      }
    }
    return DecodedImage(width: storedWidth, height: storedHeight, pixels: pixels, format: .jpeg)
  }

  private func file(_ upright: DecodedImage, orientation: Int) throws -> [UInt8] {
    var exif = EXIFBytes()
    exif.main = [.short(0x0112, UInt16(orientation))]
    return exif.inserted(
      intoJPEG: try stored(upright, orientation: orientation).jpegData(quality: 100))
  }

  /// The linear encoder of planted pictures: a patch is red as far as its pixels are.
  private func tokens(_ image: DecodedImage, _ tile: ImageTile) -> PlantedImage {
    var planted = PlantedImage(rowCount: tile.grid.rowCount, columnCount: tile.grid.columnCount)
    for patch in 0..<tile.grid.patchCount {
      let region = tile.region(ofPatch: patch)
      var (red, count) = (0.0, 0.0)
      for y in Int(region.y)..<Int(region.y + region.height) {
        for x in Int(region.x)..<Int(region.x + region.width) {
          red += Double(image.pixels[(y * image.width + x) * 3]) / 255
          count += 1
        }
      }
      planted.paint(
        .red, strength: red / count, row: patch / tile.grid.columnCount,
        column: patch % tile.grid.columnCount)
    }
    return planted
  }

  @Test(arguments: 1...8)
  func `what is planted is found at its place in the upright picture`(orientation: Int) throws {
    // 96 × 64 pixels, black but for red in the patches of 16 pixels at (4, 1) and (4, 2).
    var pixels = [UInt8](repeating: 0, count: 96 * 64 * 3)
    for y in 16..<48 { for x in 64..<80 { pixels[(y * 96 + x) * 3] = 255 } }
    for y in 32..<48 { for x in 64..<80 { pixels[(y * 96 + x) * 3] = 200 } }
    let upright = DecodedImage(width: 96, height: 64, pixels: pixels, format: .png)
    let decoder = ImageDecoder(limits: DecodingLimits(maximumPixelCount: 1_000_000))
    let image = try decoder.decode(try file(upright, orientation: orientation))
    #expect(image.width == 96 && image.height == 64)
    // A model that sees the middle square.
    let tile = ImageTile(
      grid: PatchGrid(rowCount: 4, columnCount: 4),
      region: PixelRegion(x: 16, y: 0, width: 64, height: 64))
    let planted = tokens(image, tile)
    var item = ItemRecord(kind: .image, path: nil)
    (item.width, item.height, item.tiles) = (UInt32(image.width), UInt32(image.height), [tile])
    item.tokenCount = 16
    let explanation = Explanation(
      EncodedQuery(.red),
      ExactSimilarities(text: PlantedImage.words([.red]), image: planted.tokens), of: item)
    #expect(explanation.parts[0].match.patch == 7)
    #expect(explanation.parts[0].match.region == PixelRegion(x: 64, y: 16, width: 16, height: 16))
    #expect(explanation.parts[0].region == PixelRegion(x: 64, y: 16, width: 16, height: 32))

    // Drawn, the region is marked there too.
    let picture = ExplanationPicture(explanation, image, side: 96).marks()
    let colour = RGB.ofPart(0)
    #expect(picture[64, 47] == colour && picture[79, 40] == colour && picture[64, 48] != colour)
  }

  @Test func `a file is explained alike however it is turned, and as the index explains it`()
    async throws
  {
    let folder = try TemporaryDirectory()
    let path = QueryEncoderTests.repository.appendingPathComponent("share/filip/models/filip-drawn")
    let model = try IndexModel(for: nil, requested: path.path)
    let pipeline = try ImagePipeline(model: model, limits: .scaledToMemory(threadCount: 1))
    let text = try TextEncoder(model: model.directory)
    let original = try pipeline.decoder.decode(try QueryEncoderTests.picture.read())
    // Not square, so that sides cannot be taken for each other.
    let upright = DecodedImage(
      width: 256, height: 160, pixels: Array(original.pixels[..<(256 * 160 * 3)]), format: .png)
    let query = Query(try QueryParser.parse("small^2 balloon"))
    let explainer = Explainer(store: nil, encoder: text, images: pipeline)
    var explanations: [Explanation] = []
    for orientation in 1...8 {
      let file = FilePath(folder.path + "/\(orientation).jpg")
      try file.write(try self.file(upright, orientation: orientation))
      explanations.append(try explainer.explain(query, .file(file)))
    }
    let first = explanations[0]
    #expect(first.item.width == 256 && first.item.height == 160)
    for explanation in explanations {
      #expect(explanation.parts.map(\.match.patch) == first.parts.map(\.match.patch))
      #expect(explanation.parts.map(\.match.region) == first.parts.map(\.match.region))
      #expect(abs(explanation.score - first.score) < 0.01)
      #expect(explanation.item.width == 256 && explanation.item.height == 160)
    }
    #expect(throws: QueryError.self) {
      try explainer.explain(Query(try QueryParser.parse("dog")), .file("/no/such/file.jpg"))
    }
    var excluding = query
    excluding.excluded = [Query.Clause(QueryText(literal: "dog"))]
    let refused = #expect(throws: QueryError.self) {
      try explainer.explain(excluding, .file(FilePath(folder.path + "/1.jpg")))
    }
    #expect(refused?.message.contains("--index") == true)
  }
}
