import FilipEncoders
public import FilipLateInteraction

/// A query as tokens: what a searcher compares with the images of an index.
///
/// Every part owns some rows. Rows of no part (special tokens, the sentence as a whole) count in the
/// mean and are not shown.
public struct EncodedQuery: Sendable {
  /// A word, a phrase or a picture that is scored and shown as one.
  public struct Part: Sendable, Hashable {
    /// What is shown of it.
    public var term: ScoredTerm
    /// Its rows of `tokens`; at least one.
    public var rows: Range<Int>
  }

  /// What pushes an image down that shows it.
  public struct Exclusion: Sendable, Equatable {
    /// What is shown of it; its weight is how hard it pushes.
    public var term: ScoredTerm
    /// Its rows, normalised; at least one.
    public var tokens: TokenMatrix
  }

  /// A normalised row for every token; the query has at least one.
  public var tokens: TokenMatrix
  /// How much each row counts, above 0.
  public var weights: [Double]
  /// The parts, in the order of their rows.
  public var parts: [Part]
  /// How the parts make one score.
  public var combination = Query.Combination.mean
  /// What must not be there.
  public var exclusions: [Exclusion] = []
  /// One vector for the query as a whole, L2-normalised; `nil` where it was not encoded as one.
  public var pooled: [Float]?

  /// A query of tokens that were made elsewhere, each a part.
  public init(tokens: TokenMatrix) {
    self.tokens = tokens
    weights = Array(repeating: 1, count: tokens.tokenCount)
    parts = (0..<tokens.tokenCount).map {
      Part(term: ScoredTerm(text: "token \($0 + 1)", sourceRange: nil), rows: $0..<$0 + 1)
    }
  }

  /// A query of these parts.
  init(tokens: TokenMatrix, weights: [Double], parts: [Part]) {
    self.tokens = tokens
    self.weights = weights
    self.parts = parts
  }

  /// What each row is multiplied with, so that the mean over the rows is the weighted mean:
  /// `wᵢ n / Σ w`.
  ///
  /// As a patch's similarity grows with the length of a row, `max_p ⟨λ q, p⟩ = λ max_p ⟨q, p⟩`: the
  /// scan and its bounds need not know of weights.
  var rowScales: [Double] {
    let sum = weights.reduce(0, +)
    return weights.map { $0 * Double(weights.count) / sum }
  }

  /// Whether all rows count the same.
  var isUnweighted: Bool { weights.allSatisfy { $0 == weights[0] } }
}

extension TokenMatrix {
  /// Some of the rows.
  func rows(_ rows: some Sequence<Int>) -> TokenMatrix {
    let rows = Array(rows)
    return TokenMatrix(
      unchecked: rows.flatMap { self[$0] }, tokenCount: rows.count, dimension: dimension)
  }

  /// Every row times a number of its own.
  func scaled(by scales: [Double]) -> TokenMatrix {
    let elements = scales.enumerated().flatMap { row, scale in
      self[row].map { Float(Double($0) * scale) }
    }
    return TokenMatrix(unchecked: elements, tokenCount: tokenCount, dimension: dimension)
  }

  /// These rows, then those of others of the same width.
  func appending(_ others: [TokenMatrix]) -> TokenMatrix {
    let all = [self] + others
    return TokenMatrix(
      unchecked: all.flatMap(\.elements), tokenCount: all.reduce(0) { $0 + $1.tokenCount },
      dimension: dimension)
  }
}
