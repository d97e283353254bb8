package import FilipEncoders
package import FilipLateInteraction
package import FilipStore
import Synchronization
import SystemPackage

/// Scores every query of a labelled set with every document of it that an index holds, by several
/// scorers.
///
/// Nothing is left out and no candidates are chosen: what is measured is the scorer alone.
package struct Evaluator: Sendable {
  package var threadCount = defaultThreadCount

  private let store: TokenStore
  private let encode: @Sendable (String) throws -> EncodedText
  private let asked: [ScorerSpecification]
  /// Those that are asked for, then the pooled parts of hybrids that are to be fitted.
  private let scorers: [PreparedScorer]
  /// For each hybrid that is to be fitted, its pooled part.
  private let pooledScorers: [Int: Int]

  /// - Parameter encode: what becomes of a query's text.
  /// - Throws: `QueryError` when a file that a scorer names cannot be read.
  package init(
    store: TokenStore, scorers: [ScorerSpecification],
    encode: @escaping @Sendable (String) throws -> EncodedText
  ) throws(QueryError) {
    self.store = store
    self.encode = encode
    asked = scorers
    var prepared: [PreparedScorer] = []
    for scorer in scorers { prepared.append(try PreparedScorer(scorer)) }
    var pooledScorers: [Int: Int] = [:]
    for (index, scorer) in scorers.enumerated() where scorer.fitsWeight {
      prepared[index].specification.scorer = HybridScorer(weight: 1)
      pooledScorers[index] = prepared.count
      var pooled = prepared[index]
      pooled.specification.scorer = HybridScorer(weight: 0)
      prepared.append(pooled)
    }
    self.scorers = prepared
    self.pooledScorers = pooledScorers
  }

  /// Scores everything.
  /// - Throws: `QueryError` when the index holds none of the set's documents or two under one name;
  ///   `EncoderError` for a query without words; `StoreError`.
  /// - Complexity: words of all queries × tokens of all documents, dot products; 4 bytes of memory
  ///   for each query, document and scorer.
  package func run(on set: LabelledSet) async throws -> Evaluation {
    let group = try store.snapshots(count: min(max(1, threadCount), 64))
    let (matched, reduction) = try group.withSnapshot(0) { snapshot in
      (try MatchedDocuments(set, snapshot), try TokenReduction(snapshot))
    }
    let texts = try set.queries.map { query in
      ScoredText(
        try encode(query.text), query: query.text, scorers: scorers, reduction: reduction)
    }
    let next = Atomic<Int>(0)
    let columns = try await group.onEverySnapshot { snapshot in
      var decoder = TokenDecoder()
      var columns: [Column] = []
      while true {
        let place = next.add(1, ordering: .relaxed).oldValue
        guard place < matched.documents.count else { return columns }
        try Task.checkCancellation()
        if let column = try column(place, matched, set, texts, snapshot, &decoder) {
          columns.append(column)
        }
      }
    }
    return Evaluation(
      set: set, matched: matched, scorers: asked, pooledScorers: pooledScorers,
      columns: columns.flatMap { $0 })
  }

  /// What came out of one document.
  struct Column: Sendable {
    /// Place among the matched documents.
    var place: Int
    /// Scores by scorer and query.
    var scores: [[Float]]
    var groundings: [Grounding]
  }

  private func column(
    _ place: Int, _ matched: MatchedDocuments, _ set: LabelledSet, _ texts: [ScoredText],
    _ snapshot: borrowing Snapshot, _ decoder: inout TokenDecoder
  ) throws -> Column? {
    let document = matched.documents[place]
    let needs = scorers.needs
    guard let image = try ScoredImage(document.id, needs: needs, snapshot, using: &decoder) else {
      return nil
    }
    var column = Column(
      place: place,
      scores: scorers.map { _ in [Float](repeating: -.infinity, count: texts.count) },
      groundings: [])
    for (number, text) in texts.enumerated() {
      guard text.tokens.dimension == image.tokens.dimension else {
        throw QueryError(
          .modelMismatch,
          "item \(document.id) has tokens of \(image.tokens.dimension) dimensions and the queries of "
            + "\(text.tokens.dimension); give the model that made the index (drop --model)")
      }
      var pair = try image.pair(with: text, needs: needs)
      for (index, scorer) in scorers.enumerated() {
        pair.text = text.traits[index]
        column.scores[index][number] = Float(scorer.scorer.score(pair))
      }
      if let place = document.place, let boxes = set.queries[number].boxes[place],
        let item = try snapshot.item(document.id),
        let grounding = Grounding(pair.similarities, item, boxes: boxes)
      {
        column.groundings.append(grounding)
      }
    }
    return column
  }
}

/// The items of an index that are documents of a set.
struct MatchedDocuments: Sendable {
  struct Document: Sendable {
    var id: ItemID
    /// Its name in the set, else its own.
    var name: String
    /// Its place in the set; `nil` for an item that the set does not name.
    var place: Int?
  }

  /// In the order of the set, then of ids.
  private(set) var documents: [Document] = []
  /// Documents of the set that the index does not hold.
  private(set) var missing: [String] = []

  /// Looks for the set's documents by path, the last parts of the path, the file's name with and
  /// without its extension, and the id of a text.
  init(_ set: LabelledSet, _ snapshot: borrowing Snapshot) throws {
    let places = Dictionary(
      set.documents.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let depth = set.documents.map { $0.utf8.count { $0 == UInt8(ascii: "/") } }.max() ?? 0
    var found: [Int: Document] = [:]
    var others: [Document] = []
    var paths: [Int: [UInt8]] = [:]
    try snapshot.forEachItem { item in
      guard item.unreadableReason == nil else { return }
      let path = item.path ?? []
      let names = Self.names(path, depth: depth)
      guard let place = names.lazy.compactMap({ places[$0] ?? places[$0.trecField] }).first else {
        if set.includesOthers {
          others.append(
            Document(id: item.id, name: names.first ?? "item-\(item.id.rawValue)", place: nil))
        }
        return
      }
      if let other = paths[place] {
        throw QueryError(
          .unreadable,
          "\(set.documents[place]) of the set is both \(FilePath(bytes: other)) and "
            + "\(FilePath(bytes: path)); index one of the folders, or name files with their folders"
        )
      }
      paths[place] = path
      found[place] = Document(id: item.id, name: set.documents[place], place: place)
    }
    documents = found.keys.sorted().compactMap { found[$0] } + others
    missing = set.documents.indices.filter { found[$0] == nil }.map { set.documents[$0] }
    guard !documents.isEmpty else {
      throw QueryError(
        .notFound,
        "none of the set's \(set.documents.count) documents (\(set.documents.first ?? "none"), …) is "
          + "in the index; index their folder first: filip index FOLDER")
    }
  }

  /// What an item may be called: the file's name first.
  private static func names(_ path: [UInt8], depth: Int) -> [String] {
    let text = String(decoding: path, as: UTF8.self)
    let parts = text.split(separator: "/", omittingEmptySubsequences: true)
    var names: [String] = []
    // Longer names first, so that a folder tells two files apart.
    for count in stride(from: min(depth + 1, parts.count), through: 1, by: -1) {
      names.append(parts.suffix(count).joined(separator: "/"))
    }
    if let last = parts.last {
      if let dot = last.lastIndex(of: "."), dot > last.startIndex {
        names.append(String(last[..<dot]))
      }
      if let sign = last.lastIndex(of: "#") {
        names.append(String(last[last.index(after: sign)...]))
      }
    }
    return names + [text]
  }
}
