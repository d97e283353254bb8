public import FilipLateInteraction
public import FilipStore
public import SystemPackage

/// Every knob of a search.
public struct SearchParameters: Sendable {
  /// How many hits, best first. Default 10; 0 or more.
  public var count = 10
  /// Which images are looked at. Default: all.
  public var filter = SearchFilter()
  /// Which side is averaged. Default: over the words, FILIP's text-to-image score.
  public var direction = ScoreDirection.textToImage
  /// Compare the model's pooled vectors instead of tokens: the single-vector baseline.
  public var usesPooledVectors = false
  /// Adds to every hit what its score is made of, and the similarity of every word with every patch:
  /// what heat maps are drawn from. Default false.
  public var explains = false
  /// Measures the background of every part of the query over a sample of the index, and says of every
  /// hit how far it stands out: a few milliseconds. Default false.
  public var measuresEvidence = false
  /// Hits with a lower score are left out. Default: none is.
  public var minimumScore: Double?
  /// Hits with less evidence are left out; it is measured then. Default: none is.
  public var minimumEvidence: Double?
  /// Whether every image is looked at. Default: `.automatic`.
  public var method = SearchMethod.automatic
  /// Threads that scan; at least 1. Default: one per processor core.
  public var threadCount = defaultThreadCount

  /// The defaults.
  public init() {}
}

/// How many images a search looks at.
public enum SearchMethod: Sendable, Hashable {
  /// All, unless there are so many that it takes long and the index says how well a cascade does.
  case automatic
  /// All: the hits are proven to be the best.
  case exact
  /// The `candidates` images that look best through the index's screen, all others being left out
  /// unseen; `nil` for as many as the index's own measurement asks for.
  case cascade(candidates: Int?)
}

/// How well one word or phrase of the query matched one image.
public struct TermMatch: Sendable, Hashable {
  /// Position in `SearchResults.terms`.
  public var term: Int
  /// Mean similarity of the term's tokens with their best patches, −1…1.
  public var score: Float
  /// Index, among all patches of the image, of the patch that its best token matched.
  public var patch: Int
  /// The part of the upright original that this patch covers, in pixels.
  public var region: PixelRegion
  /// In a text, the bytes that the best token stands for, counted in UTF-8; `nil` in an image.
  public var span: Range<Int>?
  /// How many deviations the score lies above what the images of this index score on the average,
  /// where that was measured (see `Background`).
  public var evidence: Double?
}

/// One image found.
public struct SearchHit: Sendable {
  /// 1 for the best.
  public var rank: Int
  /// What the query's parts make of the image (by default the mean over the query's tokens), −1…1;
  /// less where the image shows what must not be there.
  public var score: Float
  /// The image's record: id, path, dimensions.
  public var item: ItemRecord
  /// Where the image's file is; empty for an image without one.
  public var path: FilePath { FilePath(bytes: item.path ?? []) }
  /// Per word or phrase of the query; empty when pooled vectors were compared.
  public var matches: [TermMatch]
  /// How clearly the image shows what is asked for: the evidence of its weakest part, with `any` of
  /// its strongest; `nil` where none was measured.
  public var evidence: Double?
  /// What must not be there, as the image shows it: `term` counts in `SearchResults.exclusions`.
  public var exclusions: [TermMatch] = []
  /// What the text-to-image score is made of, if asked for.
  public var explanation: Explanation?
  /// Where in the image the hit lies, in pixels of the upright original; `nil` where whole images were
  /// searched.
  public var box: PixelRegion?
}

/// A word or phrase of the query as it was scored.
public struct ScoredTerm: Sendable, Hashable {
  /// As typed.
  public var text: String
  /// UTF-8 offsets in the query, when known.
  public var sourceRange: Range<Int>?
  /// How much it counts: in the mean, or as a push downwards.
  public var weight = 1.0
  /// What the images of the index score for it, where that was measured.
  public var background: Background?
}

/// Why the hits are the best of all images, and what it took to show it.
public struct SearchProof: Sendable, Hashable {
  /// What the scores are exact for.
  public enum Reference: String, Sendable {
    /// The tokens as the encoder made them, in half precision.
    case originals
    /// The codes of the scan plane, in an index that keeps nothing else.
    case codes
  }

  /// What the scores are exact for.
  public var relativeTo: Reference
  /// Images of which the high nibbles were not enough, so that all eight bits were read.
  public var rescoredCount: Int
  /// Images whose bounds left them possible, so that they were scored from what `relativeTo` names.
  public var refinedCount: Int
  /// Bytes of codes that were read.
  public var readByteCount: Int
  /// Products of a token's code and a word's code that were made.
  public var productCount: Int
  /// How many images a screen let through; `nil` when every image was looked at, and the hits are
  /// proven to be the best of all.
  public var candidateCount: Int?
  /// What share of the ten best such a search finds, as measured on this index; `nil` when every
  /// image was looked at, or when no measurement fits the index as it is now.
  public var recall: RecallEstimate?

  /// Whether the hits are proven to be the best of all images in scope.
  public var isExact: Bool { candidateCount == nil }

  init(
    reference: ScoreReference, rescoredCount: Int, refinedCount: Int, readByteCount: Int = 0,
    productCount: Int = 0
  ) {
    relativeTo = reference == .codes ? .codes : .originals
    self.rescoredCount = rescoredCount
    self.refinedCount = refinedCount
    self.readByteCount = readByteCount
    self.productCount = productCount
  }
}

/// What a search found.
public struct SearchResults: Sendable {
  /// Best first; ties by id.
  public var hits: [SearchHit]
  /// The query's words or phrases; special tokens are left out.
  public var terms: [ScoredTerm]
  /// What must not be there.
  public var exclusions: [ScoredTerm] = []
  /// How the parts made one score.
  public var combination = Query.Combination.mean
  /// Hits that were left out because of their score or evidence.
  public var omittedCount = 0
  /// In a search of parts, images of which it is not known where their tokens lie: they have none.
  public var unplacedCount = 0
  /// Images that were scored.
  public var scannedCount: Int
  /// Images in the index.
  public var imageCount: Int
  /// Commit of the index that was searched.
  public var generation: UInt64
  /// How the tokens are reduced that were searched; with it, how much of a search of all tokens is
  /// found. Scores are exact for the reduced tokens.
  public var reduction = TokenReduction.none
  /// Why no other image is better.
  public var proof: SearchProof
  /// Time from the query's text to the hits.
  public var duration: Duration

  /// Places in `terms` of the words that no hit shows more clearly than images of the index do by
  /// chance; none where evidence was not measured.
  public var unclearTerms: [Int] {
    let chance = Background.chanceEvidence(imageCount: proof.isExact ? scannedCount : imageCount)
    return terms.indices.filter { term in
      let evidence = hits.compactMap { hit in hit.matches.first { $0.term == term }?.evidence }
      return evidence.max().map { $0 < chance } ?? false
    }
  }
}
