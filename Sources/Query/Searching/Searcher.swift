public import FilipEncoders
public import FilipLateInteraction
public import FilipStore
import SystemPackage

/// Asks an index: a text in, the best images out, with the evidence per word.
///
/// Exact: every image in scope is scored against every word. Each search sees one commit of the
/// index from beginning to end, whatever a writer does meanwhile.
public struct Searcher: Sendable {
  private let store: TokenStore
  private let encoder: TextEncoder

  /// A searcher over `store` whose queries `encoder` encodes; both belong to one model.
  public init(store: TokenStore, encoder: TextEncoder) {
    self.store = store
    self.encoder = encoder
  }

  /// The images that fit `query` best.
  /// - Complexity: words × tokens of all images in scope, dot products.
  /// - Throws: `EncoderError` for an empty query, `StoreError` for a damaged index.
  public func search(
    _ query: String, parameters: SearchParameters = SearchParameters()
  ) async throws -> SearchResults {
    let started = ContinuousClock.now
    var text = try encoder.encode(query)
    let threadCount = min(max(1, parameters.threadCount), Self.maximumThreadCount)
    let group = try store.snapshots(count: threadCount)
    let reduction = try group.withSnapshot(0) { snapshot in
      // Pooled vectors are not reduced.
      try parameters.usesPooledVectors ? TokenReduction.none : TokenReduction(snapshot)
    }
    text.tokens = reduction.project(query: text.tokens)
    let scope = try group.withSnapshot(0) { snapshot in
      try Scope(paths: parameters.scope, snapshot: snapshot)
    }
    let ranges = try group.withSnapshot(0) { try $0.idRanges(count: threadCount) }
    let scanned = try await withThrowingTaskGroup(of: ScanResult.self) { tasks in
      for (index, range) in ranges.enumerated() {
        tasks.addTask { [text] in
          try group.withSnapshot(index) { snapshot in
            try scan(snapshot, range: range, text: text, scope: scope, parameters: parameters)
          }
        }
      }
      var total: ScanResult = (TopK(capacity: parameters.count), 0)
      for try await part in tasks {
        total.best.merge(part.best)
        total.count += part.count
      }
      return total
    }
    let terms = DisplayedTerms(text)
    let results = try group.withSnapshot(0) { snapshot in
      SearchResults(
        hits: try hits(scanned.best.sorted, text: text, terms: terms, parameters, snapshot),
        terms: terms.terms.map { ScoredTerm(text: $0.text, sourceRange: $0.sourceRange) },
        scannedCount: scanned.count, imageCount: try snapshot.readableCount,
        generation: group.generation, reduction: reduction, duration: .zero)
    }
    var timed = results
    timed.duration = .now - started
    return timed
  }

  /// Every thread takes one of LMDB's reader slots, which all programs share.
  private static let maximumThreadCount = 64

  // MARK: - Scanning

  private typealias ScanResult = (best: TopK<ItemID>, count: Int)

  /// The best of one range of ids.
  private func scan(
    _ snapshot: borrowing Snapshot, range: Range<ItemID>, text: EncodedText, scope: Scope,
    parameters: SearchParameters
  ) throws -> ScanResult {
    let query = try parameters.usesPooledVectors ? pooledQuery(text) : text.tokens
    let scan = BatchedScan(
      query: query, direction: parameters.direction, keeping: parameters.count)
    if parameters.usesPooledVectors {
      try snapshot.forEachPooled(in: range) { id, vector in
        guard scope.contains(id) else { return }
        try check(vector.count, of: id, against: query)
        scan.add(id, rows: vector, tokenCount: 1)
      }
    } else {
      var decoder = TokenDecoder()
      var rows: [Float] = []
      try snapshot.forEachEncodedTokens(in: range) { id, bytes in
        guard scope.contains(id) else { return }
        let shape = try decoder.decode(bytes, of: id, into: &rows)
        try check(shape.dimension, of: id, against: query)
        scan.add(id, rows: rows[..<shape.elementCount], tokenCount: shape.tokenCount)
      }
    }
    return scan.finish()
  }

