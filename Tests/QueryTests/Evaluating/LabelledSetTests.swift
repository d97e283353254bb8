import FilipLateInteraction
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct LabelledSetTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @discardableResult
  func write(_ name: String, _ content: String) throws -> FilePath {
    let url = URL(fileURLWithPath: folder.path + "/" + name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(content.utf8).write(to: url)
    return FilePath(url.path)
  }

  /// The error's line, or none.
  func message(_ read: () throws(QueryError) -> LabelledSet) -> String? {
    do {
      _ = try read()
      return nil
    } catch { return error.message }
  }

  @Test func `lines of image and caption make one query of equal captions`() throws {
    let path = try write("captions.tsv", "a.jpg\ta cat\r\nb.jpg\ta cat\n\na.jpg\ta\tdog\n")
    let set = try LabelledSet.read(path)
    #expect(set.documents == ["a.jpg", "b.jpg"])
    #expect(set.queries.map(\.text) == ["a cat", "a\tdog"])
    #expect(set.queries.map(\.grades) == [[0: 1, 1: 1], [0: 1]])
    let bad = try write("bad.tsv", "a.jpg\ta cat\nb.jpg a dog\n")
    #expect(message { () throws(QueryError) in try LabelledSet.read(bad) }!.contains("line 2"))
  }

  @Test func `a Karpathy file yields the split that is asked for`() throws {
    func image(_ name: String, _ split: String, _ first: Int) -> String {
      """
      {"filepath": "val", "filename": "\(name)", "split": "\(split)", "imgid": 1, "sentences":
       [{"raw": "A dog.", "sentid": \(first), "tokens": ["a", "dog"]},
        {"raw": "Two dogs.", "sentid": \(first + 1), "tokens": []}]}
      """
    }
    let path = try write(
      "dataset.json",
      "{\"images\": [" + image("a.jpg", "test", 0) + "," + image("b.jpg", "restval", 2) + ","
        + image("c.jpg", "train", 4) + "," + image("d.jpg", "test", 6) + "]}")
    let set = try LabelledSet.read(path)
    #expect(set.documents == ["val/a.jpg", "val/d.jpg"])
    // Two sentences of the same words are two queries, as the protocol has it.
    #expect(set.queries.map(\.id) == ["0", "1", "6", "7"])
    #expect(set.queries.map(\.grades) == [[0: 1], [0: 1], [1: 1], [1: 1]])
    #expect(try LabelledSet.read(path, split: "train").documents == ["val/b.jpg", "val/c.jpg"])
    let none = message { () throws(QueryError) in try LabelledSet.read(path, split: "val") }
    #expect(none!.contains("there is no split val; there is test, train"))
  }

  @Test func `a BEIR folder is read with its grades`() throws {
    try write(
      "beir/corpus.jsonl", "{\"_id\": \"d1\", \"text\": \"x\"}\n{\"_id\": 2, \"text\": \"y\"}\n")
    try write(
      "beir/queries.jsonl",
      "{\"_id\": \"q1\", \"text\": \"ask\"}\n{\"_id\": \"q2\", \"text\": \"no\"}\n")
    try write("beir/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\t2\t2\nq1\td1\t0\n")
    try write("beir/qrels/dev.tsv", "q9\td1\t1\n")
    let path = FilePath(folder.path + "/beir")
    let set = try LabelledSet.read(path)
    #expect(set.documents == ["d1", "2"])
    #expect(set.queries.map(\.id) == ["q1"])
    #expect(set.queries[0].text == "ask" && set.queries[0].grades == [0: 0, 1: 2])
    let unknown = message { () throws(QueryError) in try LabelledSet.read(path, split: "dev") }
    #expect(unknown!.contains("line 1: queries.jsonl has no query q9"))
  }

  @Test func `topics of both kinds meet their judgements`() throws {
    let qrels = try write("qrels", "301 0 a.jpg 1\n301 0 b.jpg 0\n302 0 a.jpg 2\n")
    let trec = try write(
      "topics",
      """
      <top>
      <num> Number: 301
      <title> Topic: small red
       balloon
      <desc> Description:
      Anything.
      </top>
      <top><num>302</num><title>boat</title></top>
      <top><num>303</num><title>not judged</title></top>
      """)
    let lines = try write("lines", "301\tsmall red balloon\n302\tboat\n")
    for path in [trec, lines] {
      let set = try LabelledSet.read(path, judgements: qrels)
      #expect(set.queries.map(\.id) == ["301", "302"])
      #expect(set.queries.map(\.text) == ["small red balloon", "boat"])
      #expect(set.documents == ["a.jpg", "b.jpg"])
      #expect(set.queries[0].grades == [0: 1, 1: 0] && set.includesOthers)
    }
    let wrong = try write("wrong", "301 0 a.jpg\n")
    #expect(
      message { () throws(QueryError) in try LabelledSet.read(lines, judgements: wrong) }!
        .contains("line 1 is not query iteration document grade"))
  }

  @Test func `the gallery knows where the objects of its queries are, and how large`() throws {
    let set = try LabelledSet.read(FilePath(GalleryTests.gallery.path))
    #expect(set.documents.count == 300 && set.queries.count == 400)
    for query in set.queries {
      #expect(query.boxes.keys.sorted() == query.grades.keys.sorted(), "\(query.text)")
    }
    let desert = try #require(set.queries.first { $0.text == "small desert island" })
    #expect(desert.objectSize! < 0.19)
    #expect(desert.grades.keys.map { set.documents[$0] } == ["scene-0285.jpg"])
  }

  @Test func `what is not there, or says nothing, is refused by name`() throws {
    let missing = FilePath(folder.path + "/none.json")
    do {
      _ = try LabelledSet.read(missing)
      Issue.record("no error")
    } catch { #expect(error.code == .notFound) }
    let other = try write("other.json", "{\"pictures\": []}")
    #expect(
      message { () throws(QueryError) in try LabelledSet.read(other) }!.contains(
        "no list of images"))
    let empty = try write("empty.tsv", "\n")
    #expect(
      message { () throws(QueryError) in try LabelledSet.read(empty) }!
        .contains("no query has a relevant document"))
  }
}
