import FilipEncoders
import Testing

/// Every file of `Fixtures/odd-images` against its manifest, both written by
/// `Training/fixtures/make_odd_images.py`.
@Suite struct ImageDecoderTests {
  private let decoder = ImageDecoder(limits: DecodingLimits(maximumPixelCount: 100_000_000))

  @Test func `sound files give upright pictures, damaged ones the reason`() throws {
    let entries = try OddImage.all()
    #expect(entries.count > 100)
    for entry in entries {
      let bytes = try ImageFixtures.bytes("odd-images/\(entry.file)")
      do {
        let image = try decoder.decode(bytes)
        if let code = entry.errorCode {
          Issue.record("\(entry.file) was read, but should fail with \(code)")
        } else {
          entry.compare(image)
        }
      } catch {
        #expect("\(error.code)" == entry.errorCode, "\(entry.file): \(error)")
        #expect(!error.description.contains("\n"), "\(entry.file)")
      }
    }
  }

  @Test func `every format has a library that reads it`() {
    for format in ImageFormat.allCases {
      #expect(ImageDecoder.available[format]?.contains { $0.isNumber } == true, "\(format)")
    }
  }

  @Test func `a picture above the limit is refused by its header`() throws {
    let files = [
      "jpeg/progressive.jpg", "png/interlaced.png", "webp/lossy.webp", "gif/plain.gif",
      "tiff/lzw.tif", "bmp/rgb.bmp", "heif/plain.heic", "heif/plain.avif",
    ]
    let strict = ImageDecoder(limits: DecodingLimits(maximumPixelCount: 64 * 48 - 1))
    let exact = ImageDecoder(limits: DecodingLimits(maximumPixelCount: 64 * 48))
    for file in files {
      let bytes = try ImageFixtures.bytes("odd-images/\(file)")
      _ = try exact.decode(bytes)
      let error = #expect(throws: ImageDecodingError.self, "\(file)") { try strict.decode(bytes) }
      #expect(error?.code == .tooLarge, "\(file)")
      #expect(error?.message.contains("64 x 48") == true, "\(file)")
      #expect(error?.message.contains("--max-megapixels") == true, "\(file)")
    }
  }

  @Test func `a bomb's message says its size and the limit`() throws {
    let error = try #require(throws: ImageDecodingError.self) {
      try decoder.decode(ImageFixtures.bytes("odd-images/png/bomb-50000.png"))
    }
    #expect(
      error.message == "the picture is 50000 x 50000 (2500 megapixels), the limit is 100; "
        + "raise it with --max-megapixels")
  }

  @Test func `a file above the limit of bytes is not looked into`() throws {
    var limits = DecodingLimits(maximumPixelCount: 100)
    limits.maximumByteCount = 100
    let error = try #require(throws: ImageDecodingError.self) {
      try ImageDecoder(limits: limits).decode([0xFF, 0xD8, 0xFF] + Array(repeating: 0, count: 98))
    }
    #expect(error.code == .tooLarge)
  }

  @Test func `limits follow memory and the number of decoders`() {
    let one = DecodingLimits.scaledToMemory(threadCount: 1)
    let four = DecodingLimits.scaledToMemory(threadCount: 4)
    #expect(one.maximumPixelCount >= four.maximumPixelCount)
    #expect(four.maximumPixelCount >= 16_000_000)
    #expect(DecodingLimits(maximumPixelCount: .max).maximumByteCount == .max)
  }

  @Test func `one decoder serves several tasks at once`() async throws {
    let files = ["jpeg/photo.jpg", "png/rgb.png", "heif/plain.heic", "tiff/lzw.tif"]
    let inputs = try files.map { try ImageFixtures.bytes("odd-images/\($0)") }
    let decoder = decoder
    try await withThrowingTaskGroup(of: [UInt8].self) { group in
      for index in 0..<40 {
        group.addTask { try decoder.decode(inputs[index % inputs.count]).pixels }
      }
      for try await pixels in group { #expect(pixels.count == 64 * 48 * 3) }
    }
  }
}

/// One entry of the manifest.
struct OddImage {
  let file: String
  let errorCode: String?
  private let value: JSONValue

  /// The whole manifest.
  static func all() throws -> [OddImage] {
    let manifest = try JSONValue(parsing: ImageFixtures.bytes("odd-images/manifest.json"))
    return try #require(manifest.array).map { value in
      OddImage(
        file: try #require(value["file"]?.string), errorCode: value["error"]?.string, value: value)
    }
  }

  /// Compares format, size, corners and metadata.
  func compare(_ image: DecodedImage) {
    #expect(image.format.rawValue == value["format"]?.string, "\(file)")
    #expect(Int64(image.width) == value["width"]?.integer, "\(file)")
    #expect(Int64(image.height) == value["height"]?.integer, "\(file)")
    let metadata = image.metadata
    #expect(Int64(metadata.orientation) == value["orientation"]?.integer ?? 1, "\(file)")
    #expect(metadata.dateTaken == value["dateTaken"]?.string, "\(file)")
    #expect(metadata.utcOffset == value["utcOffset"]?.string, "\(file)")
    #expect(metadata.cameraMake == value["cameraMake"]?.string, "\(file)")
    #expect(metadata.cameraModel == value["cameraModel"]?.string, "\(file)")
    func isClose(_ found: Double?, _ key: String) -> Bool {
      guard let found, let expected = value[key]?.double else {
        return found == nil && value[key] == nil
      }
      return abs(found - expected) < 1e-6
    }
    #expect(isClose(metadata.place?.latitude, "latitude"), "\(file)")
    #expect(isClose(metadata.place?.longitude, "longitude"), "\(file)")
    #expect(isClose(metadata.place?.altitude, "altitude"), "\(file)")

    let (insetX, insetY) = (min(2, (image.width - 1) / 2), min(2, (image.height - 1) / 2))
    let spots = [insetY, image.height - 1 - insetY].flatMap { y in
      [insetX, image.width - 1 - insetX].map { (x: $0, y: y) }
    }
    let tolerance = value["tolerance"]?.integer ?? 0
    for (spot, color) in zip(spots, value["corners"]?.array ?? []) {
      let expected = (color.array ?? []).compactMap(\.integer)
      let start = (spot.y * image.width + spot.x) * 3
      let found = image.pixels[start..<start + 3].map(Int64.init)
      let difference = zip(expected, found).map { abs($0 - $1) }.max() ?? 255
      #expect(difference <= tolerance, "\(file) at \(spot): \(found), not \(expected)")
    }
  }
}
