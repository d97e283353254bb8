import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

/// How texts are filled up, as `tokenizer_config.json`, `tokenizer.json` and the class of the tokenizer
/// say, in transformers' order of precedence.
@Suite struct PaddingRuleTests {
  /// What the files of a tokenizer make of it whose tokens are `<pad>` 0, `</s>` 1 and `[PAD]` 7.
  private func rule(_ config: String, document: String? = nil) throws -> PaddingRule? {
    let folder = try TemporaryDirectory()
    try config.write(
      toFile: folder.path + "/tokenizer_config.json", atomically: true, encoding: .utf8)
    let document = try document.map { try JSONValue(parsing: Array($0.utf8)) }
    return try TokenizerSettings(directory: folder.path)
      .padding(document: document) { ["<pad>": 0, "</s>": 1, "[PAD]": 7][$0] }
  }

  @Test(arguments: [
    // The class decides where no file does.
    (#"{"tokenizer_class": "GemmaTokenizerFast"}"#, nil, true),
    (#"{"tokenizer_class": "Siglip2Tokenizer"}"#, nil, true),
    (#"{"tokenizer_class": "BertTokenizer", "pad_token": "[PAD]"}"#, nil, false),
    // tokenizer.json goes before the class, tokenizer_config.json before both.
    (#"{"tokenizer_class": "GemmaTokenizer"}"#, #"{"direction": "Right"}"#, false),
    (#"{"pad_token": "<pad>"}"#, #"{"direction": "Left"}"#, true),
    (#"{"pad_token": "<pad>", "padding_side": "right"}"#, #"{"direction": "Left"}"#, false),
    (#"{"tokenizer_class": "GemmaTokenizer", "padding_side": "right"}"#, nil, false),
    (#"{"pad_token": "<pad>", "padding_side": "left"}"#, #"{"direction": "Right"}"#, true),
  ])
  func `the side is that of the file, else of the class`(
    config: String, document: String?, isOnLeft: Bool
  ) throws {
    #expect(try rule(config, document: document)?.isOnLeft == isOnLeft)
  }

  @Test(arguments: [
    (#"{"pad_token": "<pad>"}"#, true),
    (#"{"pad_token": "<pad>", "model_input_names": ["input_ids"]}"#, false),
    (#"{"pad_token": "<pad>", "model_input_names": ["input_ids", "attention_mask"]}"#, true),
  ])
  func `what fills up is masked unless the tokenizer gives no mask`(
    config: String, isMasked: Bool
  ) throws {
    #expect(try rule(config)?.isMasked == isMasked)
  }

  @Test(arguments: [
    (#"{"pad_token": "<pad>", "model_max_length": 77}"#, nil, 77),
    // What transformers writes for "no limit".
    (#"{"pad_token": "<pad>", "model_max_length": 1000000000000000019884624838656}"#, nil, nil),
    (#"{"pad_token": "<pad>", "model_max_length": 1000000000}"#, nil, nil),
    (#"{"pad_token": "<pad>", "model_max_length": 0}"#, nil, nil),
    (#"{"pad_token": "<pad>"}"#, #"{"strategy": {"Fixed": 64}}"#, 64),
    (#"{"pad_token": "<pad>"}"#, #"{"strategy": "BatchLongest"}"#, nil),
    (#"{"pad_token": "<pad>", "model_max_length": 32}"#, #"{"strategy": {"Fixed": 64}}"#, 32),
    (#"{"tokenizer_class": "SiglipTokenizer"}"#, nil, 64),
    (#"{"tokenizer_class": "SiglipTokenizer", "model_max_length": 16}"#, nil, 16),
    (#"{"tokenizer_class": "GemmaTokenizer"}"#, nil, nil),
  ])
  func `the length is that of the file, else of the class, else the tower's`(
    config: String, document: String?, length: Int?
  ) throws {
    let rule = try #require(try rule(config, document: document))
    #expect(rule.maximumLength == length)
  }

  @Test(arguments: [
    (#"{"pad_token": "[PAD]"}"#, nil, 7), (#"{"tokenizer_class": "SiglipTokenizer"}"#, nil, 1),
    (#"{"pad_token": {"content": "</s>", "lstrip": false}}"#, nil, 1),
    (#"{}"#, #"{"pad_token": "[PAD]", "pad_id": 3}"#, 7),
    (#"{"pad_token": "</s>"}"#, #"{"pad_token": "[PAD]", "pad_id": 3}"#, 1),
    (#"{"pad_token": "unknown"}"#, #"{"pad_id": 3}"#, 3),
    (#"{"pad_token": "unknown"}"#, nil, nil), (#"{}"#, nil, nil),
  ])
  func `the token is named by the file, else by the class, else numbered by tokenizer.json`(
    config: String, document: String?, tokenID: Int32?
  ) throws {
    #expect(try rule(config, document: document)?.tokenID == tokenID)
  }
}
