public import FilipLateInteraction
public import FilipStore

/// Why an image has its score for a query: what each part adds to it, and where it was found.
///
///     score = Σ parts.contribution + restContribution + Σ exclusions.contribution
///
/// Of the mean over rows of weights `w` (FILIP, equation 5), a part contributes
/// `Σ wᵢ maxₚ⟨qᵢ, p⟩ / Σ w`, the first sum being over its own rows. Where one part makes the score
/// (`all`, `any`), it contributes all of it and the others nothing. What must not be there takes
/// away. Explained is the text-to-image score.
public struct Explanation: Sendable {
  /// A word, a phrase or a picture of the query.
  public struct Part: Sendable, Hashable {
    /// What is shown of it.
    public var term: ScoredTerm
    /// How well it matched, and which patch it matched best.
    public var match: TermMatch
    /// What it adds to the score; 0 or less for what must not be there.
    public var contribution: Double
    /// Where it responds, in pixels of the upright original: the box around the best patch and those
    /// joined to it, corners included, that are nearer to the best similarity than to the least.
    /// `nil` where it matched no place, as in a text.
    public var region: PixelRegion?
    /// Its similarity with every patch, tile after tile: the largest among its rows, −1…1.
    public var map: [Float]
  }

  /// The image.
  public var item: ItemRecord
  /// The score, −1…1; less where the image shows what must not be there.
  public var score: Double
  /// How the parts made it.
  public var combination: Query.Combination
  /// In the order of the query.
  public var parts: [Part]
  /// What must not be there.
  public var exclusions: [Part]
  /// What the rows of no part add: special tokens, the sentence as a whole.
  public var restContribution: Double
  /// How many such rows there are.
  public var restCount: Int
  /// For every patch, tile after tile, the number of the part that is most similar to it of all the
  /// query (FILIP's `m_k^I`, equation 4), of equals the first; `nil` where a row of no part is.
  public var winners: [Int?]

  /// How much of the score a contribution is; `nil` for a score of 0 or less, of which there are no
  /// shares.
  public func share(of contribution: Double) -> Double? {
    score > 0 ? contribution / score : nil
  }

  /// The ends of the scale that all parts' maps are drawn on; `nil` without patches.
  public var range: ClosedRange<Float>? { Self.range(of: [self]) }

  /// The ends of one scale for the maps of several images, so that a word that is nowhere stays dark
  /// beside one that is there.
  ///
  /// It begins at the median of all values, since most patches show nothing that is asked for. It ends
  /// at the largest, and not before what would stand out clearly, three deviations above the mean of
  /// the index, where that was measured: an image that shows nothing is dark all over.
  public static func range(of explanations: [Explanation]) -> ClosedRange<Float>? {
    let parts = explanations.flatMap(\.parts)
    let values = parts.flatMap(\.map).sorted()
    guard let most = values.last else { return nil }
    let clear = parts.compactMap(\.term.background).map { Float($0.mean + 3 * $0.deviation) }
    return values[values.count / 2]...max(most, clear.max() ?? most)
  }

  /// Explains the score of an item.
  ///
  /// - Parameter similarities: of the rows of `query`, each of length 1, followed by those of its
  ///   exclusions, with the item's tokens.
  init(_ query: EncodedQuery, _ similarities: ExactSimilarities, of item: ItemRecord) {
    let alignment = Alignment(similarities)
    let map = SimilarityMap(similarities)
    func part(_ term: ScoredTerm, _ number: Int, _ rows: Range<Int>, _ contribution: Double) -> Part
    {
      let match = TermMatch(term, number: number, rows: rows, in: alignment, of: item)
      let values = item.expandedToPatches(map.largest(of: rows))
      return Part(
        term: term, match: match, contribution: contribution,
        region: item.response(values, around: match.patch), map: values)
    }
    let contributions = Contributions(query, similarities)
    self.item = item
    combination = query.combination
    parts = query.parts.enumerated().map {
      part($1.term, $0, $1.rows, contributions.parts[$0])
    }
    exclusions = zip(query.exclusions, query.exclusionRows).enumerated().map {
      part($1.0.term, $0, $1.1, contributions.exclusions[$0])
    }
    restContribution = contributions.rest
    restCount = contributions.restCount
    score = contributions.sum
    let winners = (0..<similarities.patchCount).map { similarities.winner($0, among: query) }
    self.winners = item.patchTokens.map { $0.map { winners[Int($0)] } } ?? winners
  }
}

/// What a score is made of.
private struct Contributions {
  private(set) var parts: [Double]
  private(set) var exclusions: [Double]
  private(set) var rest = 0.0
  private(set) var restCount = 0

  var sum: Double { parts.reduce(0, +) + rest + exclusions.reduce(0, +) }

  init(_ query: EncodedQuery, _ similarities: ExactSimilarities) {
    func shown(_ rows: Range<Int>) -> Double { similarities.score(.textToImage, of: rows) }
    let scores = query.parts.map { shown($0.rows) }
    parts = scores.map { _ in 0 }
    switch query.combination {
    case .mean:
      let sum = query.weights.reduce(0, +)
      for (row, weight) in query.weights.enumerated() {
        let contribution = weight * shown(row..<row + 1) / sum
        if let part = query.part(ofRow: row) {
          parts[part] += contribution
        } else {
          rest += contribution
          restCount += 1
        }
      }
    case .all, .any:
      let best = query.combination == .all ? scores.min() : scores.max()
      if let best, let part = scores.firstIndex(of: best) { parts[part] = best }
    }
    exclusions = zip(query.exclusions, query.exclusionRows).map { exclusion, rows in
      let ceiling = exclusion.term.background?.ceiling ?? .infinity
      return -exclusion.term.weight * max(0, shown(rows) - ceiling)
    }
  }
}

extension EncodedQuery {
  /// The number of the part that a row belongs to, if it does to any.
  fileprivate func part(ofRow row: Int) -> Int? { parts.firstIndex { $0.rows.contains(row) } }
}

extension ExactSimilarities {
  /// The part of the row that is most similar to a patch.
  fileprivate func winner(_ patch: Int, among query: EncodedQuery) -> Int? {
    var best = 0
    for row in 0..<query.tokens.tokenCount
    where values[row * patchCount + patch] > values[best * patchCount + patch] {
      best = row
    }
    return query.part(ofRow: best)
  }
}
