import Foundation
import TestSupport
import Testing

@Suite struct EvalTests {
  let program: Program
  let set: String

  /// Six pictures, and a set that names two of them and one that is not there.
  init() throws {
    program = try Program()
    set = program.folder.path + "/set.tsv"
    let lines = "scene-0001.jpg\tscorpion\nscene-0002.webp\tradio\nscene-0299.jpg\tballoon\n"
    try Data(lines.utf8).write(to: URL(fileURLWithPath: set))
    let indexed = try program.run("index", "-q", try program.pictures(6))
    #expect(indexed.status == 0, "\(indexed.messages)")
  }

  @Test func `a set is measured, its runs are written, and measuring those gives the same`() throws
  {
    let (run, qrels) = (program.folder.path + "/run.trec", program.folder.path + "/qrels")
    let found = try program.run(
      "eval", set, "--scorers", "filip,soft:temperature=0.1", "--run", run, "--write-qrels", qrels)
    #expect(found.status == 0, "\(found.messages)")
    #expect(
      found.messages.contains(
        "1 of the set's 3 documents are not in the index, such as scene-0299.jpg"))
    #expect(found.lines[0] == "text → image: 3 queries, 2 documents")
    #expect(found.lines[1].hasPrefix("| scorer "))
    #expect(
      found.lines[3].hasPrefix("| filip ") && found.lines[4].hasPrefix("| soft:temperature=0.1 "))

    let compared = try program.run(
      "eval", "--compare", program.folder.path + "/run.filip.trec",
      program.folder.path + "/run.soft:temperature=0.1.trec", "--qrels", qrels)
    #expect(compared.status == 0, "\(compared.messages)")
    func cells(_ line: String) -> [String] {
      line.split(separator: "|").dropFirst().map { $0.trimmingCharacters(in: .whitespaces) }
    }
    #expect(compared.lines[0] == "runs: 3 queries")
    for line in [3, 4] { #expect(cells(compared.lines[line]) == cells(found.lines[line])) }
  }

  @Test func `one document tells a program the same`() throws {
    let found = try program.run("eval", set, "-q", "--json", "--scorers", "filip,global")
    let document = try #require(
      try JSONSerialization.jsonObject(with: found.output) as? [String: Any])
    #expect(document["schema"] as? String == "filip.eval/1")
    #expect(document["documents"] as? Int == 2 && document["missing"] as? Int == 1)
    let sections = try #require(document["sections"] as? [[String: Any]])
    #expect(sections.map { $0["title"] as? String } == ["text → image", "image → text"])
    let rows = try #require(sections[0]["rows"] as? [[String: Any]])
    let measures = try #require(rows[1]["measures"] as? [String: [String: Any]])
    #expect(measures.keys.sorted() == ["MRR", "R@1", "R@10", "R@5", "mAP", "nDCG@10"])
    #expect(measures["R@10"]?["p"] is Double && measures["R@10"]?["interval"] is [Double])
  }

  @Test func `search takes a scorer, and says whether its answer is exact`() throws {
    let found = try program.run(
      "search", "scorpion", "--scorer", "top-r:r=2", "-k", "3", "--json", "-q")
    #expect(found.status == 0, "\(found.messages)")
    let document = try #require(
      try JSONSerialization.jsonObject(with: found.output) as? [String: Any])
    #expect(document["exact"] as? Bool == true)
    let results = try #require(document["results"] as? [[String: Any]])
    #expect(results.map { $0["rank"] as? Int } == [1, 2, 3])
    #expect((results[0]["path"] as? String)?.hasSuffix("scene-0001.jpg") == true)

    let few = try program.run(
      "search", "scorpion", "--scorer", "bagformer", "--candidates", "4", "-k", "2", "--json", "-q")
    let other = try #require(try JSONSerialization.jsonObject(with: few.output) as? [String: Any])
    #expect(other["exact"] as? Bool == false && other["candidates"] as? Int == 4)
    let pooled = try program.run("search", "scorpion", "--pooled", "-l", "-q")
    let global = try program.run("search", "scorpion", "--scorer", "global", "-l", "-q")
    #expect(pooled.output == global.output && !pooled.lines.isEmpty)
  }

  @Test func `what cannot be measured is refused with the status of its kind`() throws {
    let cases: [([String], Int32, String)] = [
      (["eval"], 64, "name a labelled set"),
      (["eval", "nowhere.tsv"], 66, "nowhere.tsv: there is no such file or folder"),
      (["eval", set, "--scorers", "filip,best"], 64, "there is no scorer best"),
      (["eval", "--compare", "a", "b"], 64, "--compare needs the judgements"),
      (["search", "x", "--scorer", "top-r:r=0"], 64, "top-r: r=0: give a whole number from 1"),
      (["search", "x", "--scorer", "hybrid:weight=fit"], 64, "filip eval"),
      (["search", "x", "--scorer", "bagformer:bags=none.txt"], 66, "none.txt"),
    ]
    for (arguments, status, message) in cases {
      let refused = try program.run(arguments)
      #expect(refused.status == status, "\(arguments): \(refused.messages)")
      #expect(refused.messages.contains(message), "\(arguments): \(refused.messages)")
    }
  }
}
