import FilipEncoders
import FilipQuery
import Foundation
import SystemPackage
import Testing

@Suite struct MeasureTests {
  private static let folder = FilePath(
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures/trec").path)

  @Test func `measures of a small ranking are those worked out by hand`() {
    // Relevant at ranks 2 (grade 2) and 4 (grade 1), and one of grade 3 that was not found.
    let ranking = JudgedRanking(grades: [0, 2, -1, 1], relevant: [2, 1, 3, -1])
    #expect(ranking.hitRate(at: 1) == 0)
    #expect(ranking.hitRate(at: 2) == 1)
    #expect(ranking.reciprocalRank == 0.5)
    #expect(abs(ranking.averagePrecision - (1.0 / 2 + 2.0 / 4) / 3) < 1e-12)
    let gain = 2 / log2(3.0) + 1 / log2(5.0)
    let best = 3 / log2(2.0) + 2 / log2(3.0) + 1 / log2(4.0)
    #expect(abs(ranking.normalizedGain(at: 10) - gain / best) < 1e-12)
    #expect(abs(ranking.normalizedGain(at: 2) - (2 / log2(3.0)) / (3 + 2 / log2(3.0))) < 1e-12)
  }

  @Test func `nothing found is nothing, and nothing relevant is no number out of nothing`() {
    for measure in Measure.all {
      #expect(measure.value(of: JudgedRanking(grades: [], relevant: [1])) == 0)
      #expect(measure.value(of: JudgedRanking(grades: [0, 0], relevant: [])) == 0)
      #expect(measure.value(of: JudgedRanking(grades: [1], relevant: [1])) == 1)
    }
  }

  /// The fixture has many equal scores, negative ones, grades from −1 to 3, documents that were not
  /// judged and judged ones that were not found.
  @Test func `every query of a run has the measures that trec_eval gives`() throws {
    let run = try RetrievalRun(reading: Self.folder.appending("run.trec"))
    let judgements = try Judgements(reading: Self.folder.appending("qrels.trec"))
    let expected = try #require(
      JSONValue(parsing: Self.folder.appending("measures.json").read()).object)
    #expect(expected.count == 30)
    let keys = ["success_1", "success_5", "success_10", "ndcg_cut_10", "recip_rank", "map"]
    for (measure, key) in zip(Measure.all, keys) {
      let values = run.values(of: measure, judgements)
      let queries = judgements.grades.keys.sorted()
      try #require(values.count == queries.count)
      for (query, value) in zip(queries, values) {
        let truth = try #require(expected[query]?[key]?.double)
        #expect(abs(value - truth) < 1e-6, "\(query), \(key)")
      }
    }
  }

  @Test func `a run that is written is read again, and ranks are those of scores`() throws {
    var run = RetrievalRun(name: "soft:temperature=0.1")
    run.set(
      [
        .init(document: "a.jpg", score: 0.25), .init(document: "b.jpg", score: 0.1),
        .init(document: "c.jpg", score: 0.25), .init(document: "d.jpg", score: -1e-7),
      ], for: "q1")
    #expect(
      run.text()
        == """
        q1 Q0 c.jpg 1 0.25 soft:temperature=0.1
        q1 Q0 a.jpg 2 0.25 soft:temperature=0.1
        q1 Q0 b.jpg 3 0.1 soft:temperature=0.1
        q1 Q0 d.jpg 4 -1e-07 soft:temperature=0.1

        """)
    let folder = try TemporaryFile(run.text())
    let again = try RetrievalRun(reading: folder.path)
    #expect(again.rankings == run.rankings)
    #expect(again.name == run.name)
    #expect(run.text(depth: 1).split(separator: "\n").count == 1)
  }

  @Test func `names become fields without white space, and stay apart`() {
    #expect("a b%20.jpg".trecField == "a%20b%2520.jpg")
    #expect("été\u{2003}x\n".trecField == "été%E2%80%83x%0A")
    #expect("plain-1.jpg".trecField == "plain-1.jpg")
  }

  @Test(arguments: [
    ("q1 Q0 a 1 0.5\n", "line 1 is not query Q0 document rank score name"),
    ("q1 Q0 a 1 nan x\n", "line 1 is not"), ("\n\n", "there is no result in it"),
    ("q1 Q0 a 1 1 x\nq1 Q0 a 2 0 x\n", "query q1 has a document twice"),
  ])
  func `a file that is no run is refused by its line`(content: String, message: String) throws {
    let file = try TemporaryFile(content)
    do {
      _ = try RetrievalRun(reading: file.path)
      Issue.record("no error for \(content)")
    } catch {
      #expect(error.message.contains(message), "\(error)")
    }
  }
}
