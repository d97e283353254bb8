import FilipLateInteraction
import FilipStore

extension EncodedQuery {
  /// Whether it is nothing but the mean over rows that count the same.
  var isPlain: Bool { combination == .mean && exclusions.isEmpty && isUnweighted }

  /// The rows that are scanned: each as long as it counts.
  var scanRows: TokenMatrix { isUnweighted ? tokens : tokens.scaled(by: rowScales) }

  /// How similarities with `scanRows`, followed by the rows of the exclusions, make a score.
  func scorer(_ direction: ScoreDirection) -> any ImageScorer {
    guard combination != .mean || !exclusions.isEmpty else {
      return MaxSimImageScorer(direction: direction)
    }
    return QueryScorer(
      direction: direction, combination: combination, rowCount: tokens.tokenCount,
      parts: parts.map(\.rows),
      exclusions: zip(exclusions, exclusionRows).map { exclusion, rows in
        QueryScorer.Exclusion(
          rows: rows, ceiling: exclusion.term.background?.ceiling ?? .infinity,
          weight: exclusion.term.weight)
      })
  }

  /// Where the rows of each exclusion stand behind those of the query.
  var exclusionRows: [Range<Int>] {
    var end = tokens.tokenCount
    return exclusions.map { exclusion in
      defer { end += exclusion.tokens.tokenCount }
      return end..<end + exclusion.tokens.tokenCount
    }
  }

  /// Similarities with `scanRows`, followed by the rows of the exclusions, as those with unit rows.
  func unscaled(_ similarities: ExactSimilarities) -> ExactSimilarities {
    guard !isUnweighted else { return similarities }
    let others = similarities.wordCount - tokens.tokenCount
    return similarities.dividing(by: rowScales + [Double](repeating: 1, count: others))
  }

  /// Turns the rows into those that an index is asked with whose tokens are reduced.
  mutating func project(by reduction: TokenReduction) {
    tokens = reduction.project(query: tokens)
    for index in exclusions.indices {
      exclusions[index].tokens = reduction.project(query: exclusions[index].tokens)
    }
  }

  /// Measures what the index scores for each exclusion, and for each part if that is wanted.
  mutating func measureBackgrounds(
    _ snapshot: borrowing Snapshot, _ layout: PlaneLayout, ofParts includesParts: Bool
  ) throws {
    let asked = includesParts ? parts.map { tokens.rows($0.rows) } : []
    let measured = try BackgroundSample.backgrounds(
      of: asked + exclusions.map(\.tokens), snapshot, layout)
    for (index, background) in measured.enumerated() {
      if index < asked.count {
        parts[index].term.background = background
      } else {
        exclusions[index - asked.count].term.background = background
      }
    }
  }
}

extension SearchHit {
  /// Adds how well the image matched each part of the query.
  mutating func show(
    _ query: EncodedQuery, _ similarities: ExactSimilarities, isExplained: Bool
  ) {
    let alignment = Alignment(similarities)
    matches = query.parts.enumerated().map {
      TermMatch($1.term, number: $0, rows: $1.rows, in: alignment, of: item)
    }
    exclusions = zip(query.exclusions, query.exclusionRows).enumerated().map {
      TermMatch($1.0.term, number: $0, rows: $1.1, in: alignment, of: item)
    }
    let evidences = matches.compactMap(\.evidence)
    evidence = query.combination == .any ? evidences.max() : evidences.min()
    if isExplained { explanation = Explanation(query, similarities, of: item) }
  }
}

extension SearchParameters {
  /// Whether the backgrounds of the query's parts are measured.
  var needsEvidence: Bool { measuresEvidence || minimumEvidence != nil }

  /// Whether a hit is good enough. One without evidence never is, if evidence is asked for.
  func keeps(_ hit: SearchHit) -> Bool {
    hit.score >= Float(minimumScore ?? -.infinity)
      && (minimumEvidence.map { hit.evidence ?? -.infinity >= $0 } ?? true)
  }
}
