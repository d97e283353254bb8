import FilipLateInteraction
import Testing
import TestSupport

@testable import FilipStore

@Suite struct TokenCodecTests {
  @Test(arguments: [(0, 1), (0, 256), (1, 1), (1, 7), (3, 5), (49, 128), (196, 256), (513, 33)])
  func `tokens come back to within half precision`(shape: (Int, Int)) throws {
    var generator = SeededGenerator(seed: UInt64(shape.0 * 1000 + shape.1))
    let tokens = generator.tokens(shape.0, shape.1)
    var encoder = TokenEncoder()
    var decoder = TokenDecoder()
    let bytes = try encoder.encode(tokens)
    let decoded = try decoder.decode(bytes.span, of: .first)
    #expect(decoded.tokenCount == shape.0)
    #expect(decoded.dimension == shape.1)
    #expect(decoded.elements == tokens.elements.map { Float(Float16($0)) })
    for token in 0..<decoded.tokenCount {
      let squares = decoded[token].reduce(0) { $0 + $1 * $1 }
      #expect(abs(squares.squareRoot() - 1) < 1e-3)
    }
  }

  @Test func `a coder serves one item after the other`() throws {
    var generator = SeededGenerator(seed: 5)
    var encoder = TokenEncoder()
    var decoder = TokenDecoder()
    for count in [100, 1, 0, 57, 100] {
      let tokens = generator.tokens(count, 16)
      let bytes = try encoder.encode(tokens)
      var fresh = TokenEncoder()
      try #expect(fresh.encode(tokens) == bytes)
      try #expect(decoder.decode(bytes.span, of: .first).tokenCount == count)
    }
  }

  @Test func `tokens are decoded into the middle of a buffer`() throws {
    var generator = SeededGenerator(seed: 6)
    let tokens = generator.tokens(3, 4)
    var encoder = TokenEncoder()
    var decoder = TokenDecoder()
    let bytes = try encoder.encode(tokens)
    var buffer = [Float](repeating: 9, count: 40)
    let shape = try decoder.decode(bytes.span, of: .first, into: &buffer, at: 5)
    #expect(shape == TokenShape(tokenCount: 3, dimension: 4))
    #expect(buffer.count == 40)
    #expect(buffer[..<5].allSatisfy { $0 == 9 } && buffer[17...].allSatisfy { $0 == 9 })
    #expect(Array(buffer[5..<17]) == tokens.elements.map { Float(Float16($0)) })
    _ = try decoder.decode(bytes.span, of: .first, into: &buffer, at: 38)
    #expect(buffer.count == 50)
  }

  @Test func `every finite half is widened exactly`() {
    for bits in UInt16.min...UInt16.max {
      let half = Float16(bitPattern: bits)
      guard half.isFinite else { continue }
      let value = HalfPlanes.value(ofHalf: UInt32(bits))
      if value.bitPattern != Float(half).bitPattern { Issue.record("half \(bits)") }
    }
  }

  @Test func `floats are rounded to the nearest half`() {
    var generator = SeededGenerator(seed: 7)
    var values: [Float] = [0, -0, 1, -1, 0x1p-14, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1p-40, 65504]
    // Halfway between two halves, on both sides of an even one.
    values += [0x1.002p0, 0x1.006p0, -0x1.002p-3, 0x1.ffep-1, 0x1.ffdp-15, 0x1.ffep-15, 0x1.ffep-1]
    for exponent in -30...0 {
      values += (0..<200).map { _ in
        Float(sign: .plus, exponent: exponent, significand: .random(in: -2...2, using: &generator))
      }
    }
    var planes: [UInt8] = []
    HalfPlanes.split(values, into: &planes)
    for (index, value) in values.enumerated() {
      let bits = UInt16(planes[index]) | UInt16(planes[values.count + index]) << 8
      #expect(bits == Float16(value).bitPattern, "\(value)")
    }
  }

  @Test func `a flipped bit is an error or changes nothing`() throws {
    var generator = SeededGenerator(seed: 8)
    let tokens = generator.tokens(9, 31)
    var encoder = TokenEncoder()
    var decoder = TokenDecoder()
    let bytes = try encoder.encode(tokens)
    let intact = try decoder.decode(bytes.span, of: .first)
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= UInt8.random(in: 1...255, using: &generator)
      do {
        try #expect(decoder.decode(damaged.span, of: .first) == intact, "byte \(index)")
      } catch {
        #expect(error.code == .damaged || error.code == .formatTooNew)
      }
    }
  }

  @Test func `a value that was cut off or grew is an error that names the item`() throws {
    var generator = SeededGenerator(seed: 9)
    var encoder = TokenEncoder()
    let bytes = try encoder.encode(generator.tokens(5, 8))
    for count in 0..<bytes.count {
      let error = storeError {
        var decoder = TokenDecoder()
        _ = try decoder.decode(Array(bytes[..<count]).span, of: ItemID(rawValue: 42))
      }
      #expect(error?.code == .damaged)
      #expect(error?.message.contains("item 42") == true)
    }
    let error = storeError {
      var decoder = TokenDecoder()
      _ = try decoder.decode((bytes + [0]).span, of: .first)
    }
    #expect(error?.code == .damaged)
  }

  @Test func `random bytes never decode`() {
    var generator = SeededGenerator(seed: 10)
    var decoder = TokenDecoder()
    var buffer: [Float] = []
    for _ in 0..<500 {
      let bytes = [1, 1, 0, 0] + generator.bytes(Int.random(in: 0...60, using: &generator))
      #expect(throws: StoreError.self) {
        try decoder.decode(bytes.span, of: .first, into: &buffer)
      }
    }
  }
}

@Suite struct PooledCodecTests {
  @Test(arguments: [0, 1, 7, 256]) func `a vector comes back`(count: Int) throws {
    var generator = SeededGenerator(seed: UInt64(count))
    let values = generator.floats(count)
    var buffer: [Float] = []
    try #expect(PooledCodec.decode(PooledCodec.encode(values).span, into: &buffer, at: 0) == count)
    #expect(buffer == values.map { Float(Float16($0)) })
  }

  @Test func `a flipped bit is an error`() {
    var generator = SeededGenerator(seed: 11)
    let bytes = PooledCodec.encode(generator.floats(33))
    var buffer: [Float] = []
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= UInt8.random(in: 1...255, using: &generator)
      #expect(throws: Damage.self) { try PooledCodec.decode(damaged.span, into: &buffer, at: 0) }
    }
  }

  @Test func `bytes that claim more tokens than they can hold ask for no memory`() throws {
    var writer = ByteWriter()
    for byte in [TokenCodec.version, TokenCodec.encoding, 0, 0] { writer.append(byte) }
    let count = UInt32(TokenCodec.largestElementCount)
    for number in [count, 1, 2 * count] { writer.append(number) }
    writer.append(Checksum.crc32(writer.bytes.span, count: 16))
    writer.append(UInt64(0))
    let claiming = writer.bytes
    #expect(throws: Damage.impossible(.shape)) { try TokenCodec.shape(of: claiming.span) }
    // What compresses best is still read: zeros.
    var encoder = TokenEncoder()
    let zeros = TokenMatrix(
      unchecked: [Float](repeating: 0, count: 1 << 22), tokenCount: 1 << 12, dimension: 1 << 10)
    let bytes = try encoder.encode(zeros)
    let shape = try TokenCodec.shape(of: bytes.span)
    #expect(shape.tokenCount == 1 << 12)
  }
}
