/// Tags as anchors (Oscar, Li et al., ECCV 2020): FILIP's text-to-image score, and a bonus for the
/// share of the query's words that are tags of the image.
///
///     textToImage + weight · (words that are tags) / (words)
///
/// Words and tags are compared in lower case, whole. A query whose words are not known gets no bonus.
package struct TagScorer: Scorer {
  /// The bonus of an image whose tags name every word.
  package var weight: Double

  package init(weight: Double = 0.1) {
    precondition(weight >= 0, "a bonus")
    self.weight = weight
  }

  package var name: String { "tags" }
  package var needs: ScorerNeeds { .tags }

  package func score(_ pair: TextImagePair) -> Double {
    let named = pair.text.words.count { pair.tags.contains($0) }
    let share = Double(named) / Double(max(1, pair.text.words.count))
    return pair.similarities.score(.textToImage) + weight * share
  }

  package func upperBound(textToImage: Double) -> Double? { textToImage + weight }
}
