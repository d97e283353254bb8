import FilipEncoders
import FilipLateInteraction
import SystemPackage

/// A query made ready for scorers: what each reads of it is worked out once.
struct ScoredText: Sendable {
  /// As they are compared with an index's tokens.
  let tokens: TokenMatrix
  /// `nil` where the query was given as tokens.
  let pooled: [Float]?
  /// For each scorer what it knows of the text.
  let traits: [TextTraits]

  /// A text for some scorers over an index whose tokens are reduced.
  init(
    _ text: EncodedText, query: String, scorers: [PreparedScorer], reduction: TokenReduction
  ) {
    tokens = reduction.project(query: text.tokens)
    pooled = text.pooled
    let words = text.terms.filter { $0.kind == .word || $0.kind == .phrase }
      .flatMap { $0.text.lowercased().split(whereSeparator: \.isWhitespace).map(String.init) }
    traits = scorers.map { [tokens] scorer in
      TextTraits(tokens: tokens, bags: scorer.bags(of: text, query: query), words: words)
    }
  }

  /// A query given as tokens, each a word.
  init(tokens: TokenMatrix, scorers: [PreparedScorer], reduction: TokenReduction) {
    self.tokens = reduction.project(query: tokens)
    pooled = nil
    let bags = (0..<tokens.tokenCount).map { $0..<$0 + 1 }
    traits = scorers.map { [tokens = self.tokens] _ in TextTraits(tokens: tokens, bags: bags) }
  }
}

/// A scorer with what it needs of files.
struct PreparedScorer: Sendable {
  var specification: ScorerSpecification
  /// The phrases of the file that was named.
  private let dictionary: BagDictionary?

  /// Reads the file that a specification names, if it names one.
  /// - Throws: `QueryError` when it cannot be read.
  init(_ specification: ScorerSpecification) throws(QueryError) {
    self.specification = specification
    guard case .dictionary(let path) = specification.bags else {
      dictionary = nil
      return
    }
    var lines: [[String]] = []
    try forEachTextLine(of: FilePath(path)) { (line, _) throws(QueryError) in
      lines.append(line.split(whereSeparator: \.isWhitespace).map(String.init))
    }
    dictionary = BagDictionary(lines)
  }

  var scorer: any Scorer { specification.scorer }

  /// The rows of a text that are one bag each; rows of special tokens are in none.
  func bags(of text: EncodedText, query: String) -> [Range<Int>] {
    let words = text.terms.filter { $0.kind != .special }
    guard words.allSatisfy({ $0.kind == .word }) else { return words.map(\.rows) }
    func rows(_ bag: Range<Int>) -> Range<Int> {
      words[bag.lowerBound].rows.lowerBound..<words[bag.upperBound - 1].rows.upperBound
    }
    switch specification.bags {
    case .words: return words.map(\.rows)
    case .dictionary: return dictionary?.bags(of: words.map(\.text)).map(rows) ?? []
    case .phrases: return phrases(of: query, words).map(rows)
    }
  }

  /// Words of one phrase are one bag, any other word is one by itself.
  private func phrases(of query: String, _ words: [QueryTerm]) -> [Range<Int>] {
    let phrases = Phrase.phrases(of: query)
    var bags: [Range<Int>] = []
    var previous: Int?
    for (place, word) in words.enumerated() {
      let phrase = word.sourceRange.flatMap { range in
        phrases.firstIndex { $0.sourceRange.contains(range.lowerBound) }
      }
      if phrase != nil, phrase == previous {
        bags[bags.count - 1] = bags[bags.count - 1].lowerBound..<place + 1
      } else {
        bags.append(place..<place + 1)
      }
      previous = phrase
    }
    return bags
  }
}

extension [PreparedScorer] {
  /// What any of them reads.
  var needs: ScorerNeeds { reduce(into: []) { $0.formUnion($1.scorer.needs) } }
}
