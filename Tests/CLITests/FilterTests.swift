import FilipStore
import Foundation
import TestSupport
import Testing

@Suite struct FilterTests {
  let program: Program

  init() throws {
    program = try Program()
  }

  /// Eight JPEGs; the first three say when, where and with what they were taken.
  private func index() throws -> (folder: String, names: [String]) {
    let folder = program.folder.path + "/pictures"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let names = try FileManager.default.contentsOfDirectory(atPath: Program.gallery)
      .filter { $0.hasSuffix(".jpg") }.sorted().prefix(8)
    for name in names {
      try FileManager.default.copyItem(
        atPath: Program.gallery + "/" + name, toPath: folder + "/" + name)
    }
    for (number, name) in names.prefix(3).enumerated() {
      var exif = EXIFBytes()
      exif.main = [.ascii(0x010F, "Seagull"), .ascii(0x0110, "SO-\(number)")]
      exif.exif = [
        .ascii(0x9003, "201\(number):06:15 12:00:00"), .ascii(0x9011, "+00:00"),
        .ascii(0xA434, "Jupiter-8"),
      ]
      exif.gps = [
        .ascii(1, "N"), .rational(2, 48, 1, 8, 1, 0, 1), .ascii(3, "E"),
        .rational(4, UInt32(11 + number), 1, 30, 1, 0, 1),
      ]
      let url = URL(fileURLWithPath: folder + "/" + name)
      try Data(exif.inserted(intoJPEG: Array(Data(contentsOf: url)))).write(to: url)
    }
    for name in names {
      try FileManager.default.setAttributes(
        [.modificationDate: Date.now], ofItemAtPath: folder + "/" + name)
    }
    let outcome = try program.run("index", folder, "-q")
    #expect(outcome.status == 0, "\(outcome.messages)")
    return (folder, Array(names))
  }

  @Test func `filters choose what search and list look at`() throws {
    let (folder, names) = try index()
    func check(_ expected: [Int], _ arguments: String..., line: Int = #line) throws {
      let listed = try program.run(["list", "-l"] + arguments, in: folder)
      #expect(listed.lines == expected.map { names[$0] }, "line \(line): \(listed.messages)")
      #expect(listed.status == (expected.isEmpty ? 1 : 0), "line \(line)")
      let found = try program.run(["search", "dog", "-l", "-q"] + arguments, in: folder)
      #expect(found.lines.sorted() == expected.map { names[$0] }, "line \(line)")
      #expect(found.status == (expected.isEmpty ? 1 : 0), "line \(line)")
    }
    try check(Array(0..<8))
    try check([1, 2], "--after", "2011-01-01", "--before", "2013-01-01")
    try check([0], "--before", "2010-06-15T12:00:01Z")
    try check([], "--before", "2010-06-15T12:00:00Z")
    try check([3, 4, 5, 6, 7], "--after", "1week")
    try check([0, 1, 2], "--before", "1y")
    try check([1], "-g", "*\(names[1])")
    try check([0, 2, 3, 4, 5, 6, 7], "-g", "!*\(names[1])")
    try check([0, 2], "--camera", "seagull", "--glob", "!\(names[1])")
    try check([0, 1, 2], "--camera", "JUPITER")
    try check([2], "--camera", "so-2")
    try check([0, 1], "--near", "48.1,11.5,80")
    try check([], "--near", "-48.1,-11.5,80")
    try check([4], "--in", folder + "/" + names[4])
    try check(Array(0..<8), "--image-format", "png", "--image-format", "JPG")
    try check([], "--image-format", "heic")
    try check(Array(0..<8), "--min-size", "256x256", "--orientation", "square")
    try check([], "--min-size", "257x1")
    try check([], "--orientation", "portrait")
    try check(Array(0..<8), "--size", "+1k", "--size", "-10M")
    try check([], "--size", "-10")
  }

  @Test func `a filter that nothing passes says so, one that is none is refused`() throws {
    _ = try index()
    let none = try program.run("search", "dog", "--after", "2100-01-01")
    #expect(none.status == 1 && none.text.isEmpty)
    #expect(none.messages.contains("none of the 8 images passes the filters"))
    let listed = try program.run("list", "--tag", "nothing")
    #expect(listed.status == 1 && listed.messages.contains("none of the 8 files"))
    for (arguments, hint) in [
      (["--after", "yesterday"], "--after 'yesterday': give a date"),
      (["--before", "2024-13-01"], "--before '2024-13-01'"),
      (["--after", "2024-01-01", "--before", "2023-01-01"], "is not before"),
      (["--min-size", "800"], "such as 800x600"), (["--size", "big"], "such as +10M"),
      (["--near", "1,2"], "kilometres"), (["--tag", "a,b"], "is no tag"),
      (["--orientation", "up"], "portrait"), (["--image-format", "doc"], "jpeg"),
    ] {
      for command in [["search", "dog"], ["list"]] {
        let refused = try program.run(command + arguments)
        #expect(refused.status == 64, "\(arguments): \(refused.messages)")
        #expect(refused.messages.contains(hint), "\(arguments): \(refused.messages)")
      }
    }
  }

