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

    /// The position of the end token in `tokens`; `nil` when there is none.
    package func endPosition(in tokens: [Int]) -> Int? {
      switch self {
      case .firstToken(let end): tokens.firstIndex(of: end)
      case .largestToken: tokens.max().flatMap { tokens.firstIndex(of: $0) }
      }
    }
  }

  /// How a token's place gets into its vector before the first block.
  package enum Positions: Sendable, Hashable {
    /// A learned vector for each place is added.
    case learned
    /// Sines, then cosines, of the place at falling frequencies are added.
    case sinusoidal
    /// Not at all: attention turns queries and keys instead.
    case rotary
  }

  /// How one vector is made of the tokens.
  package enum Pooling: Sendable, Hashable {
    /// The token at which the text ends.
    case end(EndRule)
    /// The first token.
    case first
    /// The last token, be it one that fills up the text.
    case last
    /// The mean of all tokens, start and end included.
    case mean
  }

  /// The blocks.
  package var transformer: TransformerConfiguration
  /// Number of token numbers.
  package var vocabularySize: Int
  /// Number of places that a token can have.
  package var positionCount: Int
  /// The longest text in tokens; at most `positionCount`.
  package var lengthLimit: Int
  /// How a token's place gets into its vector.
  package var positions: Positions
  /// What the vectors of the vocabulary are multiplied by.
  package var embeddingScale: Float
  /// How one vector is made of the tokens.
  package var pooling: Pooling
  /// The token that fills up texts to `positionCount` when the tokenizer does not say otherwise;
  /// `nil` for a tower that sees texts as they are.
  package var fillingToken: Int?
  /// Where tokens of long texts stand; `nil` for a tower that reads all texts in one way.
  package var longPositions: LongPositions?

  /// Places for longer texts, learned apart: those of one table for the first tokens, of another for
  /// the others.
  package struct LongPositions: Sendable, Hashable {
    /// Number of places, and of tokens to which a long text is filled up.
    package var count: Int
    /// How many of them, from the start, the first table gives.
    package var keptCount: Int
  }

  /// The longest text in tokens that can be read in this way.
  func lengthLimit(of walk: TextWalk) -> Int {
    walk == .long ? longPositions?.count ?? lengthLimit : lengthLimit
  }
}

// MARK: - Reading

extension TextConfiguration {
  /// Reads a text tower. What the file leaves out is as in the family's configuration class.
  ///
  /// - Throws: `.invalidConfiguration`.
  init(
    _ reader: ConfigurationReader, family: ModelFamily
  ) throws(EncoderError) {
    self = Self.defaults(of: family)
    switch family {
    case .modernBERT, .colModernVBERT:
      transformer = try TransformerConfiguration(modernBERT: reader)
    case .clip, .filip, .siglip, .siglip2, .tips, .fgclip, .chineseCLIP, .wukong, .bert:
      transformer = try TransformerConfiguration(reader, defaults: transformer)
    }
    vocabularySize = try reader.count(
      "vocab_size", default: vocabularySize, in: 1...ConfigurationLimit.vocabulary)
    positionCount = try reader.count(
      "max_position_embeddings", default: positionCount, in: 2...ConfigurationLimit.positions)
    lengthLimit = positionCount
    let tokens = 0...ConfigurationLimit.vocabulary
    if case .end(.firstToken(let standard)) = pooling {
      let end = try reader.count("eos_token_id", default: standard, in: tokens)
      pooling = .end(family == .clip && end == 2 ? .largestToken : .firstToken(end))
    }
    if let standard = fillingToken {
      fillingToken = try reader.count("pad_token_id", default: standard, in: tokens)
    }
    if let standard = longPositions {
      let count = try reader.count(
        "longtext_len", default: standard.count, in: 2...ConfigurationLimit.positions)
      longPositions = LongPositions(
        count: count,
        keptCount: try reader.count("keep_len", default: standard.keptCount, in: 0...count))
    }
    embeddingScale = 1
    if family == .tips, try reader.flag("scale_sqrt_depth", default: true) {
      embeddingScale = Float(transformer.width).squareRoot()
    }
    if family == .bert, let kind = try reader.text("position_embedding_type"), kind != "absolute" {
      throw reader.invalid("position_embedding_type", "(\(kind)) is not absolute")
    }
  }

  /// The defaults of a family's configuration class.
  private static func defaults(of family: ModelFamily) -> TextConfiguration {
    // CLIPTextConfig, which the filip family shares.
    var defaults = TextConfiguration(
      transformer: .clipText, vocabularySize: 49408, positionCount: 77, lengthLimit: 77,
      positions: .learned, embeddingScale: 1, pooling: .end(.firstToken(49407)), fillingToken: nil)
    switch family {
    case .clip, .filip: break
    case .siglip, .siglip2, .fgclip:
      defaults.transformer = .siglip
      defaults.vocabularySize = 32000
      defaults.positionCount = 64
      defaults.pooling = .last
      defaults.fillingToken = 1
      if family == .fgclip { defaults.longPositions = LongPositions(count: 196, keptCount: 20) }
    case .tips:
      defaults.transformer = .tipsText
      defaults.vocabularySize = 32000
      defaults.positionCount = 64
      defaults.positions = .sinusoidal
      defaults.pooling = .mean
    case .chineseCLIP, .bert:
      defaults.transformer = .bert
      defaults.vocabularySize = 30522
      defaults.positionCount = 512
      defaults.pooling = family == .bert ? .mean : .first
    case .wukong:
      defaults.vocabularySize = 21128
      defaults.positionCount = 32
      defaults.pooling = .end(.firstToken(102))
    case .colModernVBERT, .modernBERT:
      defaults.transformer = .modernBERT
      defaults.vocabularySize = 50368
      defaults.positionCount = 8192
      defaults.positions = .rotary
      defaults.pooling = .mean
    }
    return defaults
  }
}
