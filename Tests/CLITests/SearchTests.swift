import FilipLateInteraction
import FilipStore
import Foundation
import TestSupport
import Testing

@Suite struct SearchTests {
  let program: Program

  init() throws {
    program = try Program()
  }

  @Test func `the demo's path: index the gallery, search it, write the contact sheet`() throws {
    let indexed = try program.run("index", Program.gallery)
    #expect(indexed.status == 0, "\(indexed.messages)")
    #expect(indexed.messages.contains("indexed 300 new, 0 changed, 0 renamed, 0 removed"))
    #expect(indexed.messages.contains("0 unreadable"))
    #expect(indexed.messages.contains("drawn things, not photographs"))

    let sheet = program.folder.path + "/sheet.html"
    let found = try program.run(
      "search", "small balloon", "-k", "5", "--format", "human", "--html", sheet)
    #expect(found.status == 0, "\(found.messages)")
    #expect(found.lines.count == 5)
    #expect(found.lines[0].contains("small ") && found.lines[0].contains("balloon "))

    let page = try String(contentsOfFile: sheet, encoding: .utf8)
    #expect(page.components(separatedBy: "data:image/jpeg;base64,").count == 6)
    #expect(page.components(separatedBy: "class=\"box ").count == 1 + 5 * 2)
    #expect(!page.contains("src=\"http"), "a page without requests")

    // Every form of output names the same images in the same order.
    let tsv = try program.run("search", "small balloon", "-k", "5")
    let paths = try program.run("search", "small balloon", "-k", "5", "-l")
    let zero = try program.run("search", "small balloon", "-k", "5", "-0")
    #expect(tsv.lines.map { $0.split(separator: "\t")[1] } == paths.lines.map { $0[...] })
    #expect(zero.output == Data(paths.lines.flatMap { Array($0.utf8) + [0] }))
    for path in paths.lines { #expect(FileManager.default.fileExists(atPath: path)) }

    let json = try #require(
      try JSONSerialization.jsonObject(
        with: program.run("search", "small balloon", "-k", "5", "--json").output)
        as? [String: Any])
    #expect(json["schema"] as? String == "filip.search/1")
    let results = try #require(json["results"] as? [[String: Any]])
    #expect(results.map { $0["path"] as? String } == paths.lines)
    for result in results {
      let words = try #require(result["words"] as? [[String: Any]])
      #expect(words.count == 2)
      for word in words {
        let box = try #require(word["box"] as? [Double])
        #expect(box.allSatisfy { $0 >= 0 && $0 <= 1 })
        let patch = try #require(word["patch"] as? [Int])
        #expect(
          abs(box[0] - Double(patch[0]) / 8) < 1e-5 && abs(box[1] - Double(patch[1]) / 8) < 1e-5)
      }
      // Two words of one token each or more: the score is the mean over tokens, so it lies
      // between the words' scores.
      let scores = words.compactMap { $0["score"] as? Double }
      let score = try #require(result["score"] as? Double)
      #expect(score >= scores.min()! - 1e-4 && score <= scores.max()! + 1e-4)
    }
    let lines = try program.run("search", "small balloon", "-k", "5", "--format", "jsonl").lines
    #expect(lines.count == 6)
    for line in lines { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }
  }

  @Test func `threads, repetitions and --in do not change scores`() throws {
    let pictures = try program.pictures(24)
    try program.run("index", pictures, "--threads", "1")
    let once = try program.run("search", "dog", "-k", "100", "--threads", "1")
    #expect(once.lines.count == 24)
    #expect(try program.run("search", "dog", "-k", "100", "--threads", "3").text == once.text)

    let one = once.lines[7].split(separator: "\t")[1]
    let scoped = try program.run(
      "search", "dog", "--in", program.folder.path + "/" + one, in: program.folder.path)
    #expect(scoped.lines == [once.lines[7]])
    let none = try program.run("search", "dog", "--in", program.folder.path + "/pictu")
    #expect(none.status == 1 && none.text.isEmpty, "a prefix of a folder's name is not the folder")
  }

  @Test func `exit statuses and one clear line`() throws {
    func check(_ status: Int32, _ hint: String, _ arguments: String...) throws {
      let process = program.process(arguments)
      let pipe = Pipe()
      process.standardError = pipe
      process.standardOutput = pipe
      try process.run()
      let data = pipe.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      let messages = String(decoding: data, as: UTF8.self)
      #expect(process.terminationStatus == status, "\(arguments): \(messages)")
      #expect(hint.isEmpty || messages.contains(hint), "\(arguments): \(messages)")
    }
    try check(66, "filip index", "search", "dog")
    try check(64, "query is empty", "search", "  ")
    try check(64, "--nonsense", "search", "dog", "--nonsense")
    try check(64, "-k 0", "search", "dog", "-k", "0")
    try check(66, "no-such-folder", "index", program.folder.path + "/no-such-folder")
    try check(66, "no-such-model", "index", ".", "--model", "no-such-model")
    try check(66, "none at", "status")

    let pictures = try program.pictures(2)
    try program.run("index", pictures)
    try check(1, "", "list", "--failed")
    try check(64, "-l and -0", "search", "dog", "-l", "--json")
    try check(1, "removed 0", "remove", program.folder.path + "/elsewhere")

    let broken = program.folder.path + "/broken-model"
    try FileManager.default.copyItem(
      atPath: Program.repository.path + "/share/filip/models/filip-drawn", toPath: broken)
    let weights = try FileHandle(forWritingTo: URL(fileURLWithPath: broken + "/model.safetensors"))
    try weights.truncate(atOffset: 5_000)
    try weights.close()
    try check(65, "model.safetensors", "index", pictures, "--index", "other", "--model", broken)
  }

  @Test func `an ordinary CLIP checkpoint directory is a model like any other`() throws {
    let model =
      Program.repository.path + "/Tests/EncodersTests/Fixtures/clip-quick-gelu"
    let pictures = try program.pictures(5)
    let indexed = try program.run("index", pictures, "--model", model)
    #expect(indexed.status == 0, "\(indexed.messages)")
    #expect(!indexed.messages.contains("photographs"), "that note is the bundled model's")

    // The index knows its model; words that belong together are one phrase.
    let json = try #require(
      try JSONSerialization.jsonObject(
        with: program.run("search", "a red dog and two cats", "--json").output) as? [String: Any])
    let query = try #require(json["query"] as? [String: Any])
    let words = try #require(query["words"] as? [[String: Any]])
    #expect(words.map { $0["text"] as? String } == ["red dog", "two cats"])
    #expect((json["model"] as? [String: Any])?["token_mode"] as? String == "value")

    // Neither the bundled model nor another token mode may be mixed in.
    let other = try program.run("index", pictures, "--model", "filip-drawn")
    #expect(other.status == 65 && other.messages.contains("--force"), "\(other.messages)")
    let mode = try program.run("index", pictures, "--token-mode", "csa")
    #expect(mode.status == 65 && mode.messages.contains("token-mode value"), "\(mode.messages)")
    #expect(try program.run("search", "dog", "--model", "filip-drawn").status == 65)
    #expect(try program.run("index", pictures, "--model", "filip-drawn", "--force").status == 0)
    #expect(try program.run("search", "dog").lines.count == 5)
  }

  @Test func `embed writes what another safetensors reader understands`() throws {
    let pictures = try program.pictures(2)
    let file = program.folder.path + "/tokens.safetensors"
    let names = try FileManager.default.contentsOfDirectory(atPath: pictures).sorted()
      .map { pictures + "/" + $0 }
    let run = try program.run("embed", names[0], names[1], "/dev/null", "-o", file)
    #expect(run.status == 2 && run.messages.contains("/dev/null"), "\(run.messages)")
    try program.run("index", pictures)
    let stored = try program.stored()

    // Read by hand: the length of the header, the header, the values.
    let data = try Data(contentsOf: URL(fileURLWithPath: file))
    let headerCount = data.prefix(8).enumerated().reduce(0) {
      $0 + Int($1.element) << (8 * $1.offset)
    }
    let header = try #require(
      try JSONSerialization.jsonObject(with: data[8..<8 + headerCount]) as? [String: Any])
    func tensor(_ name: String) throws -> (shape: [Int], bytes: Data) {
      let entry = try #require(header[name] as? [String: Any])
      let offsets = try #require(entry["data_offsets"] as? [Int])
      return (
        try #require(entry["shape"] as? [Int]),
        Data(data[8 + headerCount + offsets[0]..<8 + headerCount + offsets[1]])
      )
    }
    let embeddings = try tensor("embeddings")
    #expect(embeddings.shape == [128, 128])
    #expect(try tensor("pooled").shape == [2, 128])
    #expect(
      try tensor("lengths").bytes == Data([64, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0]))
    let values = embeddings.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    let first = try #require(stored[names[0]])
    // The index keeps half precision.
    for (a, b) in zip(values.prefix(64 * 128), first.tokens.elements) { #expect(abs(a - b) < 1e-3) }
    let sidecar = try String(contentsOfFile: file + ".jsonl", encoding: .utf8)
    #expect(sidecar.split(separator: "\n").count == 2)
  }

  @Test func `a reader that closes the pipe is success`() throws {
    let pictures = try program.pictures(3)
    try program.run("index", pictures)
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/bash")
    shell.arguments = [
      "-c", "\"$0\" search dog | true; exit ${PIPESTATUS[0]}", Program.executable.path,
    ]
    shell.environment = program.process([]).environment
    shell.standardError = FileHandle.nullDevice
    try shell.run()
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 0)
  }

  @Test func `results that cannot be written are an error that names the place`() throws {
    let pictures = try program.pictures(2)
    try program.run("index", pictures)
    let nowhere = program.folder.path + "/no/such/folder/page.html"
    let page = try program.run("search", "dog", "--html", nowhere)
    #expect(page.status == 74 && page.messages.contains(nowhere), "\(page.messages)")
    let folder = try program.run("embed", "--text", "dog", "-o", pictures)
    #expect(
      folder.status == 74 && folder.messages.contains("no ordinary file"), "\(folder.messages)")

    let full = program.process(["search", "dog"])
    full.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
    full.standardError = FileHandle.nullDevice
    try full.run()
    full.waitUntilExit()
    #expect(full.terminationStatus == 74)
  }
}
