#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

extension JudgedRanking {
  /// The discounted gain of the first `k` documents, over that of the best possible ranking
  /// (Järvelin and Kekäläinen, 2002), as trec_eval's `ndcg_cut_k`: the gain is the grade, the
  /// discount the binary logarithm of the rank plus 1. 0 where nothing is relevant.
  package func normalizedGain(at k: Int) -> Double {
    let best = Self.gain(relevant.sorted(by: >).prefix(k))
    return best > 0 ? Self.gain(grades.prefix(k)) / best : 0
  }

  private static func gain(_ grades: some Sequence<Int>) -> Double {
    grades.enumerated().reduce(0) { $0 + Double($1.element) / log2(Double($1.offset + 2)) }
  }
}
