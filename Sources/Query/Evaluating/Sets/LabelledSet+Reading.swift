import FilipEncoders
package import SystemPackage

extension LabelledSet {
  /// Reads a set in whatever form it has.
  ///
  /// - a folder with `captions.json` and `queries.json`: a gallery as `Training/gallery.py` draws it
  /// - a folder with `corpus.jsonl`: BEIR, judged by `qrels/SPLIT.tsv`
  /// - `.json`: Karpathy's splits of COCO or Flickr30k
  /// - any file, with `judgements`: TREC topics, or `id<TAB>text` in each line
  /// - any other file: `image<TAB>caption` in each line
  /// - Parameters:
  ///   - split: which part of a set that has several; the default is `test`.
  ///   - judgements: a file of TREC qrels.
  /// - Throws: `QueryError` with the file, and the line where there is one.
  package static func read(
    _ path: FilePath, split: String = "test", judgements: FilePath? = nil
  ) throws(QueryError) -> LabelledSet {
    guard path.exists else {
      throw QueryError(.notFound, "\(path): there is no such file or folder")
    }
    let set: LabelledSet
    if let judgements {
      set = try trec(topics: path, judgements: Judgements(reading: judgements))
    } else if path.appending("corpus.jsonl").exists {
      set = try beir(path, split: split)
    } else if path.appending("captions.json").exists {
      set = try gallery(path)
    } else if path.extension == "json" {
      set = try karpathy(path, split: split)
    } else {
      set = try captions(path)
    }
    guard set.queries.contains(where: { $0.grades.values.contains { $0 > 0 } }) else {
      throw QueryError(
        .unreadable, "\(path): no query has a relevant document; see filip help eval for the forms")
    }
    return set
  }

  /// The JSON in a file.
  static func json(_ path: FilePath) throws(QueryError) -> JSONValue {
    let bytes = try content(of: path)
    do throws(JSONError) {
      return try JSONValue(parsing: bytes)
    } catch {
      throw QueryError(.unreadable, "\(path): \(error)")
    }
  }

  /// All bytes of a file.
  static func content(of path: FilePath) throws(QueryError) -> [UInt8] {
    do {
      return try path.read()
    } catch {
      throw QueryError(
        (error as? Errno) == .noSuchFileOrDirectory ? .notFound : .unreadable, "\(path): \(error)")
    }
  }

  /// What a file lacks.
  static func malformed(_ path: FilePath, _ what: String) -> QueryError {
    QueryError(.unreadable, "\(path): \(what)")
  }
}

/// Calls `body` with every line of a file that is not blank, and its number, counted from 1.
/// - Throws: `QueryError`; also for a line that is not UTF-8.
func forEachTextLine(
  of path: FilePath, _ body: (String, Int) throws(QueryError) -> Void
) throws(QueryError) {
  let reader = try LineReader(path)
  var number = 0
  while let bytes = try reader.next() {
    number += 1
    let ending = bytes.last == 13 ? bytes.dropLast() : bytes[...]
    guard let line = String(validating: ending, as: UTF8.self) else {
      throw QueryError(.unreadable, "\(path), line \(number): it is not UTF-8")
    }
    if line.contains(where: { !$0.isWhitespace }) { try body(line, number) }
  }
}
