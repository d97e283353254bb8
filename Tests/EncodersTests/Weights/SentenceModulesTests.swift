import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

@Suite struct SentenceModulesTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func modules(
    pooling: String? = nil, list: String? = nil, limits: String? = nil, settings: String? = nil
  ) throws -> SentenceModules {
    let line = #"{"idx": 0, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}"#
    let files = [
      ("modules.json", list ?? (pooling == nil ? nil : "[\(line)]")),
      ("1_Pooling/config.json", pooling), ("sentence_bert_config.json", limits),
      ("config_sentence_transformers.json", settings),
    ]
    try FileManager.default.createDirectory(
      atPath: folder.path + "/1_Pooling", withIntermediateDirectories: true)
    for (name, content) in files {
      try content?.write(toFile: folder.path + "/" + name, atomically: true, encoding: .utf8)
    }
    return try SentenceModules(directory: folder.path)
  }

  @Test func `without files nothing is said`() throws {
    let modules = try modules()
    #expect(modules.pooling == nil && modules.lengthLimit == nil)
  }

  @Test(arguments: [
    (#"{"pooling_mode": "mean"}"#, TextConfiguration.Pooling.mean),
    (#"{"pooling_mode": ["cls"]}"#, .first), (#"{"pooling_mode": "lasttoken"}"#, .last),
    (#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#, .first),
    (#"{"pooling_mode_mean_sqrt_len_tokens": true}"#, .mean), (#"{}"#, .mean),
  ])
  func `old and new files name the way of pooling`(
    json: String, pooling: TextConfiguration.Pooling
  ) throws {
    #expect(try modules(pooling: json).pooling == pooling)
  }

  @Test(arguments: [
    (#"{}"#, "", ""), (#"{"prompts": {}, "default_prompt_name": null}"#, "", ""),
    (#"{"prompts": {"query": "q: ", "passage": "p: "}}"#, "q: ", "p: "),
    (#"{"prompts": {"corpus": "c: ", "document": "d: ", "passage": "p: "}}"#, "", "d: "),
    (#"{"prompts": {"query": "", "any": "a: "}, "default_prompt_name": "any"}"#, "", "a: "),
    (#"{"prompts": {"any": "a: "}}"#, "", ""),
  ])
  func `prompts are those for queries and documents, or else the default one`(
    json: String, query: String, document: String
  ) throws {
    let prompts = try modules(settings: json).prompts
    #expect(prompts.query == query && prompts.document == document && prompts.isPooled)
  }

  @Test(arguments: [
    (#"{"prompts": {"query": 3}}"#, "prompts.query"), (#"{"prompts": "q: "}"#, "prompts"),
    (#"{"prompts": {}, "default_prompt_name": "any"}"#, "default_prompt_name"),
  ])
  func `prompts that are none are refused`(json: String, name: String) throws {
    let error = #expect(throws: EncoderError.self) { try modules(settings: json) }
    #expect(error?.code == .invalidConfiguration && error?.description.contains(name) == true)
  }

  @Test(arguments: [(#"{"pooling_mode": "mean"}"#, true), (#"{"include_prompt": false}"#, false)])
  func `pooling says whether prompts count`(json: String, isPooled: Bool) throws {
    #expect(try modules(pooling: json).prompts.isPooled == isPooled)
  }

  @Test(arguments: [
    #"{"pooling_mode": "max"}"#, #"{"pooling_mode": ["cls", "mean"]}"#,
    #"{"pooling_mode_weightedmean_tokens": true}"#,
  ])
  func `another way of pooling is refused`(json: String) throws {
    let error = #expect(throws: EncoderError.self) { try modules(pooling: json) }
    #expect(error?.code == .unsupportedModel)
  }

  @Test(arguments: [
    (#"[{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]"#, "Dense"),
    (
      #"[{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}]"#,
      "0_Transformer"
    ),
    (#"[{"path": "../x", "type": "sentence_transformers.models.Pooling"}]"#, "../x"),
    (#"{"path": 1}"#, "modules.json"), (#"[{"path": 1}]"#, "modules.json"),
  ])
  func `a module that is not computed is refused by name`(list: String, name: String) throws {
    let error = #expect(throws: EncoderError.self) { try modules(list: list) }
    #expect(error?.description.contains(name) == true)
  }

  @Test func `the limit is read, and lower case that only the tokenizer may do is refused`() throws
  {
    #expect(try modules(limits: #"{"max_seq_length": 256}"#).lengthLimit == 256)
    #expect(try modules(limits: #"{"max_seq_length": null}"#).lengthLimit == nil)
    for bad in [#"{"max_seq_length": 0}"#, #"{"do_lower_case": true}"#] {
      #expect(throws: EncoderError.self) { try modules(limits: bad) }
    }
  }
}
