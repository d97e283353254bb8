package import FilipLateInteraction
import FilipStore

/// The scores of all queries and documents of a set, by several scorers, and what they are worth.
package struct Evaluation: Sendable {
  package let set: LabelledSet
  package let scorers: [ScorerSpecification]
  /// Names of the documents that were scored.
  package let documents: [String]
  /// Documents of the set that the index does not hold; they count as not found.
  package let missing: [String]
  /// For every query and relevant document with boxes, whether the right place responded.
  package let groundings: [Grounding]

  /// For each hybrid that asked for it, the share of tokens of even and of odd queries.
  package private(set) var fittedWeights: [Int: [Double]]

  /// By scorer; `(queries, documents)`, row-major.
  private(set) var scores: [[Float]]
  /// Places of the documents in the set.
  private let places: [Int?]

  init(
    set: LabelledSet, matched: MatchedDocuments, scorers: [ScorerSpecification],
    pooledScorers: [Int: Int], columns: [Evaluator.Column]
  ) {
    self.set = set
    self.scorers = scorers
    documents = matched.documents.map(\.name)
    missing = matched.missing
    places = matched.documents.map(\.place)
    let columns = columns.sorted { $0.place < $1.place }
    groundings = columns.flatMap(\.groundings)
    let count = matched.documents.count
    var scores = (0..<scorers.count + pooledScorers.count).map { _ in
      [Float](repeating: -.infinity, count: set.queries.count * count)
    }
    for column in columns {
      for (scorer, values) in column.scores.enumerated() {
        for (query, value) in values.enumerated() {
          scores[scorer][query * count + column.place] = value
        }
      }
    }
    (self.scores, fittedWeights) = (scores, [:])
    fitHybrids(pooledScorers)
  }

  /// Fits the hybrids that ask for it.
  ///
  /// Of those, `scores` holds what tokens say, and the scorers behind the others' what pooled vectors
  /// say.
  private mutating func fitHybrids(_ pooledScorers: [Int: Int]) {
    let documentOfPlace = Dictionary(
      places.enumerated().compactMap { document, place in place.map { ($0, document) } },
      uniquingKeysWith: { first, _ in first })
    let relevant = set.queries.map { query in
      query.grades.filter { $0.value > 0 }.compactMap { documentOfPlace[$0.key] }
    }
    for (scorer, pooled) in pooledScorers {
      (scores[scorer], fittedWeights[scorer]) = Self.fittedHybrid(
        tokens: scores[scorer], pooled: scores[pooled], relevant: relevant,
        documentCount: documents.count)
    }
    scores.removeLast(pooledScorers.count)
  }

  /// The queries that have a relevant document, indexed or not.
  package var judgedQueries: [Int] {
    return set.queries.indices.filter { set.queries[$0].grades.values.contains { $0 > 0 } }
  }

  // MARK: - Text to image

  /// What a scorer found for every query, as a TREC run.
  package func run(of scorer: Int) -> RetrievalRun {
    var run = RetrievalRun(name: scorers[scorer].description)
    for query in set.queries.indices {
      let row = scores[scorer][query * documents.count..<(query + 1) * documents.count]
      let entries = zip(documents, row).filter { $0.1 > -.infinity }
        .map { RetrievalRun.Entry(document: $0.0.trecField, score: $0.1) }
      run.set(entries, for: set.queries[query].id)
    }
    return run
  }

  /// Which documents are relevant to which query.
  package func judgements() -> Judgements {
    var judgements = Judgements()
    for query in set.queries {
      judgements.grades[query.id] = Dictionary(
        query.grades.map { (set.documents[$0].trecField, $1) }, uniquingKeysWith: max)
    }
    return judgements
  }

  /// The ranking of every judged query, in the order of `judgedQueries`.
  package func rankings(of scorer: Int) -> [JudgedRanking] {
    let run = run(of: scorer)
    let judgements = judgements()
    return judgedQueries.compactMap { query in
      let id = set.queries[query].id
      return judgements.judged((run.rankings[id] ?? []).map(\.document), for: id)
    }
  }

  // MARK: - Image to text

  /// For every document with a relevant query, the ranking of the queries.
  ///
  /// Of equal scores the later query comes first.
  package func reverseRankings(of scorer: Int) -> [JudgedRanking] {
    places.indices.compactMap { document in
      guard let place = places[document] else { return nil }
      let grades = set.queries.map { $0.grades[place] ?? 0 }
      guard grades.contains(where: { $0 > 0 }) else { return nil }
      let order = set.queries.indices.sorted { left, right in
        let (a, b) = (
          scores[scorer][left * documents.count + document],
          scores[scorer][right * documents.count + document]
        )
        return a != b ? a > b : left > right
      }
      return JudgedRanking(grades: order.map { grades[$0] }, relevant: grades)
    }
  }
}
