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
    let vision = try #require(configuration.vision)
    #expect(vision.transformer.width == 768 && vision.transformer.innerWidth == 3072)
    #expect(vision.transformer.layerCount == 12 && vision.transformer.headCount == 12)
    #expect(vision.transformer.activation == .quickGELU)
    #expect(vision.imageSize == 224 && vision.patchSize == 32 && vision.tokenCount == 50)
    #expect(vision.hasClassToken && vision.hasNormBeforeBlocks && !vision.hasPatchBias)
    let text = configuration.text
    #expect(text.transformer.width == 512 && text.transformer.innerWidth == 2048)
    #expect(text.transformer.headCount == 8 && text.transformer.mask == .causal)
    #expect(text.vocabularySize == 49408 && text.positionCount == 77)
    #expect(text.pooling == .end(.firstToken(49407)))
  }

  @Test func `what a file leaves out takes SigLIP's defaults`() throws {
    // All of the file of SigLIP 2 B/16 at 512 pixels.
    let configuration = try configuration(
      """
      {"model_type": "siglip", "text_config": {"vocab_size": 256000},
       "vision_config": {"image_size": 512}}
      """)
    let vision = try #require(configuration.vision)
    #expect(configuration.projectionDimension == 768 && !vision.hasProjection)
    #expect(vision.transformer.width == 768 && vision.transformer.innerWidth == 3072)
    #expect(vision.transformer.layerCount == 12 && vision.transformer.headCount == 12)
    #expect(vision.transformer.activation == .tanhGELU && vision.transformer.normEpsilon == 1e-6)
    #expect(vision.imageSize == 512 && vision.patchSize == 16 && vision.tokenCount == 1024)
    #expect(!vision.hasClassToken && !vision.hasNormBeforeBlocks && vision.hasPatchBias)
    #expect(vision.pooling == .attention && vision.input == .square)
  }

  @Test func `what a file leaves out takes the defaults of TIPSv2 and of SigLIP 2's grids`() throws
  {
    let tips = try #require(try configuration(#"{"model_type": "tipsv2"}"#).vision)
    #expect(tips.transformer.innerWidth == 3072 && tips.transformer.normEpsilon == 1e-6)
    #expect(tips.transformer.activation == .gelu && tips.registerCount == 1)
    #expect(tips.imageSize == 448 && tips.patchSize == 14 && tips.tokenCount == 1026)
    #expect(tips.hasLayerScale && tips.hasPatchBias && !tips.hasProjection)
    for type in ["siglip2", "fgclip2"] {
      let vision = try #require(try configuration(#"{"model_type": "\#(type)"}"#).vision)
      #expect(vision.input == .anyGrid && vision.patchCount == 256 && vision.patchSize == 16)
      #expect(vision.pooling == .attention && vision.transformer.activation == .tanhGELU)
    }
  }

  @Test func `long texts of FG-CLIP 2 have places of their own`() throws {
    let long = try configuration(#"{"model_type": "fgclip2"}"#).text.longPositions
    #expect(long?.count == 196 && long?.keptCount == 20)
    #expect(try configuration(#"{"model_type": "siglip2"}"#).text.longPositions == nil)
    let error = #expect(throws: EncoderError.self) {
      try configuration(
        #"{"model_type": "fgclip2", "text_config": {"longtext_len": 30, "keep_len": 31}}"#)
    }
    #expect(error?.code == .invalidConfiguration)
    #expect(error?.description.contains("text_config.keep_len") == true)
  }

  @Test func `the flat configuration of the first TIPSv2 files says the same as sections do`()
    throws
  {
    let flat = try configuration(
      """
      {"model_type": "tipsv2", "vision_fn": "vit_so400m", "embed_dim": 1152, "img_size": 448,
       "patch_size": 14, "num_register_tokens": 1, "ffn_layer": "mlp", "init_values": 1.0,
       "text_hidden_size": 1152, "text_mlp_dim": 4304, "text_num_heads": 16,
       "text_num_layers": 27, "vocab_size": 32000, "max_len": 64, "temperature": 0.004}
      """)
    let vision = try #require(flat.vision)
    #expect(vision.transformer.width == 1152 && vision.transformer.innerWidth == 4304)
    #expect(vision.transformer.layerCount == 27 && vision.transformer.headCount == 16)
    #expect(flat.projectionDimension == 1152)
    #expect(flat.text.transformer.layerCount == 27 && flat.text.transformer.innerWidth == 4304)
    let sections = try configuration(
      """
      {"model_type": "tipsv2", "vision_config": {"hidden_size": 1152, "num_hidden_layers": 27,
        "num_attention_heads": 16, "mlp_ratio": 3.736111111111111},
       "text_config": {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27,
        "num_attention_heads": 16, "vocab_size": 32000, "max_position_embeddings": 64}}
      """)
    #expect(sections == flat)
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
    #expect(configuration.text.pooling == .end(.largestToken))
    #expect(configuration.vision?.transformer.width == 1024)
    #expect(configuration.vision?.transformer.innerWidth == 3072)
    #expect(configuration.vision?.patchSize == 14)
  }

  @Test func `the published relatives of CLIP are read as the library reads them`() throws {
    // LAION: exact GELU, and the old end token though the tokenizer's is 49407.
    let laion = try configuration(
      """
      {"model_type": "clip", "projection_dim": 512, "text_config_dict": null,
       "text_config": {"model_type": "clip_text_model", "hidden_act": "gelu", "eos_token_id": 2},
       "vision_config": {"model_type": "clip_vision_model", "hidden_act": "gelu"}}
      """)
    #expect(laion.vision?.transformer.activation == .gelu)
    #expect(laion.text.transformer.activation == .gelu && laion.text.pooling == .end(.largestToken))
    // MetaCLIP: the activation of OpenAI's, and its own end token.
    let metaCLIP = try configuration(
      """
      {"model_type": "clip", "projection_dim": 512, "torch_dtype": "float32",
       "text_config": {"hidden_act": "quick_gelu", "eos_token_id": 49407},
       "vision_config": {"hidden_act": "quick_gelu", "patch_size": 16}}
      """)
    #expect(metaCLIP.vision?.transformer.activation == .quickGELU)
    #expect(metaCLIP.text.pooling == .end(.firstToken(49407)) && metaCLIP.vision?.patchCount == 196)
    // TinyCLIP: towers of its own sizes, the rest by default.
    let tinyCLIP = try configuration(
      """
      {"model_type": "clip",
       "text_config": {"hidden_size": 256, "intermediate_size": 1024, "num_attention_heads": 4,
         "num_hidden_layers": 3},
       "vision_config": {"hidden_size": 256, "intermediate_size": 1024, "num_attention_heads": 4,
         "num_hidden_layers": 10, "patch_size": 16}}
      """)
    #expect(tinyCLIP.vision?.transformer.layerCount == 10 && tinyCLIP.projectionDimension == 512)
    #expect(tinyCLIP.text.transformer.headCount == 4 && tinyCLIP.text.transformer.layerCount == 3)
    #expect(tinyCLIP.vision?.transformer.activation == .quickGELU)
  }

  @Test func `a text ends at its first end token, or at its largest token in old files`() throws {
    let first = TextConfiguration.EndRule.firstToken(7)
    #expect(first.endPosition(in: [1, 9, 7, 7, 9]) == 2)
    #expect(first.endPosition(in: [1, 9]) == nil)
    let largest = TextConfiguration.EndRule.largestToken
    #expect(largest.endPosition(in: [1, 9, 7, 9, 2]) == 1)
    #expect(largest.endPosition(in: []) == nil)
  }

  @Test func `what a file leaves out takes the family's defaults`() throws {
    // All that the file of google/siglip2-base-patch16-512 says.
    let siglip = try configuration(
      """
      {"model_type": "siglip", "text_config": {"vocab_size": 256000},
       "vision_config": {"image_size": 512}}
      """)
    #expect(siglip.projectionDimension == 768 && siglip.text.vocabularySize == 256_000)
    #expect(siglip.text.transformer == .siglip && siglip.text.positionCount == 64)
    #expect(siglip.text.pooling == .last && siglip.text.fillingToken == 1)

    let tips = try configuration(#"{"model_type": "tipsv2", "embed_dim": 768}"#)
    #expect(tips.text.transformer == .tipsText && tips.text.positions == .sinusoidal)
    #expect(tips.text.embeddingScale == Float(768).squareRoot() && tips.text.pooling == .mean)

    let bert = try configuration(#"{"model_type": "bert"}"#)
    #expect(bert.vision == nil && bert.projectionDimension == 768)
    #expect(bert.text.transformer == .bert && bert.text.transformer.normEpsilon == 1e-12)
    #expect(bert.text.vocabularySize == 30522 && bert.text.positionCount == 512)

    let chinese = try configuration(#"{"model_type": "chinese_clip"}"#)
    #expect(chinese.text.transformer == .bert && chinese.text.pooling == .first)

    let modern = try configuration(#"{"model_type": "modernbert"}"#).text
    #expect(modern.vocabularySize == 50368 && modern.positionCount == 8192)
    let blocks = modern.transformer
    #expect(blocks.layerCount == 22 && blocks.innerWidth == 1152 && blocks.isGated)
    #expect(!blocks.normsFirstBlock && !blocks.hasNormBias && !blocks.hasAttentionBias)
    let rotation = try #require(blocks.rotation)
    #expect(rotation.globalBase == 160_000 && rotation.localBase == 10_000)
    #expect(rotation.localReach == 64)
    #expect(rotation.isLocal.prefix(5) == [false, true, true, false, true])
    // The library's own defaults for pictures, 14 patches a side in fours, do not work there either.
    let columns = try configuration(
      #"{"model_type": "colmodernvbert", "vlm_config": {"vision_config": {"image_size": 512}}}"#)
    #expect(columns.projectionDimension == 128 && columns.text.transformer == blocks)
    #expect(columns.scoresSpecialTokens)
  }

  @Test(arguments: [
    (#"{"model_type": "bert", "position_embedding_type": "relative_key"}"#, "relative_key"),
    (#"{"model_type": "modernbert", "layer_types": ["full_attention"]}"#, "layer_types"),
    (
      #"{"model_type": "modernbert", "rope_parameters": {"full_attention": {"rope_type": "yarn"}}}"#,
      "rope_parameters.full_attention.rope_type (yarn)"
    ),
    (#"{"model_type": "modernbert", "global_rope_theta": -1}"#, "global_rope_theta"),
    (#"{"model_type": "tipsv2", "text_hidden_size": 30, "text_num_heads": 4}"#, "hidden_size"),
  ])
  func `what is not computed is refused by name`(json: String, name: String) throws {
    let error = #expect(throws: EncoderError.self) { try configuration(json) }
    #expect(error?.code == .invalidConfiguration && error?.description.contains(name) == true)
  }

  @Test func `the parts of a FILIP model may be left out`() throws {
    let plain = try configuration(
      """
      {"model_type": "filip", "projection_dim": 128, "pooling": "mean",
       "text_config": {"eos_token_id": 2},
       "vision_config": {"class_token": false, "pre_layer_norm": false, "patch_bias": true},
       "filip_domain": "drawn things", "filip_version": "1"}
      """)
    let vision = try #require(plain.vision)
    #expect(!vision.hasClassToken && !vision.hasNormBeforeBlocks)
    #expect(vision.hasPatchBias && vision.pooling == .mean)
    #expect(plain.text.pooling == .end(.firstToken(2)))
    #expect(plain.domain == "drawn things" && plain.version == "1")
    let paper = try configuration(#"{"model_type": "filip"}"#)
    #expect(paper.vision?.hasClassToken == true && paper.vision?.pooling == .classToken)
  }

  @Test(arguments: [
    (#"{"model_type": "gpt2"}"#, EncoderError.Code.unsupportedModel),
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
    (#"{"model_type": "tipsv2", "vision_fn": "vit_tiny"}"#, .invalidConfiguration),
    (#"{"model_type": "tipsv2", "ffn_layer": "swiglu"}"#, .invalidConfiguration),
    (#"{"model_type": "tipsv2", "vision_config": {"mlp_ratio": 0}}"#, .invalidConfiguration),
    (#"{"model_type": "tipsv2", "vision_config": {"mlp_ratio": "4"}}"#, .invalidConfiguration),
    (#"{"model_type": "siglip2", "vision_config": {"num_patches": 200}}"#, .invalidConfiguration),
    (
      #"{"model_type": "siglip", "vision_config": {"vision_use_head": false}}"#,
      .invalidConfiguration
    ),
  ])
  func `an impossible value is an error of one line`(json: String, code: EncoderError.Code) {
    let error = #expect(throws: EncoderError.self) { _ = try configuration(json) }
    #expect(error?.code == code)
    #expect(error?.description.contains("\n") == false)
  }
}
