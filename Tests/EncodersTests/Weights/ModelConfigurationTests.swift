import FilipLinearAlgebra
import Foundation
import Testing

@testable import FilipEncoders

@Suite struct ModelConfigurationTests {
  private func configuration(_ json: String) throws -> ModelConfiguration {
    let path = NSTemporaryDirectory() + "filip-\(UInt64.random(in: 0...UInt64.max)).json"
    defer { unlink(path) }
    try Data(json.utf8).write(to: URL(fileURLWithPath: path))
    return try ModelConfiguration(path: path)
  }

  @Test func `what a file leaves out takes CLIP's defaults`() throws {
    let configuration = try configuration(#"{"model_type": "clip"}"#)
    #expect(configuration.projectionDimension == 512)
    let vision = configuration.vision
    #expect(vision.transformer.width == 768 && vision.transformer.innerWidth == 3072)
    #expect(vision.transformer.layerCount == 12 && vision.transformer.headCount == 12)
    #expect(vision.transformer.activation == .quickGELU)
    #expect(vision.imageSize == 224 && vision.patchSize == 32 && vision.tokenCount == 50)
    #expect(vision.hasClassToken && vision.hasNormBeforeBlocks && !vision.hasPatchBias)
    let text = configuration.text
    #expect(text.transformer.width == 512 && text.transformer.innerWidth == 2048)
    #expect(text.transformer.headCount == 8 && text.transformer.mask == .causal)
    #expect(text.vocabularySize == 49408 && text.positionCount == 77)
    #expect(text.endRule == .firstToken(49407))
  }

  @Test func `null and the repeated sections of old files are read as the library reads them`()
    throws
  {
    let configuration = try configuration(
      """
      {"model_type": "clip", "projection_dim": 768, "vision_config_dict": null,
       "text_config": {"hidden_size": 512, "eos_token_id": 2},
       "text_config_dict": {"hidden_size": 768, "num_attention_heads": 12, "eos_token_id": 2},
       "vision_config": {"hidden_size": 1024, "num_attention_heads": 16, "patch_size": [14, 14],
         "intermediate_size": null}}
      """)
    #expect(configuration.text.transformer.width == 768)
    #expect(configuration.text.endRule == .largestToken)
    #expect(configuration.vision.transformer.width == 1024)
    #expect(configuration.vision.transformer.innerWidth == 3072)
    #expect(configuration.vision.patchSize == 14)
  }

  @Test func `the published relatives of CLIP are read as the library reads them`() throws {
    // LAION: exact GELU, and the old end token though the tokenizer's is 49407.
    let laion = try configuration(
      """
      {"model_type": "clip", "projection_dim": 512, "text_config_dict": null,
       "text_config": {"model_type": "clip_text_model", "hidden_act": "gelu", "eos_token_id": 2},
       "vision_config": {"model_type": "clip_vision_model", "hidden_act": "gelu"}}
      """)
    #expect(laion.vision.transformer.activation == .gelu)
    #expect(laion.text.transformer.activation == .gelu && laion.text.endRule == .largestToken)
    // MetaCLIP: the activation of OpenAI's, and its own end token.
    let metaCLIP = try configuration(
      """
      {"model_type": "clip", "projection_dim": 512, "torch_dtype": "float32",
       "text_config": {"hidden_act": "quick_gelu", "eos_token_id": 49407},
       "vision_config": {"hidden_act": "quick_gelu", "patch_size": 16}}
      """)
    #expect(metaCLIP.vision.transformer.activation == .quickGELU)
    #expect(metaCLIP.text.endRule == .firstToken(49407) && metaCLIP.vision.patchCount == 196)
    // TinyCLIP: towers of its own sizes, the rest by default.
    let tinyCLIP = try configuration(
      """
      {"model_type": "clip",
       "text_config": {"hidden_size": 256, "intermediate_size": 1024, "num_attention_heads": 4,
         "num_hidden_layers": 3},
       "vision_config": {"hidden_size": 256, "intermediate_size": 1024, "num_attention_heads": 4,
         "num_hidden_layers": 10, "patch_size": 16}}
      """)
    #expect(tinyCLIP.vision.transformer.layerCount == 10 && tinyCLIP.projectionDimension == 512)
    #expect(tinyCLIP.text.transformer.headCount == 4 && tinyCLIP.text.transformer.layerCount == 3)
    #expect(tinyCLIP.vision.transformer.activation == .quickGELU)
  }

  @Test func `a text ends at its first end token, or at its largest token in old files`() throws {
    var text = try configuration(#"{"model_type": "clip"}"#).text
    text.endRule = .firstToken(7)
    #expect(text.endPosition(in: [1, 9, 7, 7, 9]) == 2)
    #expect(text.endPosition(in: [1, 9]) == nil)
    text.endRule = .largestToken
    #expect(text.endPosition(in: [1, 9, 7, 9, 2]) == 1)
    #expect(text.endPosition(in: []) == nil)
  }

  @Test func `the parts of a FILIP model may be left out`() throws {
    let plain = try configuration(
      """
      {"model_type": "filip", "projection_dim": 128, "pooling": "mean",
       "text_config": {"eos_token_id": 2},
       "vision_config": {"class_token": false, "pre_layer_norm": false, "patch_bias": true},
       "filip_domain": "drawn things", "filip_version": "1"}
      """)
    #expect(!plain.vision.hasClassToken && !plain.vision.hasNormBeforeBlocks)
    #expect(plain.vision.hasPatchBias && plain.vision.pooling == .mean)
    #expect(plain.text.endRule == .firstToken(2))
    #expect(plain.domain == "drawn things" && plain.version == "1")
    let paper = try configuration(#"{"model_type": "filip"}"#)
    #expect(paper.vision.hasClassToken && paper.vision.pooling == .classToken)
  }

  @Test(arguments: [
    (#"{"model_type": "bert"}"#, EncoderError.Code.unsupportedModel),
    (#"{}"#, .unsupportedModel),
    (#"{"model_type": 3}"#, .invalidConfiguration),
    (#"[]"#, .malformedFile),
    (#"{"model_type": "clip", "projection_dim": 0}"#, .invalidConfiguration),
    (#"{"model_type": "clip", "projection_dim": 1e9}"#, .invalidConfiguration),
    (#"{"model_type": "clip", "text_config": 3}"#, .invalidConfiguration),
    (#"{"model_type": "clip", "text_config": {"hidden_size": 513}}"#, .invalidConfiguration),
    (#"{"model_type": "clip", "text_config": {"vocab_size": -1}}"#, .invalidConfiguration),
    (
      #"{"model_type": "clip", "text_config": {"num_attention_heads": 0}}"#,
      .invalidConfiguration
    ),
    (#"{"model_type": "clip", "text_config": {"hidden_act": "mish"}}"#, .invalidConfiguration),
    (#"{"model_type": "clip", "text_config": {"layer_norm_eps": "x"}}"#, .invalidConfiguration),
    (#"{"model_type": "clip", "vision_config": {"image_size": 225}}"#, .invalidConfiguration),
    (#"{"model_type": "clip", "vision_config": {"image_size": [32, 64]}}"#, .invalidConfiguration),
    (
      #"{"model_type": "clip", "vision_config": {"image_size": 4096, "patch_size": 1}}"#,
      .invalidConfiguration
    ),
    (
      #"{"model_type": "filip", "pooling": "class", "vision_config": {"class_token": false}}"#,
      .invalidConfiguration
    ),
    (#"{"model_type": "filip", "pooling": "max"}"#, .invalidConfiguration),
  ])
  func `an impossible value is an error of one line`(json: String, code: EncoderError.Code) {
    let error = #expect(throws: EncoderError.self) { _ = try configuration(json) }
    #expect(error?.code == code)
    #expect(error?.description.contains("\n") == false)
  }
}
