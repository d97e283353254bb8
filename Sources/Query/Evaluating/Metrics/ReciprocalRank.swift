extension JudgedRanking {
  /// 1 over the rank of the first relevant document, 0 without one: trec_eval's `recip_rank`.
  package var reciprocalRank: Double {
    guard let place = grades.firstIndex(where: { $0 > 0 }) else { return 0 }
    return 1 / Double(place + 1)
  }
}
