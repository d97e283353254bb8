/// A rule that turns the similarities of a text's words with an image's patches into a score.
///
/// A scorer is a value without state: it reads nothing but the pair that it is given and runs on the
/// caller's thread. Larger is better. A pair without words or without patches scores `-infinity`,
/// unless the rule does not look at them.
package protocol Scorer: Sendable {
  /// How it is asked for on a command line, such as "soft" (see `ScorerSpecification`).
  var name: String { get }

  /// What it reads besides the similarities.
  var needs: ScorerNeeds { get }

  /// Which scan ranks images as this scorer does, if one does.
  var scan: ScorerScan { get }

  /// The score of one pair.
  func score(_ pair: TextImagePair) -> Double

  /// A number that no image of that text-to-image score exceeds (up to rounding), or `nil` when that
  /// score says nothing.
  ///
  /// It must not fall when `textToImage` rises. Whoever has rescored the best M images of a scan
  /// knows that no other one is better than what this says of the M-th.
  func upperBound(textToImage: Double) -> Double?
}

extension Scorer {
  package var needs: ScorerNeeds { [] }
  package var scan: ScorerScan { .none }
  package func upperBound(textToImage: Double) -> Double? { nil }
}

/// What a scorer reads besides the similarities of words with patches.
package struct ScorerNeeds: OptionSet, Sendable, Hashable {
  package let rawValue: Int

  package init(rawValue: Int) { self.rawValue = rawValue }

  /// The similarity of the pooled vectors.
  package static let pooledSimilarity = ScorerNeeds(rawValue: 1)
  /// The products of each side's tokens with the other side's pooled vector, which must lie in one
  /// space with them.
  package static let pooledProducts = ScorerNeeds(rawValue: 2)
  /// The words of the text and the tags of the image.
  package static let tags = ScorerNeeds(rawValue: 4)
}

/// A scan of the index that ranks images in the order of a scorer.
package enum ScorerScan: Sendable, Hashable {
  /// Late interaction, in a direction.
  case tokens(ScoreDirection)
  /// The pooled vectors.
  case pooled
  /// None: candidates of another scan have to be rescored.
  case none
}
