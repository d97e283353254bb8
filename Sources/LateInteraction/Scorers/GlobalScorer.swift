/// The similarity of the pooled vectors, `⟨g_T, g_V⟩`: CLIP's rule, and the single-vector baseline.
/// `-infinity` where a pooled vector is missing.
package struct GlobalScorer: Scorer {
  package init() {}

  package var name: String { "global" }
  package var needs: ScorerNeeds { .pooledSimilarity }
  package var scan: ScorerScan { .pooled }

  package func score(_ pair: TextImagePair) -> Double {
    pair.pooledSimilarity.isNaN ? -.infinity : pair.pooledSimilarity
  }
}
