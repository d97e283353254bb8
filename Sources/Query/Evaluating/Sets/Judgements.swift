package import SystemPackage

/// Which documents are relevant to which queries, as TREC's qrels say it: `query iteration document
/// grade` in each line, separated by white space.
package struct Judgements: Sendable, Hashable {
  /// The grade of every judged document, by query and document; below 1 it is not relevant.
  package var grades: [String: [String: Int]] = [:]

  package init() {}

  /// Reads a file of qrels.
  /// - Throws: `QueryError`.
  package init(reading path: FilePath) throws(QueryError) {
    var all: [String: [String: Int]] = [:]
    try forEachTextLine(of: path) { (line, number) throws(QueryError) in
      let parts = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard parts.count == 4, let grade = Int(parts[3]) else {
        throw QueryError(
          .unreadable, "\(path), line \(number) is not query iteration document grade")
      }
      all[parts[0], default: [:]][parts[2]] = grade
    }
    guard !all.isEmpty else {
      throw QueryError(.unreadable, "\(path): there are no judgements in it")
    }
    grades = all
  }

  /// The judgements as a file of qrels, in the order of their names.
  package var text: String {
    grades.keys.sorted().map { query in
      let documents = (grades[query] ?? [:]).sorted { $0.key < $1.key }
      return documents.map { "\(query) 0 \($0.key) \($0.value)\n" }.joined()
    }.joined()
  }

  /// What measures see of a ranking for one query; `nil` where nothing was judged relevant.
  package func judged(_ ranking: [String], for query: String) -> JudgedRanking? {
    guard let grades = grades[query], grades.values.contains(where: { $0 > 0 }) else { return nil }
    return JudgedRanking(
      grades: ranking.map { grades[$0] ?? 0 }, relevant: Array(grades.values))
  }
}
