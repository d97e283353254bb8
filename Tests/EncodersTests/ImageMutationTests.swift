import FilipEncoders
import Foundation
import Testing

/// Damaged files give a picture or an error, whatever the damage.
@Suite struct ImageMutationTests {
  private static let files = (try? OddImage.all().map(\.file)) ?? []

  /// How many damaged copies of each file; more with `FILIP_IMAGE_MUTATIONS`.
  private static let copyCount =
    ProcessInfo.processInfo.environment["FILIP_IMAGE_MUTATIONS"].flatMap { Int($0) } ?? 50

  @Test(arguments: files) func `a damaged copy is read or refused`(file: String) throws {
    let decoder = ImageDecoder(limits: DecodingLimits(maximumPixelCount: 1_000_000))
    let original = try ImageFixtures.bytes("odd-images/\(file)")
    guard !original.isEmpty else { return }
    var random = ImageFixtures.SplitMix(seed: 0x5EED)
    for copy in 0..<Self.copyCount {
      var bytes = original
      if copy % 5 == 4 {
        bytes.removeLast(Int(random.next(below: UInt64(bytes.count))))
      } else {
        // Headers are where damage hurts most; half of it goes there.
        let reach = copy % 2 == 0 ? bytes.count : min(bytes.count, 256)
        for _ in 0...copy % 4 {
          bytes[Int(random.next(below: UInt64(reach)))] = UInt8(random.next(below: 256))
        }
      }
      do {
        let image = try decoder.decode(bytes)
        #expect(image.pixels.count == image.width * image.height * 3, "\(file), copy \(copy)")
      } catch {
        #expect(!error.description.isEmpty && !error.description.contains("\n"))
      }
    }
  }
}

extension ImageFixtures {
  /// SplitMix64: the same numbers on every machine.
  struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next(below limit: UInt64) -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = state
      value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
      return (value ^ value >> 31) % limit
    }
  }
}
