/// Cuts a text in the most likely way, when tokens are drawn independently of each other
/// (Kudo, ACL 2018): Viterbi's algorithm over all ways to cut.
struct UnigramModel: Sendable {
  /// Whose arithmetic is followed, so that ties end as they do there.
  enum Precision: Sendable {
    /// The `tokenizers` library: 64 bits.
    case double
    /// SentencePiece: 32 bits.
    case single
  }

  private let vocabulary: Vocabulary
  /// Logarithms of probabilities by id; `nil` for a token that text never becomes.
  private let scores: [Double?]
  private let unknown: Int32
  private let unknownScore: Double
  private let bytes: ByteFallback?
  private let precision: Precision
  /// Scalars of the longest token.
  private let scalarLimit: Int

  /// How much less likely than the least likely token a scalar is that has none.
  private static let unknownPenalty = 10.0

  /// - Parameters:
  ///   - scores: one per id; `nil` for tokens that are not found in text.
  ///   - leastScore: of the least likely token.
  ///   - unknown: stands for scalars without a token, neighbours together.
  init(
    vocabulary: Vocabulary, scores: [Double?], leastScore: Double, unknown: Int32,
    hasByteFallback: Bool, precision: Precision
  ) {
    self.vocabulary = vocabulary
    self.scores = scores
    self.unknown = unknown
    self.precision = precision
    unknownScore =
      precision == .single
      ? Double(Float(leastScore) - Float(Self.unknownPenalty)) : leastScore - Self.unknownPenalty
    bytes = hasByteFallback ? ByteFallback(vocabulary: vocabulary) : nil
    scalarLimit = vocabulary.longestScalarCount
  }

  /// The best way to reach a place.
  private struct Arrival {
    var start = -1
    var score = 0.0
    var id: Int32 = 0
  }

  /// - Complexity: `n l` look-ups for `n` scalars and a longest token of `l`.
  func subwords(of stretch: ArraySlice<SourceScalar>) -> [Subword] {
    var text: [UInt8] = []
    var offsets = [0]
    for element in stretch {
      text += UTF8.encode(element.scalar) ?? UTF8.encodedReplacementCharacter
      offsets.append(text.count)
    }
    let arrivals = arrivals(in: text, offsets: offsets)
    var subwords: [Subword] = []
    var end = stretch.count
    var unknownEnd: Int?
    while end > 0 {
      let arrival = arrivals[end]
      if arrival.id == unknown {
        unknownEnd = unknownEnd ?? end
      } else {
        if let last = unknownEnd {
          append(end..<last, of: text, offsets, to: &subwords)
          unknownEnd = nil
        }
        subwords.append(Subword(id: arrival.id, range: arrival.start..<end))
      }
      end = arrival.start
    }
    if let last = unknownEnd { append(0..<last, of: text, offsets, to: &subwords) }
    return subwords.reversed().map { subword in
      Subword(
        id: subword.id,
        range: subword.range.lowerBound + stretch.startIndex..<subword.range.upperBound
          + stretch.startIndex)
    }
  }

  private func arrivals(in text: [UInt8], offsets: [Int]) -> [Arrival] {
    let count = offsets.count - 1
    var arrivals = [Arrival](repeating: Arrival(), count: count + 1)
    for start in 0..<count {
      let soFar = arrivals[start].score
      var hasSingle = false
      func arrive(at end: Int, with id: Int32, score: Double) {
        let sum =
          precision == .single ? Double(Float(score) + Float(soFar)) : score + soFar
        if arrivals[end].start < 0 || sum > arrivals[end].score {
          arrivals[end] = Arrival(start: start, score: sum, id: id)
        }
      }
      for end in start + 1...max(start + 1, min(count, start + scalarLimit)) {
        guard let id = vocabulary.id(of: offsets[start]..<offsets[end], in: text),
          let score = scores[Int(id)]
        else { continue }
        arrive(at: end, with: id, score: score)
        if end == start + 1 { hasSingle = true }
      }
      if !hasSingle { arrive(at: start + 1, with: unknown, score: unknownScore) }
    }
    return arrivals
  }

  /// Adds, in reverse, what stands for scalars without tokens.
  private func append(
    _ range: Range<Int>, of text: [UInt8], _ offsets: [Int], to subwords: inout [Subword]
  ) {
    let spelled = text[offsets[range.lowerBound]..<offsets[range.upperBound]]
    if let ids = bytes?.ids(of: Array(spelled)) {
      subwords += ids.reversed().map { Subword(id: $0, range: range) }
    } else {
      subwords.append(Subword(id: unknown, range: range))
    }
  }
}
