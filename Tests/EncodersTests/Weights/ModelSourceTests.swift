import FilipLateInteraction
import FilipLinearAlgebra
import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

/// One model in the forms that people have, made by
/// `Training/fixtures/make_checkpoint_fixtures.py`.
@Suite struct ModelSourceTests {
  /// What a model makes of the inputs: tokens and pooled vectors of images and texts.
  private struct Output: Equatable {
    var images: [EncodedImage] = []
    var tokens: [Float] = []
    var pooled: [Float] = []

    init(_ model: ModelDirectory, _ fixture: ModelFixture, mode: TokenMode = .value) throws {
      let encoder = try ImageEncoder(model: model, tokenMode: mode)
      images = try encoder.encode(fixture.images(), workspace: encoder.makeWorkspace())
      let transformer = try TextTransformer(model.configuration, in: model.checkpoint)
      let output = try transformer.run(
        on: fixture.texts().map { TextInput($0) }, workspace: EncoderWorkspace())
      tokens = try TokenMatrix.normalizing(output.tokens).elements
      pooled = try TokenMatrix.normalizing(output.pooled).elements
    }
  }

  private static let others = ["same-open-clip", "same-openai/ViT-tiny.pt"]

  private func error(_ body: () throws -> Void) -> EncoderError? {
    #expect(throws: EncoderError.self, performing: body)
  }

