import FilipLateInteraction
import FilipStore
import Foundation
import TestSupport
import Testing

@Suite struct ReductionTests {
  let program: Program

  init() throws { program = try Program() }

  private func object(_ data: Data) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test func `a reduced index is small, says what it costs, and finds with regions and maps`()
    throws
  {
    let pictures = try program.pictures(120)
    let indexed = try program.run("index", pictures, "--pool", "2", "--dimension", "96")
    #expect(indexed.status == 0, "\(indexed.messages)")
    #expect(indexed.messages.contains("indexed 120 new"), "\(indexed.messages)")
    #expect(
      indexed.messages.contains("reduction: --pool 2 --dimension 96, recall@10 0."),
      "\(indexed.messages)")

    for image in try program.stored().values {
      #expect(image.tokens.tokenCount == 32 && image.tokens.dimension == 96)
      #expect(image.pooled?.count == 128, "pooled vectors are not reduced")
    }
    let status = try object(program.run("status", "--json").output)
    let reduction = try #require(status["reduction"] as? [String: Any])
    #expect(reduction["pool"] as? Int == 2 && reduction["dimension"] as? Int == 96)
    let recall = try #require(reduction["recall"] as? Double)
    let interval = try #require(reduction["interval"] as? [Double])
    #expect(interval[0] <= recall && recall <= interval[1] && recall > 0.6 && recall < 1)
    #expect(reduction["queries"] as? Int == 100 && reduction["images"] as? Int == 120)
    #expect(reduction["query_source"] as? String == "own tokens")
    #expect(try program.run("status").text.contains("reduction   --pool 2 --dimension 96, recall"))

    // Most of what a search of all tokens finds is found.
    try program.run("index", pictures, "--index", program.folder.path + "/full")
    var common = 0
    let queries = ["small balloon", "red dog", "a house", "green tree and a boat"]
    for query in queries {
      let full = try program.run(
        "search", query, "-l", "--index", program.folder.path + "/full")
      let reduced = try program.run("search", query, "-l")
      common += Set(full.lines).intersection(reduced.lines).count
    }
    #expect(common >= 7 * queries.count, "\(common) of \(10 * queries.count)")

    let sheet = program.folder.path + "/sheet.html"
    let json = try object(
      program.run("search", "small balloon", "-k", "4", "--json", "--html", sheet).output)
    #expect((json["reduction"] as? [String: Any])?["recall"] as? Double == recall)
    #expect(json["exact"] as? Bool == true)
    let results = try #require(json["results"] as? [[String: Any]])
    #expect(results.count == 4)
    for word in results.flatMap({ $0["words"] as? [[String: Any]] ?? [] }) {
      // The box is made of whole patches, and the named patch lies in it.
      let box = try #require(word["box"] as? [Double])
      let patch = try #require(word["patch"] as? [Int])
      let cells = box.map { $0 * 8 }
      #expect(cells.allSatisfy { abs($0 - $0.rounded()) < 1e-4 && $0 >= 0 && $0 <= 8 })
      #expect(cells[2] >= 1 - 1e-4 && cells[3] >= 1 - 1e-4)
      for axis in 0..<2 {
        #expect(Double(patch[axis]) >= cells[axis] - 1e-4)
        #expect(Double(patch[axis]) + 1 <= cells[axis] + cells[axis + 2] + 1e-4)
      }
    }
    let page = try String(contentsOfFile: sheet, encoding: .utf8)
    #expect(page.components(separatedBy: "class=\"box ").count == 1 + 4 * 2)
    // One for each word, and which word won each patch.
    #expect(page.components(separatedBy: "class=\"map ").count == 1 + 4 * 3)
  }

  @Test func `the index keeps its reduction; another one is refused, or replaces it`() throws {
    let pictures = try program.pictures(6)
    #expect(try program.run("index", pictures, "--pool", "2", "--dimension", "200").status == 64)
    #expect(try program.run("index", pictures, "--pool", "0").status == 64)
    let first = try program.run("index", pictures, "--pool", "2", "--dimension", "32")
    #expect(first.messages.contains("learnt from 6 images only"), "\(first.messages)")
    let before = try program.stored()

    // More images: the same projection. A copy takes over tokens and map.
    let files = FileManager.default
    try files.copyItem(
      atPath: Program.gallery + "/scene-0200.jpg", toPath: pictures + "/z-new.jpg")
    try files.copyItem(
      atPath: pictures + "/scene-0001.jpg", toPath: pictures + "/z-copy.jpg")
    let second = try program.run("index", pictures, "--dimension", "32")
    #expect(second.messages.contains("indexed 2 new"), "\(second.messages)")
    let after = try program.stored()
    for (path, image) in before { #expect(after[path] == image) }
    let copy = try #require(after[pictures + "/z-copy.jpg"])
    let original = try #require(after[pictures + "/scene-0001.jpg"])
    #expect(copy.tokens == original.tokens && copy.patchTokens == original.patchTokens)
    #expect(copy.patchTokens?.count == 64)
    #expect(after[pictures + "/z-new.jpg"]?.tokens.dimension == 32)

    for flags in [["--pool", "4"], ["--pool", "1", "--dimension", "128"], ["--dimension", "31"]] {
      let process = program.process(["index", pictures] + flags)
      let pipe = Pipe()
      process.standardError = pipe
      try process.run()
      let data = pipe.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      let messages = String(decoding: data, as: UTF8.self)
      #expect(process.terminationStatus == 65, "\(messages)")
      #expect(messages.contains("made with --pool 2 --dimension 32"), "\(messages)")
      #expect(messages.contains("filip index --force " + flags.joined(separator: " ")))
    }
    #expect(try program.stored() == after, "a refusal changes nothing")

    let forced = try program.run("index", pictures, "--force", "--pool", "1", "--dimension", "128")
    #expect(forced.status == 0, "\(forced.messages)")
    let full = try program.stored()
    #expect(full.count == 8)
    for (path, image) in full {
      #expect(image.tokens.tokenCount == 64 && image.tokens.dimension == 128)
      #expect(image.id == after[path]?.id && image.patchTokens == nil)
    }
    #expect(try object(program.run("status", "--json").output)["reduction"] == nil)
    #expect(try program.run("index", pictures, "--pool", "2").status == 65)
    #expect(try program.run("index", pictures, "--dimension", "128").status == 0)
  }

  @Test func `an interrupted run does not learn from a handful of images`() throws {
    let process = program.process([
      "index", Program.gallery, "--dimension", "64", "--threads", "1",
    ])
    process.standardError = FileHandle.nullDevice
    try process.run()
    // Until the index knows what is wanted of it.
    while process.isRunning {
      let store = try? TokenStore.open(at: program.index, mode: .readOnly)
      if try store?.read({ try $0.note("reduction") }) != nil { break }
      usleep(5_000)
    }
    process.interrupt()
    process.waitUntilExit()
    let kept = try program.stored().count
    #expect(kept == 0 || kept >= 100, "\(kept)")

    // The next run needs no flags; it learns, measures, and leaves out nothing.
    let rest = try program.run("index", Program.gallery)
    #expect(rest.status == 0, "\(rest.messages)")
    let images = try program.stored()
    #expect(images.count == 300)
    #expect(images.values.allSatisfy { $0.tokens.dimension == 64 && $0.tokens.tokenCount == 64 })
    #expect(rest.messages.contains("recall@10 0."), "\(rest.messages)")
  }
}
