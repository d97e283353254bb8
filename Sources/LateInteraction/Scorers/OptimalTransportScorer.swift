/// The similarity of words and patches under the cheapest plan that moves one to the other: UNITER's
/// and ViLT's alignment of words with regions (Chen et al., ECCV 2020; Kim et al., ICML 2021).
///
/// `1 − distance`, where theirs is the distance. Every patch has to go somewhere, so an image that is
/// full of other things scores lower than by FILIP's rule.
package struct OptimalTransportScorer: Scorer {
  /// How the plan is found.
  package enum Method: Sendable, Hashable {
    /// IPOT with its β.
    case ipot(proximity: Double)
    /// Sinkhorn with its ε.
    case sinkhorn(entropy: Double)
  }

  /// How the plan is found.
  package var method: Method
  /// Rounds.
  package var iterationCount: Int

  package init(method: Method = .ipot(proximity: 0.5), iterationCount: Int = 50) {
    self.method = method
    self.iterationCount = iterationCount
  }

  package var name: String { "ot" }

  package func score(_ pair: TextImagePair) -> Double {
    guard !pair.isEmpty else { return -.infinity }
    return plan(pair.similarities).similarity(pair.similarities)
  }

  /// The plan behind the score: which patches a word is spread over.
  /// - Precondition: there are words and patches.
  package func plan(_ similarities: ExactSimilarities) -> TransportPlan {
    switch method {
    case .ipot(let proximity):
      TransportPlan(ipot: similarities, proximity: proximity, iterationCount: iterationCount)
    case .sinkhorn(let entropy):
      TransportPlan(sinkhorn: similarities, entropy: entropy, iterationCount: iterationCount)
    }
  }

  /// Every word sends the same mass: no plan is better than all of it going to the best patch.
  package func upperBound(textToImage: Double) -> Double? { textToImage }
}
