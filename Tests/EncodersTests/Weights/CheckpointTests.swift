import Foundation
import Testing

@testable import FilipEncoders

@Suite struct CheckpointTests {
  /// A copy of a fixture that a test may damage.
  private func withCopy(
    of name: String, _ body: (URL) throws -> Void
  ) throws {
    let source = URL(fileURLWithPath: try ModelFixture.directory(name))
    let copy = FileManager.default.temporaryDirectory
      .appendingPathComponent("filip-\(UInt64.random(in: 0...UInt64.max))")
    try FileManager.default.copyItem(at: source, to: copy)
    defer { try? FileManager.default.removeItem(at: copy) }
    try body(copy)
  }

  private func replace(_ text: String, by other: String, in file: URL) throws {
    let content = try String(contentsOf: file, encoding: .utf8)
    #expect(content.contains(text), "\(text) in \(file.lastPathComponent)")
    try content.replacingOccurrences(of: text, with: other)
      .write(to: file, atomically: true, encoding: .utf8)
  }

  private func error(_ body: () throws -> Void) -> EncoderError? {
    #expect(throws: EncoderError.self, performing: body)
  }

  @Test func `a tensor of another shape is an error that names both shapes`() throws {
    try withCopy(of: "clip-quick-gelu") { directory in
      try replace(
        "\"projection_dim\": 24", by: "\"projection_dim\": 25",
        in: directory.appendingPathComponent("config.json"))
      let model = try ModelDirectory(path: directory.path)
      let error = error { _ = try ImageEncoder(model: model) }
      #expect(error?.code == .wrongShape)
      let text = error?.description ?? ""
      #expect(text.contains("visual_projection.weight has shape (24, 32)"), "\(text)")
      #expect(text.contains("wants (25, 32)") && !text.contains("\n"), "\(text)")
    }
  }

  @Test func `a missing tensor is an error that names it`() throws {
    try withCopy(of: "clip-quick-gelu") { directory in
      try replace(
        "\"num_hidden_layers\": 2", by: "\"num_hidden_layers\": 3",
        in: directory.appendingPathComponent("config.json"))
      let model = try ModelDirectory(path: directory.path)
      let error = error { _ = try TextEncoder(model: model) }
      #expect(error?.code == .missingTensor)
      let text = error?.description ?? ""
      #expect(text.contains("no tensor text_model.encoder.layers.2.layer_norm1.weight"), "\(text)")
      // A letter away, and the first of those.
      #expect(
        text.contains("the nearest is text_model.encoder.layers.0.layer_norm1.weight"), "\(text)")
    }
  }

  @Test func `the nearest name is the one with the fewest letters changed`() {
    let names = ["visual.proj", "text_projection", "visual_projection.bias", "logit_scale"]
    #expect(
      NearestName(to: "visual_projection.weight", among: names).name == "visual_projection.bias")
    #expect(NearestName(to: "text.text_projection", among: names).name == "text_projection")
    #expect(NearestName(to: "logits_scale", among: names).name == "logit_scale")
    #expect(NearestName(to: "abc", among: names).name == nil)
    #expect(NearestName(to: "abc", among: [String]()).name == nil)
    #expect(
      NearestName(to: "a", among: [String(repeating: "a", count: 100_000), "ab"]).name == "ab")
  }

  @Test(arguments: ["../model-00001-of-00003.safetensors", "/etc/passwd", "..", ""])
  func `a shard outside the folder is refused`(name: String) throws {
    try withCopy(of: "clip-sharded") { directory in
      try replace(
        "model-00001-of-00003.safetensors", by: name,
        in: directory.appendingPathComponent("model.safetensors.index.json"))
      #expect(error { _ = try ModelDirectory(path: directory.path) }?.code == .malformedFile)
    }
  }

  @Test func `a missing shard is an error`() throws {
    try withCopy(of: "clip-sharded") { directory in
      try FileManager.default.removeItem(
        at: directory.appendingPathComponent("model-00002-of-00003.safetensors"))
      #expect(error { _ = try ModelDirectory(path: directory.path) }?.code == .unreadableFile)
    }
  }

  @Test func `a folder without weights says what is missing`() throws {
    try withCopy(of: "clip-quick-gelu") { directory in
      try FileManager.default.removeItem(
        at: directory.appendingPathComponent("model.safetensors"))
      let error = error { _ = try ModelDirectory(path: directory.path) }
      #expect(error?.code == .unreadableFile)
      #expect(error?.description.contains("model.safetensors") == true)
    }
  }

  @Test func `pictures of another size than the model's are refused at opening`() throws {
    try withCopy(of: "clip-quick-gelu") { directory in
      try replace(
        "\"height\": 48", by: "\"height\": 32",
        in: directory.appendingPathComponent("preprocessor_config.json"))
      #expect(
        error { _ = try ModelDirectory(path: directory.path) }?.code == .invalidConfiguration)
    }
  }
}