  @Test func `search and list say in JSON what pictures say of themselves`() throws {
    let (_, names) = try index()
    func check(_ hit: [String: Any]) throws {
      #expect(hit["taken"] as? String == "2011-06-15T12:00:00+00:00")
      #expect(hit["camera"] as? String == "Seagull SO-1")
      #expect(hit["lens"] as? String == "Jupiter-8")
      #expect(hit["format"] as? String == "jpeg")
      #expect(hit["tags"] as? [String] == ["a tag", "b"])
      let place = try #require(hit["place"] as? [String: Any])
      #expect(try abs(#require(place["latitude"] as? Double) - 48 - 8.0 / 60) < 1e-9)
      #expect(place["longitude"] as? Double == 12.5)
      #expect(place["altitude"] == nil)
    }
    try program.run("tag", "add", "b,a tag", "pictures/" + names[1])
    for arguments in [["search", "dog", "--json"], ["list", "--json"]] {
      let outcome = try program.run(arguments + ["--camera", "SO-1"])
      let document = try #require(
        try JSONSerialization.jsonObject(with: outcome.output) as? [String: Any])
      let rows = document["results"] ?? document["items"]
      let hits = try #require(rows as? [[String: Any]])
      #expect(hits.count == 1)
      try check(try #require(hits.first))
    }
    let plain = try program.run("list", "--json", "--in", "pictures/" + names[7])
    #expect(!plain.text.contains("\"tags\"") && !plain.text.contains("\"place\""))
  }

  @Test func `tags are given, found by, counted and taken away`() throws {
    let (folder, names) = try index()
    let added = try program.run("tag", "add", "sea,holiday", "pictures")
    #expect(added.status == 0)
    #expect(added.messages == "tagged 8 of 8 images: holiday, sea\n")
    let again = try program.run("tag", "add", "sea", "pictures/" + names[0], "pictures")
    #expect(again.messages == "tagged 0 of 8 images: sea\n")
    try program.run("tag", "remove", "holiday", folder + "/" + names[0], folder + "/" + names[1])
    #expect(try program.run("tag", "list").text == "6\tholiday\n8\tsea\n")
    #expect(
      try program.run("tag", "list", "--json").text
        == #"{"schema":"filip.tags/1","tags":[{"tag":"holiday","images":6},{"tag":"sea","images":8}]}"#
        + "\n")
    func tagged(_ arguments: String...) throws -> [String] {
      try program.run(["search", "dog", "-l", "-q"] + arguments, in: folder).lines.sorted()
    }
    #expect(try tagged("--tag", "sea", "--tag", "!holiday") == Array(names[..<2]))
    #expect(try tagged("--tag", "holiday") == Array(names[2...]))

    // What indexing does to the files leaves the tags.
    try FileManager.default.moveItem(
      atPath: folder + "/" + names[0], toPath: folder + "/aaa.jpg")
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: folder + "/" + names[1]))
    #expect(try program.run("index", folder, "--force", "-q").status == 0)
    #expect(try tagged("--tag", "sea", "--tag", "!holiday") == ["aaa.jpg"])
    #expect(
      try program.run("list", "--failed", "-l", "--tag", "sea", in: folder).lines == [names[1]])
    #expect(try program.run("tag", "list").text == "6\tholiday\n8\tsea\n")

    // Nothing there, nothing right.
    let none = try program.run("tag", "add", "sea", "elsewhere")
    #expect(none.status == 1 && none.messages.contains("elsewhere: no image of the index"))
    for word in ["a,,b", "!a", ""] {
      let refused = try program.run("tag", "add", word, "pictures")
      #expect(refused.status == 64 && refused.messages.contains("is no tag"), "\(word)")
    }
    try program.run("tag", "remove", "sea,holiday", "pictures", "-q")
    let empty = try program.run("tag", "list")
    #expect(empty.status == 1 && empty.text.isEmpty)
  }

  @Test func `imported items are tagged by the names they bear`() throws {
    let row = bytes([1, 1, 1, 1] as [Float])
    try writeSafetensors(
      [("embeddings", "F32", [1, 4], row), ("lengths", "I64", [1], bytes([1] as [Int64]))],
      to: program.folder.path + "/t.safetensors")
    try Data("{\"id\": \"one\"}\n".utf8).write(
      to: URL(fileURLWithPath: program.folder.path + "/t.safetensors.jsonl"))
    #expect(try program.run("import", "t.safetensors").status == 0)
    #expect(try program.run("tag", "add", "sea", "one").status == 0)
    #expect(try program.run("list", "--tag", "sea", "-l").text == "one\n")
    // Its time is not known.
    #expect(try program.run("list", "--after", "1960-01-01").status == 1)
    #expect(try program.run("list", "--before", "2100-01-01").status == 1)
  }
}
