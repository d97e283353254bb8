import FilipEncoders
import FilipLateInteraction

/// The rows of a query while it is put together.
struct QueryRows {
  private(set) var weights: [Double] = []
  /// For each row the number of its part; `nil` for a row of none.
  private var partOfRow: [Int?] = []
  private var terms: [ScoredTerm] = []
  private var elements: [Float] = []
  private var dimension = 1

  /// No rows.
  init() {}

  /// One part with all rows.
  init(_ tokens: TokenMatrix, term: ScoredTerm) {
    dimension = tokens.dimension
    elements = tokens.elements
    terms = [term]
    partOfRow = Array(repeating: 0, count: tokens.tokenCount)
    weights = Array(repeating: 1, count: tokens.tokenCount)
  }

  /// The rows of a text. Each word or phrase is a part, and so are all words of a quoted phrase
  /// together. The sentence as a whole is a part only when there is no other; special tokens never
  /// are.
  init(_ encoded: EncodedText, of query: QueryText) {
    dimension = encoded.tokens.dimension
    elements = encoded.tokens.elements
    weights = Array(repeating: 1, count: encoded.tokens.tokenCount)
    partOfRow = Array(repeating: nil, count: encoded.tokens.tokenCount)
    let words = encoded.terms.filter { $0.kind == .word || $0.kind == .phrase }
    var partOfMark: [Int: Int] = [:]
    for term in words.isEmpty ? encoded.terms.filter({ $0.kind == .sentence }) : words {
      let mark = query.marks.firstIndex { term.sourceRange?.overlaps($0.range) ?? false }
      let weight = mark.map { query.marks[$0].weight } ?? 1
      let phrase = mark.flatMap { query.marks[$0].isQuoted ? $0 : nil }
      let part: Int
      if let phrase, let begun = partOfMark[phrase] {
        part = begun
      } else {
        part = terms.count
        terms.append(ScoredTerm(term, mark: phrase.map { query.marks[$0] }, of: query, weight))
        if let phrase { partOfMark[phrase] = part }
      }
      for row in term.rows { (partOfRow[row], weights[row]) = (part, weight) }
    }
  }

  /// Whether some rows count more than others.
  var isWeighted: Bool { weights.contains { $0 != weights[0] } }

  /// Adds the rows of another, each counting `weight / divisor` times as much; the parts are said to
  /// count `weight` times.
  mutating func append(_ other: QueryRows, weight: Double, sharedAmong divisor: Double = 1) {
    dimension = other.dimension
    elements += other.elements
    weights += other.weights.map { $0 * weight / divisor }
    partOfRow += other.partOfRow.map { $0.map { $0 + terms.count } }
    terms += other.terms.map {
      var term = $0
      term.weight *= weight
      return term
    }
  }

  mutating func removeRowsOfNoPart() { keep(partOfRow.map { $0 != nil }) }

  mutating func removeRowsWithoutWeight() { keep(weights.map { $0 > 0 }) }

  private mutating func keep(_ isKept: [Bool]) {
    let rows = weights.indices.filter { isKept[$0] }
    elements = rows.flatMap { elements[$0 * dimension..<($0 + 1) * dimension] }
    (weights, partOfRow) = (rows.map { weights[$0] }, rows.map { partOfRow[$0] })
  }

  /// The query; `nil` without rows.
  var query: EncodedQuery? {
    guard !weights.isEmpty else { return nil }
    let parts = terms.enumerated().compactMap { number, term -> EncodedQuery.Part? in
      guard let first = partOfRow.firstIndex(of: number),
        let last = partOfRow.lastIndex(of: number)
      else { return nil }
      return EncodedQuery.Part(term: term, rows: first..<last + 1)
    }
    return EncodedQuery(
      tokens: TokenMatrix(
        unchecked: elements, tokenCount: weights.count, dimension: dimension),
      weights: weights, parts: parts)
  }
}

extension ScoredTerm {
  /// A word as it was typed, or the whole phrase that it is quoted in.
  fileprivate init(
    _ term: QueryTerm, mark: QueryText.Mark?, of query: QueryText, _ weight: Double
  ) {
    guard let mark else {
      self.init(
        text: term.text, sourceRange: term.sourceRange.map(query.typedRange), weight: weight)
      return
    }
    let text = String(decoding: Array(query.text.utf8)[mark.range], as: UTF8.self)
    self.init(text: text, sourceRange: query.typedRange(of: mark.range), weight: weight)
  }
}
