internal import FilipLinearAlgebra

/// A text transformer.
package struct TextConfiguration: Sendable, Hashable {
  /// Where a text ends, and so which token stands for all of it.
  package enum EndRule: Sendable, Hashable {
    /// The first token with this number.
    case firstToken(Int)
    /// The token with the largest number: the rule for files that say `eos_token_id` 2, which
    /// OpenAI's early ones do though their end token has the last number.
    case largestToken
  }

  /// The blocks.
  package var transformer: TransformerConfiguration
  /// Number of token numbers.
  package var vocabularySize: Int
  /// The longest text in tokens.
  package var positionCount: Int
  /// The number of the start token.
  package var startToken: Int
  /// Where a text ends.
  package var endRule: EndRule

  /// The position of the end token in `tokens`; `nil` when there is none.
  package func endPosition(in tokens: [Int]) -> Int? {
    switch endRule {
    case .firstToken(let end): tokens.firstIndex(of: end)
    case .largestToken: tokens.max().flatMap { tokens.firstIndex(of: $0) }
    }
  }
}

// MARK: - Reading

extension TextConfiguration {
  init(
    _ reader: ConfigurationReader, family: ModelFamily
  ) throws(EncoderError) {
    transformer = try TransformerConfiguration(reader, defaults: .clipText)
    vocabularySize = try reader.count(
      "vocab_size", default: 49408, in: 1...ConfigurationLimit.vocabulary)
    positionCount = try reader.count(
      "max_position_embeddings", default: 77, in: 2...ConfigurationLimit.positions)
    startToken = try reader.count(
      "bos_token_id", default: 49406, in: 0...ConfigurationLimit.vocabulary)
    let end = try reader.count(
      "eos_token_id", default: 49407, in: 0...ConfigurationLimit.vocabulary)
    endRule = family == .clip && end == 2 ? .largestToken : .firstToken(end)
  }
}
