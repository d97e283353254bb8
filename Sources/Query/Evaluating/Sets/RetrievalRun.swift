package import SystemPackage

/// What a system found for each query: a TREC run, `query Q0 document rank score name` in each line.
package struct RetrievalRun: Sendable {
  /// A document with its score.
  package struct Entry: Sendable, Hashable {
    package var document: String
    package var score: Float

    package init(document: String, score: Float) {
      self.document = document
      self.score = score
    }
  }

  /// Name of the system.
  package var name: String
  /// What was found for each query, best first.
  package private(set) var rankings: [String: [Entry]] = [:]

  package init(name: String) { self.name = name }

  /// Reads a file. As trec_eval does, ranks are not looked at: scores order a ranking.
  /// - Throws: `QueryError`; also for a document that a query has twice.
  package init(reading path: FilePath) throws(QueryError) {
    var name: String?
    var all: [String: [Entry]] = [:]
    try forEachTextLine(of: path) { (line, number) throws(QueryError) in
      let parts = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard parts.count == 6, let score = Float(parts[4]), !score.isNaN else {
        throw QueryError(
          .unreadable, "\(path), line \(number) is not query Q0 document rank score name")
      }
      name = name ?? parts[5]
      all[parts[0], default: []].append(Entry(document: parts[2], score: score))
    }
    guard let name else { throw QueryError(.unreadable, "\(path): there is no result in it") }
    self.init(name: name)
    for (query, entries) in all {
      guard Set(entries.map(\.document)).count == entries.count else {
        throw QueryError(.unreadable, "\(path): query \(query) has a document twice")
      }
      set(entries, for: query)
    }
  }

  /// Puts entries in order and takes them for what was found.
  ///
  /// Higher scores come first; of equal ones the document whose name comes later in the order of
  /// bytes, as in trec_eval.
  package mutating func set(_ entries: [Entry], for query: String) {
    rankings[query] = entries.sorted { left, right in
      left.score != right.score
        ? left.score > right.score
        : right.document.utf8.lexicographicallyPrecedes(left.document.utf8)
    }
  }

  /// The run as text, at most `depth` documents a query, queries in the order of their names.
  package func text(depth: Int = 1000) -> String {
    rankings.keys.sorted().map { query in
      (rankings[query] ?? []).prefix(depth).enumerated().map {
        "\(query) Q0 \($1.document) \($0 + 1) \($1.score) \(name)\n"
      }.joined()
    }.joined()
  }

  /// The values of a measure for each judged query, in the order of their names; 0 for a query of
  /// which nothing was found.
  package func values(of measure: Measure, _ judgements: Judgements) -> [Double] {
    judgements.grades.keys.sorted().compactMap { query in
      judgements.judged((rankings[query] ?? []).map(\.document), for: query)
        .map(measure.value)
    }
  }
}

extension String {
  /// The text as a field of TREC's files, which hold no white space: `%`, white space and control
  /// characters are percent-encoded.
  package var trecField: String {
    var field = ""
    for scalar in unicodeScalars {
      guard scalar == "%" || scalar.properties.isWhitespace || scalar.value < 0x20 else {
        field.unicodeScalars.append(scalar)
        continue
      }
      for byte in String(scalar).utf8 {
        field += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    return field
  }
}
