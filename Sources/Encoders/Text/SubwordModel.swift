/// A token, and the scalars that it stands for.
struct Subword: Sendable, Hashable {
  /// The token.
  var id: Int32
  /// Its scalars, as indices of the stretch that was cut up; those of a token that stands for one
  /// byte are the scalar to which the byte belongs.
  var range: Range<Int>
}

/// Cuts a stretch of text into tokens of a vocabulary.
enum SubwordModel: Sendable {
  /// Neighbouring bytes merge.
  case bytePairs(ByteTokens, MergeTable)
  /// Neighbouring scalars merge.
  case scalarPairs(ScalarTokens, MergeTable)
  /// The most likely of all ways to cut.
  case unigram(UnigramModel)
  /// The longest token first.
  case wordPiece(WordPieceModel)

  /// The tokens of a stretch, in order.
  func subwords(of stretch: ArraySlice<SourceScalar>) -> [Subword] {
    switch self {
    case .bytePairs(let bytes, let merges):
      // Tokens may end inside a scalar, so all count as the whole stretch.
      return merges.merge(bytes.tokens(of: stretch)).map {
        Subword(id: $0, range: stretch.indices)
      }
    case .scalarPairs(let scalars, let merges):
      let tokens = scalars.tokens(of: stretch)
      return merges.mergePlaces(tokens.map(\.id)).map { token in
        let range =
          tokens[token.places.lowerBound].range
          .lowerBound..<tokens[
            token.places.upperBound - 1
          ].range.upperBound
        return Subword(id: token.id, range: range)
      }
    case .unigram(let model): return model.subwords(of: stretch)
    case .wordPiece(let model): return model.subwords(of: stretch)
    }
  }
}

// MARK: - Byte fallback

/// The tokens of single scalars, from which the merges of a SentencePiece-like model start.
struct ScalarTokens: Sendable {
  private let vocabulary: Vocabulary
  /// Stands for a scalar without a token; without it, such a scalar falls away.
  private let unknown: Int32?
  /// Whether neighbouring scalars without a token share one `unknown`.
  private let fusesUnknown: Bool
  /// Tokens by byte, where scalars without a token are spelled in bytes.
  private let bytes: ByteFallback?

  init(vocabulary: Vocabulary, unknown: Int32?, fusesUnknown: Bool, hasByteFallback: Bool) {
    self.vocabulary = vocabulary
    self.unknown = unknown
    self.fusesUnknown = fusesUnknown
    bytes = hasByteFallback ? ByteFallback(vocabulary: vocabulary) : nil
  }

  /// The tokens of a stretch's scalars.
  func tokens(of stretch: ArraySlice<SourceScalar>) -> [Subword] {
    var tokens: [Subword] = []
    tokens.reserveCapacity(stretch.count)
    // An unknown scalar waits for the next known one, as in the reference: bytes that come between
    // overtake it.
    var waiting: Subword?
    for index in stretch.indices {
      let encoded = Array(UTF8.encode(stretch[index].scalar) ?? UTF8.encodedReplacementCharacter)
      let range = index..<index + 1
      if let id = vocabulary.id(of: 0..<encoded.count, in: encoded) {
        if let unknown = waiting { tokens.append(unknown) }
        waiting = nil
        tokens.append(Subword(id: id, range: range))
      } else if let ids = bytes?.ids(of: encoded) {
        tokens += ids.map { Subword(id: $0, range: range) }
      } else if let unknown {
        if let known = waiting, fusesUnknown {
          waiting = Subword(id: unknown, range: known.range.lowerBound..<index + 1)
        } else {
          if let known = waiting { tokens.append(known) }
          waiting = Subword(id: unknown, range: range)
        }
      }
    }
    if let unknown = waiting { tokens.append(unknown) }
    return tokens
  }
}

/// The tokens `<0x00>` to `<0xFF>`.
struct ByteFallback: Sendable {
  private let tokens: [Int32?]

  init(vocabulary: Vocabulary) {
    tokens = (UInt8.min...UInt8.max).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return vocabulary.id(of: "<0x" + (byte < 16 ? "0" : "") + digits + ">")
    }
  }

  /// One token per byte, or `nil` when one is missing.
  func ids(of bytes: [UInt8]) -> [Int32]? {
    let ids = bytes.compactMap { tokens[Int($0)] }
    return ids.count == bytes.count ? ids : nil
  }
}

// MARK: - WordPiece

/// The longest token first, then the longest that continues it.
struct WordPieceModel: Sendable {
  private let vocabulary: Vocabulary
  private let unknown: Int32
  private let continuation: [UInt8]
  private let scalarLimit: Int

  /// - Parameters:
  ///   - unknown: stands for a word that cannot be cut.
  ///   - continuation: begins tokens inside a word, `##` as a rule.
  ///   - scalarLimit: longer words are unknown.
  init(vocabulary: Vocabulary, unknown: Int32, continuation: String, scalarLimit: Int) {
    self.vocabulary = vocabulary
    self.unknown = unknown
    self.continuation = Array(continuation.utf8)
    self.scalarLimit = scalarLimit
  }

  /// - Complexity: quadratic in the length of the word, which `scalarLimit` bounds.
  func subwords(of word: ArraySlice<SourceScalar>) -> [Subword] {
    let whole = [Subword(id: unknown, range: word.indices)]
    guard word.count <= scalarLimit else { return whole }
    var subwords: [Subword] = []
    var start = word.startIndex
    while start < word.endIndex {
      var bytes = start == word.startIndex ? [] : continuation
      var ends: [Int] = []
      for element in word[start...] {
        bytes += UTF8.encode(element.scalar) ?? UTF8.encodedReplacementCharacter
        ends.append(bytes.count)
      }
      var found: Subword?
      for (count, end) in ends.enumerated().reversed() {
        if let id = vocabulary.id(of: 0..<end, in: bytes) {
          found = Subword(id: id, range: start..<start + count + 1)
          break
        }
      }
      guard let found else { return whole }
      subwords.append(found)
      start = found.range.upperBound
    }
    return subwords
  }
}
