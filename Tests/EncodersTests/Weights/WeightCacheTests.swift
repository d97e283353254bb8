import FilipLateInteraction
import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

/// Weights in 8 bits that one program keeps for the next.
@Suite struct WeightCacheTests {
  private let fixture: ModelFixture
  private let folder: TemporaryDirectory

  init() throws {
    fixture = try ModelFixture("clip-quick-gelu")
    folder = try TemporaryDirectory()
  }

  private func images(cache: String?) throws -> [EncodedImage] {
    let encoder = try ImageEncoder(
      model: fixture.model, format: .int8, cacheDirectory: cache)
    return try encoder.encode(fixture.images(), workspace: encoder.makeWorkspace())
  }

  /// The one file of the cache.
  private func file() throws -> URL {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    try #require(names.count == 1, "\(names)")
    return URL(fileURLWithPath: folder.path).appendingPathComponent(names[0])
  }

  @Test func `a second program takes what the first one made`() throws {
    let first = try images(cache: folder.path + "/deep/er")
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    #expect(names.count == 3)
    let path = try #require(names.first { $0.hasSuffix(".int8") })
    let made = try FileManager.default.attributesOfItem(atPath: folder.path + "/" + path)
    #expect(try images(cache: folder.path + "/deep/er") == first)
    #expect(try images(cache: nil) == first)
    let after = try FileManager.default.attributesOfItem(atPath: folder.path + "/" + path)
    // A file that is written anew is another one.
    #expect(after[.systemFileNumber] as? Int == made[.systemFileNumber] as? Int)
  }

  @Test func `the layers of a whole file come from it`() throws {
    _ = try images(cache: folder.path)
    let part = fixture.model.family.visionNames.part
    let cache = WeightCache(directory: folder.path, part: part, of: fixture.model.checkpoint)
    let stem = "vision_model.encoder.layers.0.self_attn."
    let width = fixture.model.configuration.vision.transformer.width
    let fused = ["q", "k", "v"].map { stem + $0 + "_proj.weight" }.joined(separator: "+")
    #expect(cache.weights(fused, outputCount: 3 * width, inputCount: width) != nil)
    #expect(cache.weights(fused, outputCount: width, inputCount: width) == nil)
    #expect(cache.weights("another", outputCount: 3 * width, inputCount: width) == nil)
  }

  @Test func `a damaged file is made anew and never believed`() throws {
    let expected = try images(cache: folder.path)
    let url = try file()
    let whole = try Data(contentsOf: url)
    var damaged: [Data] = [Data(), whole.prefix(3), whole.prefix(whole.count / 2)]
    damaged.append(Data(repeating: 0xff, count: whole.count))
    damaged.append(whole.prefix(60) + Data(repeating: 0x0a, count: 200))
    for place in stride(from: 0, to: whole.count, by: max(1, whole.count / 60)) {
      var bytes = whole
      bytes[place] ^= 0x41
      damaged.append(bytes)
    }
    for bytes in damaged {
      try bytes.write(to: url, options: .atomic)
      #expect(try images(cache: folder.path) == expected)
    }
    // Damage in the gaps between layers hurts nobody and stays; all else has been mended.
    try Data().write(to: url, options: .atomic)
    _ = try images(cache: folder.path)
    #expect(try Data(contentsOf: url) == whole)
  }

  @Test func `where nothing can be written, all else works`() throws {
    let occupied = folder.path + "/file"
    try Data("no folder".utf8).write(to: URL(fileURLWithPath: occupied))
    #expect(try images(cache: occupied + "/cache") == images(cache: nil))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
  }

  @Test func `towers and weights that changed have files of their own`() throws {
    let copy = folder.path + "/model"
    try FileManager.default.copyItem(atPath: fixture.directory, toPath: copy)
    let cache = folder.path + "/cache"
    func count() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: cache).count }
    let model = try ModelDirectory(path: copy)
    _ = try ImageEncoder(model: model, format: .int8, cacheDirectory: cache)
    #expect(try count() == 1)
    _ = try TextEncoder(model: model, format: .int8, cacheDirectory: cache)
    #expect(try count() == 2)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1_000_000)],
      ofItemAtPath: copy + "/model.safetensors")
    _ = try ImageEncoder(model: ModelDirectory(path: copy), format: .int8, cacheDirectory: cache)
    #expect(try count() == 3)
  }

  @Test func `32-bit weights are used where they lie`() throws {
    _ = try ImageEncoder(model: fixture.model, cacheDirectory: folder.path)
    _ = try TextEncoder(model: fixture.model, cacheDirectory: folder.path)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test func `a missing tensor is named, whatever the format`() throws {
    let checkpoint = fixture.model.checkpoint.computing(
      in: .int8, part: fixture.model.family.visionNames.part, cacheDirectory: folder.path)
    let error = #expect(throws: EncoderError.self) {
      _ = try checkpoint.linear(LayerNames("layers.99.fc1"), input: 4, output: 4)
    }
    #expect(error?.description.contains("layers.99.fc1.weight") == true)
  }
}