  private func check(_ dimension: Int, of id: ItemID, against query: TokenMatrix) throws {
    guard dimension != query.dimension else { return }
    throw QueryError(
      .modelMismatch,
      "image \(id) has tokens of \(dimension) dimensions and the query of \(query.dimension); "
        + "search with the model that made the index (drop --model)")
  }

  private func pooledQuery(_ text: EncodedText) throws -> TokenMatrix {
    try TokenMatrix(normalizing: text.pooled, tokenCount: 1, dimension: text.pooled.count)
  }

  // MARK: - Evidence

  private func hits(
    _ best: [ScoredItem<ItemID>], text: EncodedText, terms: DisplayedTerms,
    _ parameters: SearchParameters, _ snapshot: borrowing Snapshot
  ) throws -> [SearchHit] {
    var hits: [SearchHit] = []
    for (index, scored) in best.enumerated() {
      guard let item = try snapshot.item(scored.id) else { continue }
      var hit = SearchHit(rank: index + 1, score: scored.score, item: item, matches: [])
      if !parameters.usesPooledVectors, let tokens = try snapshot.tokens(of: scored.id) {
        let alignment = Alignment(text: text.tokens, image: tokens)
        hit.matches = terms.terms.enumerated().map { Self.match($0, $1, alignment, item) }
        if parameters.includesPatchMaps {
          let map = SimilarityMap(text: text.tokens, image: tokens)
          hit.patchMaps = terms.terms.map { item.expandedToPatches(Self.patchMap($0, map)) }
        }
      }
      hits.append(hit)
    }
    return hits
  }

  /// How well one term matched: the mean of its tokens' similarities, and the patch of the best.
  private static func match(
    _ index: Int, _ term: QueryTerm, _ alignment: Alignment, _ item: ItemRecord
  ) -> TermMatch {
    var sum = 0.0
    var best = term.rows.lowerBound
    for row in term.rows {
      sum += Double(alignment.similarities[row])
      if alignment.similarities[row] > alignment.similarities[best] { best = row }
    }
    let token = alignment.patches[best]
    return TermMatch(
      term: index, score: Float(sum / Double(term.rows.count)), patch: item.patch(ofToken: token),
      region: item.region(ofToken: token))
  }

  /// The largest similarity among the term's tokens, for every token of the image.
  private static func patchMap(_ term: QueryTerm, _ map: SimilarityMap) -> [Float] {
    var largest = Array(map[word: term.rows.lowerBound])
    for row in term.rows.dropFirst() {
      for (patch, similarity) in map[word: row].enumerated() {
        largest[patch] = max(largest[patch], similarity)
      }
    }
    return largest
  }
}

/// The words and phrases that are shown: all but special tokens, and the sentence as a whole only
/// when it has no parts.
private struct DisplayedTerms {
  let terms: [QueryTerm]

  init(_ text: EncodedText) {
    let parts = text.terms.filter { $0.kind == .word || $0.kind == .phrase }
    terms = parts.isEmpty ? text.terms.filter { $0.kind == .sentence } : parts
  }
}

/// Which images a search looks at.
private struct Scope: Sendable {
  /// `nil` for all.
  private let ids: Set<ItemID>?

  init(paths: [FilePath], snapshot: borrowing Snapshot) throws {
    guard !paths.isEmpty else {
      ids = nil
      return
    }
    var ids: Set<ItemID> = []
    for path in paths {
      if let item = try snapshot.item(forPath: path.bytes) { ids.insert(item.id) }
      let slash = [UInt8(ascii: "/")]
      let folder = path.bytes + (path.bytes.last == slash[0] ? [] : slash)
      try snapshot.forEachItem(withPathPrefix: folder) { ids.insert($0.id) }
    }
    self.ids = ids
  }

  func contains(_ id: ItemID) -> Bool { ids?.contains(id) ?? true }
}
