import FilipLateInteraction
import FilipStore

/// What the scan plane is asked, and how what it finds is scored.
///
/// The scan ranks by the late-interaction scores of its `bases`. Whatever `scorer` says of an image
/// must not be above the largest of those: then a bound for them is a bound for it.
struct ScanRequest: Sendable {
  /// Rows of each base; one base, unless any of several is enough.
  var bases: [TokenMatrix]
  /// The rows that `scorer` wants compared.
  var rows: TokenMatrix
  /// What candidates are scored by.
  var scorer: any ImageScorer
  /// Images to find.
  var count: Int
  /// Images that each scan makes sure of; `count` or more. More leave more to `scorer`.
  var capacity: Int
  /// Which side the bases average over.
  var direction: ScoreDirection

  init(_ query: EncodedQuery, _ parameters: SearchParameters) {
    let scorer = query.scorer(parameters.direction)
    self.scorer = scorer
    rows = query.scanRows.appending(query.exclusions.map(\.tokens))
    bases =
      query.combination == .any
      ? query.parts.map { query.tokens.rows($0.rows) } : [query.scanRows]
    direction = parameters.direction
    count = parameters.count
    // Where scores are below their base, the best by the base need not be the best.
    capacity = scorer is MaxSimImageScorer ? count : max(count, 4 * min(count, 1 << 40), 64)
  }
}

/// The best images of a scan.
struct Ranking: Sendable {
  /// Best first; ties by id.
  var best: [ScoredItem<ItemID>]
  /// Images looked at.
  var scannedCount: Int
  var proof: SearchProof
  /// Whether every image that is not among the best is known to be worse.
  var isProven = true
  /// The similarities of the best, where tokens were compared.
  var similarities: @Sendable (ItemID) -> ExactSimilarities?
}

extension SnapshotGroup {
  /// The best images by the request's scorer, proven.
  ///
  /// A scan that keeps M images leaves out only such as have a base score below its M-th best. When
  /// the k-th best score is not below that, no other image can be among the k best, as its score is
  /// at most its base score; else the scan is repeated with four times M, in the end with more than
  /// there are images.
  func provenRanking(
    of request: ScanRequest, in segments: [SegmentCandidates], _ scope: Scope,
    reference: ScoreReference
  ) async throws -> Ranking {
    var request = request
    var spent: SearchProof?
    while true {
      var ranking = try await rankings(
        of: [request], in: segments, scope, reference: reference)[0]
      if let spent { ranking.proof.add(spent) }
      guard !ranking.isProven else { return ranking }
      spent = ranking.proof
      request.capacity *= 4
    }
  }

  /// Scans segments once for all requests, then scores from the originals what each scan has left
  /// possible.
  func rankings(
    of requests: [ScanRequest], in segments: [SegmentCandidates], _ scope: Scope,
    reference: ScoreReference
  ) async throws -> [Ranking] {
    let scans = requests.map { request in
      request.bases.map {
        PlaneScan(
          $0, keeping: request.capacity, direction: request.direction, reference: reference,
          scope: scope)
      }
    }
    let queue = SegmentQueue(segments)
    let all = scans.flatMap(\.self)
    let found = try await onEverySnapshot { try PlaneScan.run(all, over: queue, $0) }
    var rankings: [Ranking] = []
    var first = 0
    for (request, scans) in zip(requests, scans) {
      var candidates: [Candidate] = []
      var proof = SearchProof(reference: reference, rescoredCount: 0, refinedCount: 0)
      var scannedCount = 0
      for (index, scan) in scans.enumerated() {
        var parts = found.map { $0[first + index] }
        let postponed = scan.postponed(of: parts)
        if !postponed.isEmpty {
          let queue = SegmentQueue(postponed)
          parts += try await onEverySnapshot { try scan.finish(queue, $0) }
        }
        candidates += scan.candidates(of: parts)
        scannedCount = max(scannedCount, parts.reduce(0) { $0 + $1.scannedCount })
        proof.add(parts)
      }
      first += scans.count
      let refinement = Refinement(
        request.rows, scans.count == 1 ? candidates : candidates.merged, keeping: request.count,
        scorer: request.scorer)
      _ = try await onEverySnapshot { try refinement.run($0) }
      proof.refinedCount = refinement.refinedCount
      let limit = scans.map(\.limit).max() ?? -.infinity
      rankings.append(
        Ranking(
          best: refinement.best, scannedCount: scannedCount, proof: proof,
          isProven: refinement.threshold >= limit,
          similarities: { refinement.similarities(of: $0) }))
    }
    return rankings
  }
}

extension [Candidate] {
  /// Every image once, with its largest bound; best bound first.
  fileprivate var merged: [Candidate] {
    var uppers: [ItemID: Double] = [:]
    for candidate in self {
      uppers[candidate.id] = Swift.max(candidate.upper, uppers[candidate.id] ?? -.infinity)
    }
    let all = uppers.map { Candidate(id: $0.key, upper: $0.value) }
    return all.sorted { $0.upper != $1.upper ? $0.upper > $1.upper : $0.id < $1.id }
  }
}

extension SearchProof {
  /// Adds what the threads of a scan did.
  fileprivate mutating func add(_ parts: [PlaneScan.Part]) {
    for part in parts {
      rescoredCount += part.rescoredCount
      readByteCount += part.readByteCount
      productCount += part.productCount
    }
  }

  /// Adds what another scan took.
  fileprivate mutating func add(_ other: SearchProof) {
    rescoredCount += other.rescoredCount
    refinedCount += other.refinedCount
    readByteCount += other.readByteCount
    productCount += other.productCount
  }
}
