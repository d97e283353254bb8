import FilipLinearAlgebra
import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

@Suite struct OpenCLIPConfigurationTests {
  private func read(
    _ json: String
  ) throws -> (model: ModelConfiguration, preprocessing: PreprocessorConfiguration) {
    let folder = try TemporaryDirectory()
    let path = folder.path + "/open_clip_config.json"
    try Data(json.utf8).write(to: URL(fileURLWithPath: path))
    let configuration = try OpenCLIPConfiguration(path: path)
    return (try ModelConfiguration(configuration.reader), configuration.preprocessing)
  }

  private func model(_ members: String) -> String { #"{"model_cfg": {\#(members)}}"# }

  @Test func `what a file leaves out takes open_clip's defaults, not those of the library`() throws
  {
    let (model, preprocessing) = try read(
      #"{"model_cfg": {"embed_dim": 512, "vision_cfg": {}, "text_cfg": {}}}"#)
    #expect(model.vision?.patchSize == 16 && model.vision?.imageSize == 224)
    #expect(model.vision?.transformer.activation == .gelu)
    #expect(model.text.transformer.activation == .gelu)
    #expect(model.vision?.transformer.width == 768 && model.vision?.transformer.headCount == 12)
    #expect(model.vision?.transformer.normEpsilon == 1e-5)
    #expect(model.text.transformer.width == 512 && model.text.transformer.innerWidth == 2048)
    #expect(model.text.positionCount == 77 && model.text.pooling == .end(.largestToken))
    #expect(preprocessing == PreprocessorConfiguration())
  }

  @Test func `sizes, heads and activation are those of the file`() throws {
    // As of ViT-H-14, with quick GELU and another epsilon.
    let (model, _) = try read(
      model(
        #"""
        "embed_dim": 1024, "quick_gelu": true,
        "vision_cfg": {"image_size": [224, 224], "layers": 32, "width": 1280, "head_width": 80,
          "patch_size": 14, "mlp_ratio": 4.3637, "norm_kwargs": {"eps": 1e-6}, "patch_dropout": 0.5,
          "timm_model_name": null, "pool_type": "tok", "qk_norm": false},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 1024, "heads": 16,
          "layers": 24, "hf_tokenizer_name": "x/y", "pool_type": "argmax"}
        """#))
    #expect(model.projectionDimension == 1024)
    let vision = try #require(model.vision).transformer
    #expect(vision.headCount == 16 && vision.layerCount == 32 && vision.width == 1280)
    // int(width * ratio), as open_clip rounds.
    #expect(vision.innerWidth == 5585 && vision.normEpsilon == 1e-6)
    #expect(vision.activation == .quickGELU && model.text.transformer.activation == .quickGELU)
    #expect(model.text.transformer.headCount == 16 && model.text.transformer.normEpsilon == 1e-5)
  }

  @Test func `pictures are prepared as the file says`() throws {
    let (_, preprocessing) = try read(
      #"""
      {"model_cfg": {"vision_cfg": {"image_size": 64}},
       "preprocess_cfg": {"mean": [0.5, 0.25, 0.5], "std": [0.5, 0.5, 1],
         "interpolation": "bilinear", "resize_mode": "squash"}}
      """#)
    #expect(preprocessing.resizing == .exact(width: 64, height: 64))
    #expect(preprocessing.centerCrop == nil && preprocessing.filter == .bilinear)
    #expect(preprocessing.mean == [0.5, 0.25, 0.5])
    #expect(preprocessing.standardDeviation == [0.5, 0.5, 1])
  }

  @Test(arguments: [
    (#""vision_cfg": {"timm_model_name": "vit_base_patch16_siglip_224"}"#, "timm_model_name"),
    (#""vision_cfg": {"attentional_pool": true}"#, "attentional_pool"),
    (#""vision_cfg": {"no_ln_pre": true}"#, "no_ln_pre"),
    (#""vision_cfg": {"pool_type": "avg"}"#, "pool_type"),
    (#""vision_cfg": {"ls_init_value": 0.1}"#, "ls_init_value"),
    (#""vision_cfg": {"act_kwargs": {"approximate": "tanh"}}"#, "act_kwargs"),
    (#""vision_cfg": {"something_new": 1}"#, "vision_cfg.something_new"),
    (#""vision_cfg": {"norm_kwargs": {"bias": false}}"#, "norm_kwargs.bias"),
    (#""text_cfg": {"hf_model_name": "roberta-base"}"#, "hf_model_name"),
    (#""text_cfg": {"no_causal_mask": true}"#, "no_causal_mask"),
    (#""text_cfg": {"pool_type": "eos", "eos_id": 2}"#, "text_cfg.pool_type"),
    (#""text_cfg": {"proj_bias": true}"#, "proj_bias"),
    (#""multimodal_cfg": {"width": 512}"#, "multimodal_cfg"),
  ])
  func `what a plain CLIP does not have is refused by its name`(members: String, name: String) {
    let error = #expect(throws: EncoderError.self) { _ = try read(model(members)) }
    #expect(error?.code == .unsupportedModel)
    #expect(error?.description.contains(name) == true && error?.description.contains("\n") == false)
  }

  @Test(arguments: [
    #"{"preprocess_cfg": {"resize_mode": "longest"}}"#,
    #"{"preprocess_cfg": {"interpolation": "random"}}"#, #"{"preprocess_cfg": {"mean": [1, 2]}}"#,
    #"{"preprocess_cfg": {"std": [1, 0, 1]}}"#, #"{"preprocess_cfg": {"std": [1, "x", 1, 2]}}"#,
    #"{"model_cfg": {"vision_cfg": {"layers": [3, 4, 6, 3]}}}"#,
    #"{"model_cfg": {"vision_cfg": {"mlp_ratio": -1}}}"#, #"{"model_cfg": 3}"#,
  ])
  func `an impossible value is an error of one line`(json: String) {
    let error = #expect(throws: EncoderError.self) { _ = try read(json) }
    #expect(error?.code == .invalidConfiguration && error?.description.contains("\n") == false)
  }
}