  /// A folder with copies of some of a fixture's files.
  private func folder(of fixture: String, _ names: [String]) throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    for name in names {
      try FileManager.default.copyItem(
        atPath: ModelFixture.directory(fixture) + "/" + name,
        toPath: folder.path + "/" + name)
    }
    return folder
  }

  // MARK: - Equal models

  @Test func `the half-precision shards of pytorch_model.bin equal the library`() throws {
    let fixture = try ModelFixture("same-hugging-face")
    for mode in [TokenMode.patch, .value] {
      let output = try Output(fixture.model, fixture, mode: mode)
      let differences = [
        largestDifference(
          output.images.flatMap(\.tokens.elements),
          try fixture.expectation("image.\(mode.rawValue)").values),
        largestDifference(
          output.images.flatMap(\.pooled), try fixture.expectation("image.pooled").values),
        largestDifference(
          output.tokens,
          try (0..<3).flatMap { try fixture.expectation("text.\($0).tokens").values }),
        largestDifference(
          output.pooled,
          try (0..<3).flatMap { try fixture.expectation("text.\($0).pooled").values }),
      ]
      #expect(differences.allSatisfy { $0 <= 1e-5 }, "\(differences)")
    }
  }

  @Test(arguments: others)
  func `a model encodes alike, to the bit, in every naming`(name: String) throws {
    let fixture = try ModelFixture("same-hugging-face")
    let other = try ModelDirectory(path: ModelFixture.directory(name))
    #expect(try Output(other, fixture) == Output(fixture.model, fixture))
    var configuration = fixture.model.configuration
    configuration.text.pooling = .end(.largestToken)
    #expect(other.configuration == configuration)
  }

  @Test func `tensors have the same names and edges in every naming`() throws {
    let model = try ModelFixture("same-hugging-face").model
    for name in Self.others {
      let other = try ModelDirectory(path: ModelFixture.directory(name))
      for part in [ModelFamily.clip.visionNames.part, ModelFamily.clip.textNames.part] {
        let (left, right) = (model.checkpoint.tensors(of: part), other.checkpoint.tensors(of: part))
        #expect(left.map(\.name) == right.map(\.name) && left.map(\.shape) == right.map(\.shape))
        for (left, right) in zip(left, right) {
          let isSame = left.edges(byteCount: 4096) == right.edges(byteCount: 4096)
          #expect(isSame, "\(left.name)")
        }
      }
    }
  }

  @Test func `open_clip's CustomTextCLIP is the same model under other names`() throws {
    let fixture = try ModelFixture("same-hugging-face")
    let folder = try folder(of: "same-open-clip", ["open_clip_config.json"])
    let source = try ModelFixture.directory("same-open-clip") + "/open_clip_model.safetensors"
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: source)))
    let count = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    var header = String(decoding: bytes[8..<8 + count], as: UTF8.self)
    for name in ["transformer.", "token_", "positional_", "ln_final", "text_projection"] {
      header = header.replacingOccurrences(of: "\"" + name, with: "\"text." + name)
    }
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    try Data(length + Array(header.utf8) + bytes[(8 + count)...])
      .write(to: URL(fileURLWithPath: folder.path + "/open_clip_model.safetensors"))
    let model = try ModelDirectory(path: folder.path)
    #expect(model.checkpoint.tensors.contains { $0.storedName == "text.text_projection" })
    #expect(try Output(model, fixture) == Output(fixture.model, fixture))
  }

  // MARK: - What lies beside a weight file

  @Test func `preprocessing is open_clip's, that of a file beside, or CLIP's`() throws {
    let openCLIP = try ModelDirectory(path: ModelFixture.directory("same-open-clip"))
    #expect(openCLIP.preprocessing == (try ModelFixture("same-hugging-face").model.preprocessing))
    let alone = try ModelDirectory(path: ModelFixture.directory("same-openai/ViT-tiny.pt"))
    #expect(alone.preprocessing == .clip(imageSize: 24))
    #expect(alone.preprocessing?.mean == [0.48145466, 0.4578275, 0.40821073])

    let folder = try folder(of: "same-openai", ["ViT-tiny.pt"])
    try FileManager.default.copyItem(
      atPath: ModelFixture.directory("same-hugging-face") + "/preprocessor_config.json",
      toPath: folder.path + "/preprocessor_config.json")
    let accompanied = try ModelDirectory(path: folder.path + "/ViT-tiny.pt")
    #expect(accompanied.preprocessing == openCLIP.preprocessing)
    #expect(accompanied.path == folder.path && accompanied.source == folder.path + "/ViT-tiny.pt")
  }

  @Test func `a weight file without a tokenizer says what to copy`() throws {
    let model = try ModelDirectory(path: ModelFixture.directory("same-openai/ViT-tiny.pt"))
    let error = error { _ = try TextEncoder(model: model) }
    #expect(error?.code == .unusableTokenizer)
    #expect(error?.description.contains("copy tokenizer.json") == true)

    let folder = try folder(of: "same-openai", ["ViT-tiny.pt"])
    try FileManager.default.copyItem(
      atPath: ModelFixture.directory("same-hugging-face") + "/tokenizer.json",
      toPath: folder.path + "/tokenizer.json")
    let encoder = try TextEncoder(model: ModelDirectory(path: folder.path + "/ViT-tiny.pt"))
    let reference = try TextEncoder(model: ModelFixture("same-hugging-face").model)
    #expect(try encoder.encode("a dog") == reference.encode("a dog"))
  }

  @Test func `the configuration beside a weight file counts`() throws {
    let folder = try folder(of: "same-openai", ["ViT-tiny.pt"])
    let config = try ModelFixture.directory("same-hugging-face") + "/config.json"
    let text = try String(contentsOfFile: config, encoding: .utf8)
    try text.replacingOccurrences(of: "quick_gelu", with: "gelu")
      .write(toFile: folder.path + "/config.json", atomically: true, encoding: .utf8)
    let model = try ModelDirectory(path: folder.path + "/ViT-tiny.pt")
    #expect(model.configuration.vision?.transformer.activation == .gelu)

    // open_clip's own counts more.
    try FileManager.default.copyItem(
      atPath: ModelFixture.directory("same-open-clip") + "/open_clip_config.json",
      toPath: folder.path + "/open_clip_config.json")
    let openCLIP = try ModelDirectory(path: folder.path + "/ViT-tiny.pt")
    #expect(openCLIP.configuration.vision?.transformer.activation == .quickGELU)
  }

  @Test func `a weight file whose activation nobody can tell wants its configuration`() throws {
    let folder = try folder(of: "same-open-clip", ["open_clip_model.safetensors"])
    let error = error {
      _ = try ModelDirectory(path: folder.path + "/open_clip_model.safetensors")
    }
    #expect(error?.code == .unreadableFile)
    #expect(error?.description.contains("open_clip_config.json") == true)
  }

  @Test func `a weight file in Hugging Face's naming wants its config.json`() throws {
    let source = try ModelFixture.directory("clip-quick-gelu")
    let folder = try folder(of: "clip-quick-gelu", ["model.safetensors"])
    let error = error { _ = try ModelDirectory(path: folder.path + "/model.safetensors") }
    #expect(error?.code == .unreadableFile && error?.description.contains("config.json") == true)
    let model = try ModelDirectory(path: source + "/model.safetensors")
    let whole = try ModelDirectory(path: source)
    #expect(try model.imageFingerprint() == whole.imageFingerprint())
  }

  // MARK: - Relatives

  /// Tensors of a file with these names and shapes.
  private func withTensors<Result>(
    _ shapes: KeyValuePairs<String, [Int]>, _ body: ([TensorView]) throws -> Result
  ) throws -> Result {
    let folder = try TemporaryDirectory()
    let path = folder.path + "/weights.safetensors"
    let writer = try SafetensorsWriter(
      path: path, tensors: shapes.map { .init(name: $0, elementType: .float32, shape: $1) })
    var next: Float = 0
    for (_, shape) in shapes {
      let count = shape.reduce(1, *)
      try writer.append((0..<count).map { Float($0) + next })
      next += 1000
    }
    try writer.finish()
    return try body(WeightFile.tensors(at: path))
  }

  @Test(arguments: [
    ("visual.layer1.0.conv1.weight", "ResNet"), ("visual.trunk.cls_token", "timm"),
    ("encode_text.ln_final.weight", "DeCLIP"),
    ("visual.transformer.resblocks.0.ls_1.gamma", "ls_1"), ("visual.attn_pool.query", "attn_pool"),
    ("visual.transformer.resblocks.x.ln_1.weight", "resblocks.x"), ("text.extra", "text.extra"),
  ])
  func `relatives with other parts are refused by the part`(name: String, words: String) throws {
    let error = try withTensors([
      "visual.conv1.weight": [4, 3, 2, 2], "token_embedding.weight": [3, 4], name: [2],
    ]) { tensors in
      self.error {
        let naming = try OpenAINaming(of: tensors, path: "x.pt")
        _ = try naming?.translate(tensors, path: "x.pt")
      }
    }
    #expect(error?.code == .unsupportedModel)
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test func `queries, keys and values are the thirds of the fused tensor, in this order`() throws {
    try withTensors([
      "visual.conv1.weight": [64, 3, 2, 2], "token_embedding.weight": [3, 64],
      "visual.transformer.resblocks.7.attn.in_proj_weight": [6, 2],
      "transformer.resblocks.0.attn.in_proj_bias": [6], "text_projection": [2, 3],
      "attn_mask": [2, 2], "logit_scale": [],
    ]) { tensors in
      let naming = try #require(try OpenAINaming(of: tensors, path: "x"))
      let checkpoint = Checkpoint(path: "x", tensors: try naming.translate(tensors, path: "x"))
      #expect(checkpoint.tensors.count == 10 && checkpoint.contains("logit_scale"))
      let vision = "vision_model.encoder.layers.7.self_attn."
      let text = "text_model.encoder.layers.0.self_attn."
      for (index, part) in ["q", "k", "v"].enumerated() {
        let first = Float(4 * index)
        #expect(
          try checkpoint.matrix("\(vision)\(part)_proj.weight", 2, 2).elements
            == (0..<4).map { 2000 + first + Float($0) })
        #expect(
          try checkpoint.matrix("\(text)\(part)_proj.bias", 2).elements
            == [3000 + first / 2, 3001 + first / 2])
      }
      #expect(
        try checkpoint.matrix("text_projection.weight", 3, 2).elements
          == [4000, 4003, 4001, 4004, 4002, 4005])
    }
  }

  /// The shapes of a Wukong model with one block per tower.
  private func wukong(dimension: Int, learner: String?) -> KeyValuePairs<String, [Int]> {
    // The order is not that of any file.
    learner == nil
      ? [
        "visual.conv1.weight": [64, 3, 4, 4], "visual.positional_embedding": [5, 64],
        "visual.proj": [64, dimension], "visual.transformer.resblocks.0.ln_1.weight": [64],
        "visual.transformer.resblocks.0.mlp.c_fc.weight": [256, 64],
        "transformer.token_embedding.weight": [120, 128],
        "transformer.positional_embedding": [32, 128],
        "transformer.text_projection": [128, dimension],
        "transformer.resblocks.0.ln_1.weight": [128], "transformer.resblocks.1.ln_1.weight": [128],
        "transformer.resblocks.0.mlp.c_fc.weight": [512, 128],
        "transformer.ln_final.weight": [128], "loss.logit_scale": [],
      ]
      : [
        "visual.conv1.weight": [64, 3, 4, 4], "visual.positional_embedding": [5, 64],
        "visual.proj": [64, dimension], "visual.transformer.resblocks.0.ln_1.weight": [64],
        "visual.transformer.resblocks.0.mlp.c_fc.weight": [256, 64],
        "visual.\(learner ?? "").attention_maps.0.weight": [dimension, dimension / 8, 1, 1],
        "visual.\(learner ?? "").attention_maps.1.weight": [12, dimension, 1, 1],
        "visual.\(learner ?? "").norm.weight": [dimension],
        "transformer.token_embedding.weight": [120, 128],
        "transformer.positional_embedding": [32, 128],
        "transformer.text_projection": [128, dimension],
        "transformer.resblocks.0.ln_1.weight": [128],
        "transformer.resblocks.0.mlp.c_fc.weight": [512, 128], "loss.logit_scale": [],
      ]
  }

  @Test(arguments: [
    (256, "token_learner", "wukong"), (256, "token_reduction", "wukong"), (256, nil, "wukong"),
    (512, nil, "clip"),
  ])
  func `a Wukong model's kind and sizes are those of its tensors`(
    dimension: Int, learner: String?, family: String
  ) throws {
    try withTensors(wukong(dimension: dimension, learner: learner)) { tensors in
      let naming = try #require(try OpenAINaming(of: tensors, path: "x"))
      #expect(naming.textTower == .wukong)
      let translated = try naming.translate(tensors, path: "x")
      let names = Set(translated.map(\.name))
      #expect(names.contains("text_model.embeddings.position_embedding.weight"))
      #expect(names.contains("text_projection.weight") && !names.contains("loss.logit_scale"))
      #expect(names.contains("logit_scale"))
      #expect(
        names.contains("vision_model.token_reduction.attention_maps.1.weight") == (learner != nil))
      let json = try DerivedConfiguration(translated, path: "x").wukong()
      #expect(json["model_type"]?.string == family && json["projection_dim"] == .count(dimension))
      let (vision, text) = (json["vision_config"], json["text_config"])
      #expect(vision?["image_size"] == .count(8) && vision?["patch_size"] == .count(4))
      #expect(text?["num_attention_heads"] == .count(2) && text?["vocab_size"] == .count(120))
      #expect(text?["num_hidden_layers"] == .count(learner == nil ? 2 : 1))
      #expect(
        text?["max_position_embeddings"] == .count(32) && text?["eos_token_id"] == .count(102))
      #expect(json["score_special_tokens"] == (family == "clip" ? nil : .bool(true)))
      guard family != "wukong" else { return }
      let configuration = try ModelConfiguration(
        ConfigurationReader(#require(json.object), path: "x"))
      #expect(configuration.text.pooling == .end(.firstToken(102)))
      #expect(configuration.text.transformer.activation == .quickGELU)
      #expect(
        configuration.vision?.hasClassToken == true
          && configuration.vision?.hasNormBeforeBlocks == true)
    }
  }

  @Test func `tensors without elements may have any extents`() throws {
    try withTensors([
      "visual.conv1.weight": [64, 0, 1, 1 << 50], "visual.positional_embedding": [1 << 40 + 1, 0],
      "visual.proj": [0, 24], "visual.transformer.resblocks.0.mlp.c_fc.weight": [8, 0],
      "visual.transformer.resblocks.0.attn.in_proj_weight": [3 << 54, 0],
      "token_embedding.weight": [514, 64], "positional_embedding": [16, 64],
      "transformer.resblocks.0.mlp.c_fc.weight": [8, 0],
    ]) { tensors in
      let naming = try #require(try OpenAINaming(of: tensors, path: "x"))
      let translated = try naming.translate(tensors, path: "x")
      for tensor in translated where tensor.shape.contains(0) {
        #expect(try tensor.matrix().elements.isEmpty)
        #expect(tensor.edges(byteCount: 64).last.isEmpty)
      }
      let json = try DerivedConfiguration(translated, path: "x").clip()
      #expect(json["vision_config"]?["image_size"] == .count(.max))
      let error = error {
        _ = try ModelConfiguration(ConfigurationReader(#require(json.object), path: "x"))
      }
      #expect(error?.code == .invalidConfiguration)
    }
  }

  @Test func `sizes that no configuration could have are errors`() throws {
    for (name, shape) in [
      ("visual.positional_embedding", [7, 64]), ("visual.conv1.weight", [65, 3, 4, 4]),
      ("visual.conv1.weight", [64]), ("visual.proj", [64]),
    ] {
      let shapes = wukong(dimension: 256, learner: nil).map { ($0, $0 == name ? shape : $1) }
      let folder = try TemporaryDirectory()
      let path = folder.path + "/x.pt"
      let writer = try SafetensorsWriter(
        path: path, tensors: shapes.map { .init(name: $0, elementType: .float32, shape: $1) })
      for (_, shape) in shapes {
        try writer.append([Float](repeating: 0, count: shape.reduce(1, *)))
      }
      try writer.finish()
      let error = error { _ = try ModelDirectory(path: path) }
      #expect([.wrongShape, .unsupportedModel].contains(error?.code), "\(name) \(shape)")
    }
  }
}
