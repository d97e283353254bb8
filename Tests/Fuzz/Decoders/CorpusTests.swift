import Foundation
import TestSupport
import Testing

/// Inputs that fuzzing found, and others like them, through every decoder.
///
/// A decoder that crashes ends the test run.
@Suite struct CorpusTests {
  /// The inputs of a decoder that `scripts/fuzz` kept.
  private func corpus(of decoder: PersistentDecoder) throws -> [[UInt8]] {
    let folder = URL(fileURLWithPath: try #require(Bundle.module.resourcePath))
      .appendingPathComponent("Corpora/\(decoder.rawValue)")
    let files = try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil)
    return try files.sorted { $0.path < $1.path }.map { Array(try Data(contentsOf: $0)) }
  }

  @Test(arguments: PersistentDecoder.allCases)
  func `a decoder takes what the encoder wrote and every input that was found`(
    decoder: PersistentDecoder
  ) throws {
    for (number, seed) in decoder.seeds.enumerated() {
      // The last marker is one of no index.
      let isForeign = decoder == .formatMarker && number > 0
      #expect(decoder.decode(seed) != isForeign, "seed \(number)")
    }
    let inputs = try corpus(of: decoder)
    #expect(!inputs.isEmpty)
    var acceptedCount = 0
    for input in inputs where decoder.decode(input) { acceptedCount += 1 }
    #expect(acceptedCount > 0, "something of \(inputs.count) inputs is accepted")
  }

  @Test(arguments: PersistentDecoder.allCases)
  func `a decoder survives inputs with bytes changed, lost and added`(
    decoder: PersistentDecoder
  ) throws {
    var generator = SeededGenerator(seed: 17)
    let inputs = decoder.seeds + (try corpus(of: decoder))
    for _ in 0..<400 {
      var input = inputs.randomElement(using: &generator) ?? []
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0...input.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0 where place < input.count:
          input[place] = UInt8.random(in: 0...255, using: &generator)
        case 1 where place < input.count:
          input[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
        case 2: input.removeSubrange(place..<min(place + 4, input.count))
        default: input.insert([0, 1, 0x7F, 0xFF].randomElement(using: &generator) ?? 0, at: place)
        }
      }
      _ = decoder.decode(input)
    }
  }
}
