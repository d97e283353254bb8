import SystemPackage

extension LabelledSet {
  /// `image<TAB>caption` in each line; an image with several captions has several lines, and a
  /// caption of several images (a label) is one query.
  static func captions(_ path: FilePath) throws(QueryError) -> LabelledSet {
    var builder = LabelledSetBuilder()
    try forEachTextLine(of: path) { (line, number) throws(QueryError) in
      let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, parts[1].contains(where: { !$0.isWhitespace })
      else {
        throw malformed(path, "line \(number) is not image<TAB>caption")
      }
      let text = String(parts[1])
      let query = builder.query(text, text: text)
      builder.judge(query, builder.document(String(parts[0])))
    }
    return builder.set
  }
}
