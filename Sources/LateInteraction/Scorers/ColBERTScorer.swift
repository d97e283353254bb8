/// ColBERT's rule (Khattab and Zaharia, SIGIR 2020, equation 3): for each word the best patch, added
/// up. It ranks images as FILIP's mean does; scores of texts of unlike length differ.
package struct ColBERTScorer: Scorer {
  package init() {}

  package var name: String { "colbert" }
  package var scan: ScorerScan { .tokens(.textToImage) }

  package func score(_ pair: TextImagePair) -> Double {
    pair.similarities.score(.textToImage) * Double(max(1, pair.similarities.wordCount))
  }
}
