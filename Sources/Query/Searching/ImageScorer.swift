import FilipLateInteraction

/// How the similarities of a query's rows with an image's patches become a score.
///
/// A pure function, called by many threads at once.
protocol ImageScorer: Sendable {
  /// The score; larger is better, `-infinity` for an image without tokens.
  func score(_ similarities: ExactSimilarities) -> Double
}

/// The late-interaction score itself.
struct MaxSimImageScorer: ImageScorer {
  var direction: ScoreDirection

  func score(_ similarities: ExactSimilarities) -> Double { similarities.score(direction) }
}

/// The score of a query with parts that are combined and things that must not be there.
///
///     score(I) = C(I) − Σ_e weight_e · max(0, s_e(I) − ceiling_e)
///
/// `C` is the mean over all rows, or the least or the largest of the parts' scores; `s_e` is the mean
/// over the exclusion's rows of their best similarity, and `ceiling_e` what images of the index that
/// do not show it hardly exceed (`Background.ceiling`). So an image is pushed down as far as it shows
/// the thing more clearly than the index as a whole does, and by nothing otherwise: a word that all
/// images match equally well does nothing.
///
/// No score is above `C`, nor is the least part above the mean: what bounds the scan makes of the mean
/// (for `any`, of each part) are bounds for this score too.
struct QueryScorer: ImageScorer {
  struct Exclusion: Sendable {
    var rows: Range<Int>
    var ceiling: Double
    var weight: Double
  }

  var direction: ScoreDirection
  var combination: Query.Combination
  /// How many of the rows are the query's; those of exclusions come behind.
  var rowCount: Int
  /// Rows of each part.
  var parts: [Range<Int>]
  var exclusions: [Exclusion]

  func score(_ similarities: ExactSimilarities) -> Double {
    var score = combined(similarities)
    for exclusion in exclusions {
      let shown = similarities.score(.textToImage, of: exclusion.rows)
      score -= exclusion.weight * max(0, shown - exclusion.ceiling)
    }
    return score
  }

  private func combined(_ similarities: ExactSimilarities) -> Double {
    let scores = { parts.lazy.map { similarities.score(.textToImage, of: $0) } }
    return switch combination {
    case .mean: similarities.score(direction, of: 0..<rowCount)
    case .all: scores().min() ?? -.infinity
    case .any: scores().max() ?? -.infinity
    }
  }
}
