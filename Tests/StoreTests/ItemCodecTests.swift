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
    if seed % 2 == 0 {
      item.patchTokens = (0..<Int.random(in: 0...600, using: &generator)).map { _ in
        UInt32.random(in: 0..<196, using: &generator)
      }
    }
    if seed % 3 == 0 {
      item.document = Array(#"{"text": "\#(seed)"}"#.utf8)
      item.tokenSpans = (0..<Int.random(in: 1...20, using: &generator)).map { index in
        index % 4 == 3 ? nil : index..<index + Int.random(in: 0...9, using: &generator)
      }
    }
    let bytes = ItemCodec.encode(item, fingerprint: 3)
    let fingerprints: [UInt32: String] = [3: "tower 3, patches, f32", 4: "other"]
    try #expect(ItemCodec.decode(bytes, id: item.id, fingerprints: fingerprints) == item)
  }

  @Test func `a map of patches takes as few bits as its tokens need`() throws {
    for (tokenCount, bits) in [(1, 1), (2, 1), (3, 2), (98, 7), (256, 8), (257, 9), (70_000, 17)] {
      let map = (0..<300).map { UInt32($0 * (tokenCount - 1) / 299) }
      let bytes = PatchTokenCodec.encode(map)
      #expect(bytes.count == 5 + (300 * bits + 7) / 8)
      #expect(try PatchTokenCodec.decode(bytes, tokenCount: tokenCount) == map)
      #expect(throws: Damage.self) {
        try PatchTokenCodec.decode(bytes, tokenCount: tokenCount - 1)
      }
    }
    // Three bits a patch, the first patch lowest: 5, 1, 4 are 0b100_001_101.
    #expect(PatchTokenCodec.encode([5, 1, 4]) == [3, 3, 0, 0, 0, 0b0000_1101, 0b1])
    #expect(throws: Damage.impossible(.patchTokens)) {
      try PatchTokenCodec.decode([3, 3, 0, 0, 0, 0b0000_1101, 0b11], tokenCount: 8)
    }
    #expect(throws: Damage.self) { try PatchTokenCodec.decode([3, 3, 0, 0, 0, 1], tokenCount: 8) }
    #expect(try PatchTokenCodec.decode(PatchTokenCodec.encode([]), tokenCount: 1) == [])
  }

  @Test func `an item without tokens has no map of them`() throws {
    var item = image("/a")
    item.patchTokens = [0, 1, 0]
    let bytes = ItemCodec.encode(item, fingerprint: 0)
    #expect(try ItemCodec.decode(bytes, id: .first, fingerprints: [:]).patchTokens == nil)
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

  @Test(arguments: [(0, 4), (4, 0), (1 << 16, 1), (1, Int(UInt32.max))])
  func `a tile of no patches or of too many is an error`(rows: Int, columns: Int) {
    var item = image("/a")
    item.tiles = [
      ImageTile(
        grid: PatchGrid(rowCount: rows, columnCount: columns),
        region: PixelRegion(x: 0, y: 0, width: 1, height: 1))
    ]
    let bytes = ItemCodec.encode(item, fingerprint: 0)
    #expect(throws: Damage.impossible(.tiles)) {
      try ItemCodec.decode(bytes, id: .first, fingerprints: [:])
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
    bytes[0] = 4
    #expect(throws: Damage.newerVersion(4)) {
      try ItemCodec.decode(bytes, id: .first, fingerprints: [:])
    }
    let error = StoreError(Damage.newerVersion(4), in: "the record of item 1")
    #expect(error.code == .formatTooNew)
    #expect(error.message.contains("update filip"))
  }

  /// The bytes of a record with one more field at its end.
  private func adding(_ tag: UInt8, _ content: [UInt8], to bytes: [UInt8]) -> [UInt8] {
    let fieldCountOffset = 1 + 1 + 4 + 8 + 8 + 8 + 4 + 4 + 4
    var writer = ByteWriter()
    writer.append(contentsOf: bytes.dropLast(4))
    writer.append(tag)
    writer.append(UInt32(content.count))
    writer.append(contentsOf: content)
    var result = writer.bytes
    result[fieldCountOffset] += 1
    var ending = ByteWriter()
    ending.append(Checksum.crc32(result.span, count: result.count))
    return result + ending.bytes
  }

  @Test func `a later program's field is kept, or refused where it changes the meaning`() throws {
    let bytes = ItemCodec.encode(image("/a"), fingerprint: 0)
    for tag: UInt8 in [128, 191, 193, 255] {
      let later = adding(tag, [1, 2, 3], to: bytes)
      let item = try ItemCodec.decode(later, id: .first, fingerprints: [:])
      #expect(item.path == Array("/a".utf8))
      #expect(ItemCodec.encode(item, fingerprint: 0) == later)
    }
    for tag: UInt8 in [13, 127] {
      #expect(throws: Damage.newerField(tag)) {
        try ItemCodec.decode(adding(tag, [], to: bytes), id: .first, fingerprints: [:])
      }
    }
    #expect(StoreError(Damage.newerField(13), in: "x").code == .formatTooNew)
  }

  @Test func `tags are trimmed, composed and compared by bytes`() {
    #expect(ItemTag("  Caf\u{65}\u{301} au lait\n")?.text.utf8.count == "Café au lait".utf8.count)
    #expect(ItemTag("e\u{301}") == ItemTag("\u{E9}"))
    #expect(ItemTag("a b") != nil)
    for refused in ["", " ", "a,b", "!a", "a\nb", "a\u{0}", "a\u{2028}b"] {
      #expect(ItemTag(refused) == nil, "\(refused.debugDescription)")
    }
    let longest = String(repeating: "x", count: ItemTag.longestByteCount)
    #expect(ItemTag(longest) != nil)
    #expect(ItemTag(longest + "x") == nil)
    #expect(ItemTag("B")! < ItemTag("a")!)
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
