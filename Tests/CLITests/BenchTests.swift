import FilipStore
import Foundation
import TestSupport
import Testing

@Suite struct BenchTests {
  let program: Program

  init() throws { program = try Program() }

  private func document(_ arguments: [String]) throws -> [String: Any] {
    let process = program.process(["bench", "search", "--json", "-q"] + arguments)
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return try #require(try JSONSerialization.jsonObject(with: output) as? [String: Any])
  }

  private func integers(_ path: String) throws -> [Int64] {
    let file = try Data(contentsOf: URL(fileURLWithPath: path))
    return Array(file.dropFirst(128)).withUnsafeBytes { Array($0.bindMemory(to: Int64.self)) }
  }

  @Test func `a drawn index is measured, kept, grown and exported`() throws {
    let folder = program.folder.path
    let small = ["--synthetic", "images=150,tokens=16,dimension=32", "--keep", "drawn"]
    let counts = ["--queries-count", "12", "--words", "3", "--recall-queries", "5", "-j", "2"]
    let first = try document(small + counts)
    #expect(first["schema"] as? String == "filip.bench/1")
    let index = try #require(first["index"] as? [String: Any])
    #expect(index["images"] as? Int == 150 && index["tokens"] as? Int == 2_400)
    #expect(index["built_images"] as? Int == 150)
    let runs = try #require(first["runs"] as? [[String: Any]])
    #expect(runs.map { $0["threads"] as? Int } == [1, 2, 1])
    #expect(runs.map { $0["concurrent"] as? Int } == [1, 1, 2])
    for run in runs {
      let latencies = try ["min_ms", "p50_ms", "p95_ms", "p99_ms"].map {
        try #require(run[$0] as? Double)
      }
      #expect(latencies == latencies.sorted() && latencies[0] > 0)
    }
    let recall = try #require(first["recall"] as? [String: Any])
    let shares = try #require(recall["at"] as? [[String: Any]])
    #expect(recall["queries"] as? Int == 5 && shares.map { $0["k"] as? Int } == [1, 10, 100])
    #expect(shares.allSatisfy { ($0["share"] as? Double ?? 0) > 0.97 })

    // The larger one begins with the smaller one.
    let larger = ["--synthetic", "images=200,tokens=16,dimension=32", "--keep", "drawn"]
    let grown = try document(larger + counts + ["--export-peers", "peers"])
    #expect((grown["index"] as? [String: Any])?["built_images"] as? Int == 50)
    #expect(try integers(folder + "/peers/lengths.npy") == [Int64](repeating: 16, count: 200))
    #expect(try integers(folder + "/peers/query-lengths.npy") == [Int64](repeating: 3, count: 12))
    #expect(try integers(folder + "/peers/ids.npy") == Array(1...200))
    let size = try FileManager.default.attributesOfItem(atPath: folder + "/peers/tokens.npy")
    #expect(size[.size] as? Int == 128 + 200 * 16 * 32 * 2)

    // The exported answers are those of a search with the exported queries.
    let exact = try integers(folder + "/peers/exact.npy")
    #expect(exact.count == 1_200)
    let queries = try Data(contentsOf: URL(fileURLWithPath: folder + "/peers/queries.npy"))
    try writeArray("<f4", [12, 3, 32], queries.dropFirst(128), to: folder + "/q.npy")
    let found = try program.run(
      "search", "--index", "drawn", "--query-tokens", "q.npy", "--query-number", "7", "-l")
    #expect(found.lines == exact[700..<710].map { "synthetic-\($0)" })

    // Not another corpus, and not over somebody's index.
    let other = try program.run(
      "bench", "search", "--synthetic", "images=200,tokens=17,dimension=32", "--keep", "drawn")
    #expect(other.status == 65)
    try program.run("index", try program.pictures(2), "--index", "mine")
    let refused = try program.run("bench", "search", "--synthetic", "images=9", "--keep", "mine")
    #expect(refused.status == 65)
  }

  @Test func `an index of pictures is asked with its own tokens, with texts and with tokens`()
    throws
  {
    try program.run("index", try program.pictures(12))
    let own = try document(["--queries-count", "4", "-j", "1"])
    #expect((own["queries"] as? [String: Any])?["least_words"] as? Int == 8)
    #expect((own["runs"] as? [[String: Any]])?.count == 1)
    let folder = program.folder.path
    try Data("dog\n\nsmall balloon\n".utf8).write(to: URL(fileURLWithPath: folder + "/q.txt"))
    let texts = try document(["--queries", "q.txt", "--queries-count", "4"])
    let queries = try #require(texts["queries"] as? [String: Any])
    #expect(queries["least_words"] as? Int == 1 && queries["count"] as? Int == 4)
    try program.run("embed", "--text", "dog", "-o", "q.safetensors")
    _ = try document(["--query-tokens", "q.safetensors", "--queries-count", "2"])
    let table = try program.run("bench", "search", "--queries-count", "2", "-q")
    #expect(table.text.contains("p50 ms") && table.text.contains("recall"))
  }

  @Test func `commits and openings are measured, and the index stays as it was`() throws {
    let arguments = ["--synthetic", "images=30,tokens=9,dimension=16", "--keep", "drawn"]
    let run = try program.run(["bench", "store", "--json", "--repetitions", "3"] + arguments)
    #expect(run.status == 0)
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(run.text.utf8)) as? [String: Any])
    #expect(document["images"] as? Int == 30)
    for name in ["open", "add_one", "remove_one"] {
      let times = try #require(document[name] as? [String: Any])
      #expect(times["count"] as? Int == 3)
      #expect(try #require(times["p50_ms"] as? Double) > 0)
    }
    let searches = try #require(document["searches"] as? [[String: Any]])
    #expect(searches.map { $0["images"] as? Int } == [30, 30, 15, 0])
    #expect(searches.map { $0["evaluation"] == nil } == [true, false, false, false])
    let kinds = try #require(document["bytes_per_image"] as? [[String: Any]])
    #expect(kinds.compactMap { $0["kind"] as? String } == ["originals", "plane", "records"])
    #expect(try program.run("verify", "--index", "drawn").status == 0)
    let names = try program.run("list", "--index", "drawn", "-l").lines
    #expect(Set(names) == Set((0..<30).map { "synthetic-\($0)" }))
  }

  @Test func `wrong usage and missing things`() throws {
    #expect(try program.run("bench", "search", "--synthetic", "images=0").status == 64)
    #expect(try program.run("bench", "search", "--synthetic", "pictures=3").status == 64)
    #expect(try program.run("bench", "search", "--keep", "x").status == 64)
    #expect(try program.run("bench", "search", "--words", "0").status == 64)
    #expect(try program.run("bench", "search").status == 66)
    #expect(try program.run("bench", "store").status == 64)
    let folder = program.folder.path
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0 == "x" } == [])
  }
}
