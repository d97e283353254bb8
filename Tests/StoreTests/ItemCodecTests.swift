import FilipLateInteraction
import Testing
import TestSupport

@testable import FilipStore

@Suite struct ItemCodecTests {
  @Test(arguments: 0..<200 as Range<UInt64>) func `a record comes back`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var item = generator.record()
    item.id = ItemID(rawValue: seed)
    item.tokenCount = 196
    item.encoderFingerprint = "tower 3, patches, f32"
    let bytes = ItemCodec.encode(item, fingerprint: 3)
    let fingerprints: [UInt32: String] = [3: "tower 3, patches, f32", 4: "other"]
    try #expect(ItemCodec.decode(bytes, id: item.id, fingerprints: fingerprints) == item)
  }

  @Test func `a changed byte is an error`() {
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<20 {
      let bytes = ItemCodec.encode(generator.record(), fingerprint: 0)
      for index in bytes.indices {
        var damaged = bytes
        damaged[index] ^= UInt8.random(in: 1...255, using: &generator)
        #expect(throws: Damage.self) {
          try ItemCodec.decode(damaged, id: .first, fingerprints: [:])
        }
      }
    }
  }

  @Test func `bytes whose checksum was made to fit are an error or a record, never a trap`() {
    var generator = SeededGenerator(seed: 2)
    for _ in 0..<2000 {
      var bytes = ItemCodec.encode(generator.record(), fingerprint: 0).dropLast(4)
      for _ in 0..<3 {
        let index = Int.random(in: 1..<bytes.count, using: &generator)
        bytes[index] = UInt8.random(in: 0...255, using: &generator)
      }
      bytes = bytes.prefix(Int.random(in: 1...bytes.count, using: &generator))
      var writer = ByteWriter()
      writer.append(contentsOf: bytes)
      writer.append(Checksum.crc32(Array(bytes).span, count: bytes.count))
      _ = try? ItemCodec.decode(writer.bytes, id: .first, fingerprints: [:])
    }
  }

  @Test func `a cut off record is an error`() {
    var generator = SeededGenerator(seed: 3)
    let bytes = ItemCodec.encode(generator.record(), fingerprint: 0)
    for count in bytes.indices {
      #expect(throws: Damage.self) {
        try ItemCodec.decode(Array(bytes[..<count]), id: .first, fingerprints: [:])
      }
    }
  }

  @Test func `a record of a later version asks for an update`() {
    var bytes = ItemCodec.encode(image("/a"), fingerprint: 0)
    bytes[0] = 2
    #expect(throws: Damage.newerVersion(2)) {
      try ItemCodec.decode(bytes, id: .first, fingerprints: [:])
    }
    let error = StoreError(Damage.newerVersion(2), in: "the record of item 1")
    #expect(error.code == .formatTooNew)
    #expect(error.message.contains("update filip"))
  }

  @Test func `an encoder that is not written down is an error`() {
    let bytes = ItemCodec.encode(image("/a"), fingerprint: 9)
    #expect(throws: Damage.impossible(.fingerprint)) {
      try ItemCodec.decode(bytes, id: .first, fingerprints: [1: "other"])
    }
  }

  @Test func `the checksum is that of zlib`() {
    let bytes = Array("123456789".utf8)
    #expect(Checksum.crc32(bytes.span, count: 9) == 0xCBF4_3926)
  }

  @Test func `the hash of paths is FNV-1a`() {
    #expect(Checksum.fnv1a([]) == 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D)
    #expect(Checksum.fnv1a(Array("a".utf8)) == 0xD228_CB69_6F1A_8CAF_7891_2B70_4E4A_8964)
  }
}
