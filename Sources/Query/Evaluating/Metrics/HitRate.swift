extension JudgedRanking {
  /// 1 when a relevant document is among the first `k`, else 0: `success_k` of trec_eval, and what
  /// CLIP's benchmarks call recall@k.
  package func hitRate(at k: Int) -> Double { grades.prefix(k).contains { $0 > 0 } ? 1 : 0 }
}
