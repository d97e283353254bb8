import FilipEncoders
import SystemPackage

extension LabelledSet {
  /// A BEIR folder: `corpus.jsonl` and `queries.jsonl` with `_id`, and `qrels/SPLIT.tsv` with query,
  /// document and grade, under a line of headings. Queries without judgements are left out.
  static func beir(_ folder: FilePath, split: String) throws(QueryError) -> LabelledSet {
    var builder = LabelledSetBuilder()
    try forEachObject(of: folder.appending("corpus.jsonl")) { (id, _) in
      _ = builder.document(id)
    }
    var texts: [String: String] = [:]
    let queries = folder.appending("queries.jsonl")
    try forEachObject(of: queries) { (id, members) throws(QueryError) in
      guard let text = members["text"]?.string else {
        throw malformed(queries, "query \(id) has no text")
      }
      texts[id] = text
    }
    let file = folder.appending("qrels").appending("\(split).tsv")
    try forEachTextLine(of: file) { (line, number) throws(QueryError) in
      let parts = line.split(separator: "\t").map(String.init)
      if number == 1, parts.count == 3, Int(parts[2]) == nil { return }
      guard parts.count == 3, let grade = Int(parts[2]) else {
        throw malformed(file, "line \(number) is not query<TAB>document<TAB>grade")
      }
      guard let text = texts[parts[0]] else {
        throw malformed(file, "line \(number): queries.jsonl has no query \(parts[0])")
      }
      let query = builder.query(parts[0], id: parts[0], text: text)
      builder.judge(query, builder.document(parts[1]), grade: grade)
    }
    return builder.set
  }

  /// Calls `body` with the id and the members of every line.
  private static func forEachObject(
    of path: FilePath, _ body: (String, JSONObject) throws(QueryError) -> Void
  ) throws(QueryError) {
    try forEachTextLine(of: path) { (line, number) throws(QueryError) in
      let value: JSONValue
      do throws(JSONError) {
        value = try JSONValue(parsing: Array(line.utf8))
      } catch {
        throw malformed(path, "line \(number): \(error)")
      }
      guard let members = value.object,
        let id = members["_id"]?.string ?? members["_id"]?.integer.map({ "\($0)" })
      else { throw malformed(path, "line \(number) is no object with an _id") }
      try body(id, members)
    }
  }
}
