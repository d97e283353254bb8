/// The ranking of one query as measures of quality see it.
package struct JudgedRanking: Sendable, Hashable {
  /// The grade of each document that was found, from the best on; 0 for one that is not relevant or
  /// was not judged.
  package var grades: [Int]
  /// The grades of all relevant documents, found or not, each above 0.
  package var relevant: [Int]

  /// A ranking; grades below 1 count as 0.
  package init(grades: [Int], relevant: [Int]) {
    self.grades = grades.map { max(0, $0) }
    self.relevant = relevant.filter { $0 > 0 }
  }
}

/// A measure of one ranking, 0…1, larger being better.
package enum Measure: Sendable, Hashable {
  /// 1 when a relevant document is among the first k: what is called R@k in papers on CLIP.
  case hitRate(at: Int)
  /// Discounted gain of the first k, as a share of the best possible.
  case normalizedGain(at: Int)
  /// 1 over the rank of the first relevant document; 0 when none was found.
  case reciprocalRank
  /// The mean, over all relevant documents, of the precision at their ranks; those that were not
  /// found count as 0.
  case averagePrecision

  /// What `filip eval` reports.
  package static let all: [Measure] = [
    .hitRate(at: 1), .hitRate(at: 5), .hitRate(at: 10), .normalizedGain(at: 10), .reciprocalRank,
    .averagePrecision,
  ]

  /// What it is called in tables, where its mean over queries stands.
  package var name: String {
    switch self {
    case .hitRate(let k): "R@\(k)"
    case .normalizedGain(let k): "nDCG@\(k)"
    case .reciprocalRank: "MRR"
    case .averagePrecision: "mAP"
    }
  }

  /// The measure of one ranking.
  package func value(of ranking: JudgedRanking) -> Double {
    switch self {
    case .hitRate(let k): ranking.hitRate(at: k)
    case .normalizedGain(let k): ranking.normalizedGain(at: k)
    case .reciprocalRank: ranking.reciprocalRank
    case .averagePrecision: ranking.averagePrecision
    }
  }
}
