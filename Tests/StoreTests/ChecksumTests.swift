import Testing
import TestSupport

@testable import FilipStore

@Suite struct ChecksumTests {
  @Test(arguments: [0, 1, 7, 8, 9, 40, 4096, 5003])
  func `a checksum finds every changed byte, wherever it lies`(count: Int) {
    var generator = SeededGenerator(seed: UInt64(count))
    let bytes = generator.bytes(count)
    let checksum = Checksum.mixed64(bytes.span, skippingWordAt: 32)
    for index in bytes.indices where !(32..<40).contains(index) || count < 40 {
      var changed = bytes
      changed[index] ^= UInt8(1) << (index % 8)
      #expect(Checksum.mixed64(changed.span, skippingWordAt: 32) != checksum)
    }
    #expect(Checksum.mixed64((bytes + [0]).span, skippingWordAt: 32) != checksum)
  }

  @Test func `a checksum is what its definition says`() {
    let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8] + Array(repeating: 9, count: 8) + [10, 11, 12]
    var expected: UInt64 = 19
    for word: UInt64 in [0x0807_0605_0403_0201, 0x0C0B0A] {
      expected = (expected ^ word) &* 0x9E37_79B9_7F4A_7C15
      expected ^= expected >> 32
    }
    #expect(Checksum.mixed64(bytes.span, skippingWordAt: 8) == expected)
  }

  func isIntact(_ bytes: [UInt8]) -> Bool { SegmentSeal.isIntact(bytes.span) }

  @Test func `a sealed value is intact until a byte of it changes`() {
    var generator = SeededGenerator(seed: 1)
    var bytes = generator.bytes(4099)
    SegmentSeal.seal(&bytes)
    #expect(isIntact(bytes))
    for index in bytes.indices {
      bytes[index] ^= 0x10
      #expect(isIntact(bytes) == false)
      bytes[index] ^= 0x10
    }
    #expect(isIntact(Array(bytes[..<39])) == false)
  }
}
