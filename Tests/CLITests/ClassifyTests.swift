import Foundation
import TestSupport
import Testing

@Suite struct ClassifyTests {
  let program: Program
  /// Pictures of the gallery, and what they show.
  let files: [String]
  let shown: [String: Set<String>]
  let labels: String

  init() throws {
    program = try Program()
    let data = try Data(contentsOf: URL(fileURLWithPath: Program.gallery + "/captions.json"))
    let captions = try #require(
      try JSONSerialization.jsonObject(with: data) as? [String: [String: Any]])
    var shown: [String: Set<String>] = [:]
    for (file, caption) in captions {
      let objects = try #require(caption["objects"] as? [[String: Any]])
      shown[file] = Set(objects.compactMap { $0["name"] as? String })
    }
    self.shown = shown
    let names = shown.keys.sorted().prefix(12)
    files = names.map { Program.gallery + "/" + $0 }
    labels = program.folder.path + "/labels.txt"
    let all = names.reduce(into: Set<String>()) { $0.formUnion(shown[$1] ?? []) }.sorted()
    try Data((all.joined(separator: "\n") + "\n\n").utf8).write(to: URL(fileURLWithPath: labels))
  }

  @Test func `pictures of the gallery are what they show`() throws {
    let run = try program.run(["classify", "-q", "--labels", labels, "-k", "1"] + files)
    #expect(run.status == 0, "\(run.messages)")
    let rows = run.lines.map { $0.components(separatedBy: "\t") }
    #expect(rows.map(\.first) == files)
    let right = rows.count { shown[($0[0] as NSString).lastPathComponent]?.contains($0[2]) == true }
    // Of some forty labels, of which a picture shows three or four.
    #expect(right >= 9, "\(run.text)")
    #expect(rows.allSatisfy { (0...1).contains(Double($0[1]) ?? -1) })
  }

  @Test func `one document says what was asked and what came out`() throws {
    let run = try program.run(
      "classify", "--labels", labels, "--prompts", "imagenet", "--direction", "i2t", "--ensemble",
      "softmax", "--scale", "40", "-k", "100", "--json", files[0])
    let document = try #require(
      try JSONSerialization.jsonObject(with: run.output) as? [String: Any], "\(run.messages)")
    #expect(document["schema"] as? String == "filip.classify/1")
    #expect((document["templates"] as? [String])?.count == 30)
    #expect(document["ensemble"] as? String == "softmax" && document["scale"] as? Double == 40)
    #expect(document["direction"] as? String == "i2t")
    let result = try #require((document["results"] as? [[String: Any]])?.first)
    #expect(result["path"] as? String == files[0])
    let scores = try #require(result["labels"] as? [[String: Any]])
    let probabilities = scores.compactMap { $0["probability"] as? Double }
    #expect(probabilities.count == document["labels"] as? Int)
    #expect(abs(probabilities.reduce(0, +) - 1) < 1e-9)
    #expect(probabilities == probabilities.sorted(by: >))
    // The bundled model has no temperature.
    let plain = try program.run("classify", "--labels", labels, "--json", files[0])
    let other = try #require(
      try JSONSerialization.jsonObject(with: plain.output) as? [String: Any])
    #expect(other["scale"] as? Double == 100)
    #expect(other["templates"] as? [String] == ["a photo of a {}"])
  }

  @Test func `what cannot be read is left out, and what makes no sense is refused`() throws {
    let broken = program.folder.path + "/broken.jpg"
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: broken))
    let some = try program.run("classify", "-q", "--labels", labels, "-k", "2", broken, files[0])
    #expect(some.status == 2 && some.lines.count == 2)
    #expect(some.messages.contains("left out: \(broken)"), "\(some.messages)")
    let empty = program.folder.path + "/empty.txt"
    try Data("\n".utf8).write(to: URL(fileURLWithPath: empty))
    let cases: [([String], Int32, String)] = [
      (["--labels", "none.txt"], 66, "none.txt"), (["--labels", empty], 64, "no labels"),
      (["--labels", labels, "--template", "a photo"], 64, "{} once"),
      (["--labels", labels, "--templates", labels], 64, "line 1"),
      (["--labels", labels, "--template", "a {}", "--prompts", "pets"], 64, "give one of"),
      (["--labels", labels, "--scale", "0"], 64, "--scale"),
      (["--labels", labels, "--ensemble", "both"], 64, "both"), ([], 64, "--labels"),
    ]
    for (arguments, status, message) in cases {
      let refused = try program.run(["classify"] + arguments + [files[0]])
      #expect(refused.status == status, "\(arguments): \(refused.messages)")
      #expect(refused.messages.contains(message), "\(arguments): \(refused.messages)")
    }
  }
}
