import FilipEncoders
import Foundation
import Testing

/// Files and pictures that the tests of images share.
enum ImageFixtures {
  /// The bytes of a file below `Fixtures`.
  static func bytes(_ path: String) throws -> [UInt8] {
    let url = try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/\(path)")
    return Array(try Data(contentsOf: url))
  }

  /// The picture of `pattern()` in `Training/fixtures/make_resize_fixtures.py`.
  static func pattern(width: Int, height: Int) -> DecodedImage {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(width * height * 3)
    for y in 0..<UInt32(height) {
      for x in 0..<UInt32(width) {
        let stripes: UInt32 = (x / 7 &+ y / 5) % 2 == 1 ? 192 : 0
        for c in 0..<3 as Range<UInt32> {
          let noise = (x &* 2_654_435_761 &+ y &* 40503 &+ c &* 97) >> 13
          let value = (x &* 5 &+ y &* 3 &+ c &* 80) ^ (noise & 63) ^ stripes
          pixels.append(UInt8(truncatingIfNeeded: value))
        }
      }
    }
    return DecodedImage(width: width, height: height, pixels: pixels, format: .png)
  }

  /// FNV-1a of 64 bits, in hexadecimal.
  static func hash(_ bytes: some Sequence<UInt8>) -> String {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
