import SystemPackage

extension LabelledSet {
  /// Topics with their judgements. The documents are those of the index, judged or not.
  ///
  /// Topics are TREC's (`<num>` and `<title>` within `<top>`), or `id<TAB>text` in each line. Those
  /// without judgements are left out, as trec_eval does.
  static func trec(
    topics path: FilePath, judgements: Judgements
  ) throws(QueryError) -> LabelledSet {
    var builder = LabelledSetBuilder()
    for (id, text) in try topics(path) {
      guard let grades = judgements.grades[id] else { continue }
      let query = builder.query(id, id: id, text: text)
      for (name, grade) in grades.sorted(by: { $0.key < $1.key }) {
        builder.judge(query, builder.document(name), grade: grade)
      }
    }
    var set = builder.set
    set.includesOthers = true
    return set
  }

  private static func topics(_ path: FilePath) throws(QueryError) -> [(id: String, text: String)] {
    guard let content = String(validating: try content(of: path), as: UTF8.self) else {
      throw malformed(path, "it is not UTF-8")
    }
    guard content.contains("<top>") else {
      var topics: [(id: String, text: String)] = []
      try forEachTextLine(of: path) { (line, number) throws(QueryError) in
        let parts = line.split(separator: "\t", maxSplits: 1).map(String.init)
        guard parts.count == 2 else {
          throw malformed(path, "line \(number) is not id<TAB>text, and there is no <top>")
        }
        topics.append((parts[0], parts[1]))
      }
      return topics
    }
    var topics: [(id: String, text: String)] = []
    let pieces = content.split(separator: "<top>", omittingEmptySubsequences: false)
    for piece in pieces.dropFirst() {
      guard let number = field("num", of: piece, without: "Number:"),
        let title = field("title", of: piece, without: "Topic:")
      else { throw malformed(path, "topic \(topics.count + 1) lacks <num> or <title>") }
      topics.append((number, title))
    }
    return topics
  }

  /// The text behind a tag up to the next one, on one line, less a heading that TREC's files repeat.
  private static func field(
    _ tag: String, of topic: Substring, without heading: String
  ) -> String? {
    let parts = topic.split(separator: "<\(tag)>", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    var text = parts[1].prefix { $0 != "<" }.split(whereSeparator: \.isWhitespace)
      .joined(separator: " ")
    if text.hasPrefix(heading) { text.removeFirst(heading.count) }
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return words.isEmpty ? nil : words
  }
}
