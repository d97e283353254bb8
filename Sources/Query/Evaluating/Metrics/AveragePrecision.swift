extension JudgedRanking {
  /// The sum of the precisions at the ranks of relevant documents, over the number of all relevant
  /// documents: trec_eval's `map` of one query. 0 where nothing is relevant.
  package var averagePrecision: Double {
    guard !relevant.isEmpty else { return 0 }
    var (found, sum) = (0, 0.0)
    for (place, grade) in grades.enumerated() where grade > 0 {
      found += 1
      sum += Double(found) / Double(place + 1)
    }
    return sum / Double(relevant.count)
  }
}
