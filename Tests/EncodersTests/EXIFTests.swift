import FilipEncoders
import Testing
import TestSupport

/// What EXIF data says, written by hand into every kind of file that can be put together here.
@Suite struct EXIFTests {
  private let decoder = ImageDecoder(limits: DecodingLimits(maximumPixelCount: 1_000_000))

  /// 48° 8′ 13.5″ north, 11° 34.5′ west, 519.5 m deep.
  private func planted(isBigEndian: Bool) -> EXIFBytes {
    var exif = EXIFBytes(isBigEndian: isBigEndian)
    exif.main = [.ascii(0x010F, "Seagull"), .ascii(0x0110, "Seagull SO-1")]
    exif.exif = [
      .ascii(0x9003, "2024:06:01 12:34:56"), .ascii(0x9291, "250"), .ascii(0x9011, "+02:00"),
      .ascii(0xA434, "EF 50mm f/1.8"),
    ]
    exif.gps = [
      .ascii(1, "N"), .rational(2, 48, 1, 8, 1, 135, 10), .ascii(3, "W"),
      .rational(4, 11, 1, 3450, 100, 0, 1), .bytes(5, [1]), .rational(6, 1039, 2),
    ]
    return exif
  }

  private func check(_ bytes: [UInt8], _ name: String) throws {
    let metadata = try decoder.decode(bytes).metadata
    #expect(metadata.timestamp == "2024-06-01T12:34:56.250+02:00", "\(name)")
    #expect(metadata.camera == "Seagull SO-1", "\(name)")
    #expect(metadata.lens == "EF 50mm f/1.8", "\(name)")
    let place = try #require(metadata.place, "\(name)")
    #expect(abs(place.latitude - (48 + 8.0 / 60 + 13.5 / 3600)) < 1e-6, "\(name)")
    #expect(abs(place.longitude + 11.575) < 1e-6, "\(name)")
    #expect(try abs(#require(place.altitude) + 519.5) < 1e-4, "\(name)")
  }

  @Test(arguments: [false, true])
  func `date, camera, lens and place are read from every container`(isBigEndian: Bool) throws {
    let exif = planted(isBigEndian: isBigEndian)
    try check(
      exif.inserted(intoJPEG: ImageFixtures.bytes("odd-images/jpeg/progressive.jpg")), "JPEG")
    try check(
      inserted(exif.bytes(), intoPNG: ImageFixtures.bytes("odd-images/png/rgb.png")), "PNG")
    let webp = try ImageFixtures.bytes("odd-images/webp/orientation-5.webp")
    try check(replaced(exif.bytes(), inWebP: webp), "WebP")
    var tiff = exif
    tiff.main += [
      .long(256, 2), .long(257, 1), .short(258, 8, 8, 8), .short(259, 1), .short(262, 2),
      .short(277, 3), .long(278, 1), .long(279, 6), .long(273, 0),
    ]
    tiff.main[tiff.main.count - 1] = .long(273, UInt32(tiff.bytes().count))
    try check(tiff.bytes() + [255, 0, 0, 0, 0, 255], "TIFF")
  }

  @Test func `a place needs its letters and must be on Earth`() throws {
    let jpeg = try ImageFixtures.bytes("odd-images/jpeg/progressive.jpg")
    func place(_ gps: [EXIFBytes.Entry]) throws -> ImageMetadata.Place? {
      var exif = EXIFBytes()
      exif.gps = gps
      return try decoder.decode(exif.inserted(intoJPEG: jpeg)).metadata.place
    }
    let north: [EXIFBytes.Entry] = [.ascii(1, "N"), .rational(2, 10, 1, 0, 1, 0, 1)]
    let east: [EXIFBytes.Entry] = [.ascii(3, "E"), .rational(4, 20, 1, 30, 1, 0, 1)]
    let found = try #require(try place(north + east))
    #expect(found.latitude == 10 && found.longitude == 20.5 && found.altitude == nil)
    let south: [EXIFBytes.Entry] = [.ascii(1, "S"), .rational(2, 10, 1, 0, 1, 0, 1)]
    #expect(try place(south + east)?.latitude == -10)
    #expect(try place(north) == nil)
    #expect(try place(north + [east[1]]) == nil, "east or west?")
    #expect(try place(east + [.ascii(1, "N"), .rational(2, 91, 1, 0, 1, 0, 1)]) == nil)
    #expect(try place(east + [.ascii(1, "N"), .rational(2, 10, 1, 0, 0, 0, 1)]) == nil)
    #expect(try place(east + [.ascii(1, "X"), .rational(2, 10, 1, 0, 1, 0, 1)]) == nil)
  }

  @Test func `damaged data never costs the picture`() throws {
    let jpeg = try ImageFixtures.bytes("odd-images/jpeg/progressive.jpg")
    let pixels = try decoder.decode(jpeg).pixels
    let sound = planted(isBigEndian: false)
    let file = sound.inserted(intoJPEG: jpeg)
    let start = 2 + 4 + 6
    var generator = SeededGenerator(seed: 17)
    for round in 0..<1_500 {
      var damaged = file
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = start + Int.random(in: 0..<sound.bytes().count, using: &generator)
        damaged[index] = [0, 1, 0x7F, 0xFF, UInt8.random(in: 0...255, using: &generator)]
          .randomElement(using: &generator)!
      }
      let image = try decoder.decode(damaged)
      // An orientation may have come about; the pixels are the same in another order.
      #expect(image.pixels.count == pixels.count, "round \(round)")
      if image.metadata.orientation == 1 { #expect(image.pixels == pixels, "round \(round)") }
    }
  }

  @Test func `maker and model make one name`() {
    var metadata = ImageMetadata(cameraMake: "NIKON CORPORATION", cameraModel: "NIKON D90")
    #expect(metadata.camera == "NIKON CORPORATION NIKON D90")
    metadata.cameraMake = "Nikon"
    #expect(metadata.camera == "NIKON D90")
    metadata.cameraModel = nil
    #expect(metadata.camera == "Nikon")
    metadata.cameraMake = nil
    #expect(metadata.camera == nil)
  }

  // MARK: - Containers

  private func bigEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
  }

  /// Behind the header chunk, with the checksum of PNG's specification.
  private func inserted(_ block: [UInt8], intoPNG file: [UInt8]) -> [UInt8] {
    let content = Array("eXIf".utf8) + block
    var crc = ~UInt32(0)
    for byte in content {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? 0xEDB8_8320 ^ crc >> 1 : crc >> 1 }
    }
    return file[..<33] + bigEndian(UInt32(block.count)) + content + bigEndian(~crc) + file[33...]
  }

  /// In place of the chunk that the file has.
  private func replaced(_ block: [UInt8], inWebP file: [UInt8]) throws -> [UInt8] {
    func littleEndian(_ value: Int) -> [UInt8] { bigEndian(UInt32(value)).reversed() }
    var body = Array(file[8..<12])
    var position = 12
    var isReplaced = false
    while position + 8 <= file.count {
      let name = Array(file[position..<position + 4])
      let count = file[position + 4..<position + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
      var content = Array(file[position + 8..<position + 8 + count])
      position += 8 + count + count % 2
      if name == Array("EXIF".utf8) {
        content = block
        isReplaced = true
      }
      body += name + littleEndian(content.count) + content
      if content.count % 2 == 1 { body.append(0) }
    }
    try #require(isReplaced)
    return Array("RIFF".utf8) + littleEndian(body.count) + body
  }
}
