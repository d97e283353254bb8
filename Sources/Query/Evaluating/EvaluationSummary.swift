import FilipLateInteraction

/// The figures of an evaluation, ready to be shown.
package struct EvaluationSummary: Sendable {
  /// One system's figures on some queries.
  package struct Row: Sendable {
    package var scorer: String
    /// In the order of `measures`.
    package var estimates: [MeanEstimate]
    /// In the order of `measures`, against the first row; empty for the first row.
    package var comparisons: [PairedComparison]
  }

  /// Some queries, and every system's figures on them.
  package struct Section: Sendable {
    /// What was asked and what was ranked.
    package var title: String
    package var queryCount: Int
    package var rows: [Row]
  }

  package var measures = Measure.all
  package var sections: [Section] = []

  package init() {}

  /// Adds the figures of several systems on the same rankings; the first one is what the others are
  /// compared with. Nothing is added where there is no query.
  package mutating func add(
    _ title: String, systems: [(scorer: String, rankings: [JudgedRanking])]
  ) {
    guard let first = systems.first?.rankings, !first.isEmpty else { return }
    let values = systems.map { system in
      measures.map { measure in system.rankings.map(measure.value) }
    }
    let rows = systems.indices.map { index in
      Row(
        scorer: systems[index].scorer,
        estimates: values[index].map { MeanEstimate(bootstrapping: $0) },
        comparisons: index == 0
          ? [] : zip(values[0], values[index]).map { PairedComparison($0, $1) })
    }
    sections.append(Section(title: title, queryCount: first.count, rows: rows))
  }
}

extension Evaluation {
  /// The longest sides of objects, as fractions of the picture's, that are told apart.
  package static let sizeClasses: [(name: String, sizes: Range<Double>)] = [
    ("below 15 %", 0..<0.15), ("15 to 40 %", 0.15..<0.4), ("40 % and more", 0.4..<1.01),
  ]

  /// The figures of all scorers; `bySize` adds them for small and large objects apart, where boxes
  /// are known.
  package func summary(bySize: Bool = false) -> EvaluationSummary {
    var summary = EvaluationSummary()
    let names = scorers.map(\.description)
    let rankings = scorers.indices.map { self.rankings(of: $0) }
    summary.add("text → image", systems: Array(zip(names, rankings)))
    if bySize {
      let sizes = judgedQueries.map { set.queries[$0].objectSize }
      for sizeClass in Self.sizeClasses {
        let chosen = sizes.indices.filter { sizes[$0].map(sizeClass.sizes.contains) ?? false }
        summary.add(
          "text → image, object \(sizeClass.name) of the side",
          systems: Array(zip(names, rankings.map { all in chosen.map { all[$0] } })))
      }
    }
    summary.add(
      "image → text",
      systems: Array(zip(names, scorers.indices.map { reverseRankings(of: $0) })))
    return summary
  }
}
