import FilipEncoders
import Foundation
import Synchronization
import Testing

/// Files and pictures that the tests of images share.
enum ImageFixtures {
  /// The bytes of a file below `Fixtures`.
  static func bytes(_ path: String) throws -> [UInt8] {
    let url = try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/\(path)")
    return Array(try Data(contentsOf: url))
  }

  /// The picture of `pattern()` in `Training/fixtures/make_resize_fixtures.py`, made once per size.
  static func pattern(width: Int, height: Int) -> DecodedImage {
    patterns.withLock { patterns in
      if let image = patterns[[width, height]] { return image }
      let image = makePattern(width: width, height: height)
      patterns[[width, height]] = image
      return image
    }
  }

  private static let patterns = Mutex<[[Int]: DecodedImage]>([:])

  private static func makePattern(width: Int, height: Int) -> DecodedImage {
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    pixels.withUnsafeMutableBufferPointer { pixels in
      for index in 0..<UInt32(width * height * 3) {
        let (c, x, y) = (index % 3, index / 3 % UInt32(width), index / 3 / UInt32(width))
        let stripes: UInt32 = (x / 7 &+ y / 5) % 2 == 1 ? 192 : 0
        let noise = (x &* 2_654_435_761 &+ y &* 40503 &+ c &* 97) >> 13
        let value = (x &* 5 &+ y &* 3 &+ c &* 80) ^ (noise & 63) ^ stripes
        pixels[Int(index)] = UInt8(truncatingIfNeeded: value)
      }
    }
    return DecodedImage(width: width, height: height, pixels: pixels, format: .png)
  }

  /// FNV-1a of 64 bits, in hexadecimal.
  static func hash(_ bytes: [UInt8]) -> String {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
