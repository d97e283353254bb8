import Foundation
import TestSupport
import Testing

/// Pages of documents from the command line, with the tiny random ColModernVBERT of the encoders'
/// tests.
@Suite struct PageTests {
  let program: Program
  let model = Program.repository
    .appendingPathComponent("Tests/EncodersTests/Fixtures/pages").path

  init() throws { program = try Program() }

  @Test(arguments: [nil, "single"])
  func `pages are indexed and found in the way that was asked for`(mode: String?) throws {
    let folder = try program.pictures(3)
    let asked = mode.map { ["--token-mode", $0] } ?? []
    let indexed = try program.run(["index", folder, "--model", model] + asked)
    #expect(indexed.status == 0 && indexed.messages.contains("indexed 3 new"), "\(indexed)")
    #expect(try program.run("status").text.contains("tokens \(mode ?? "native")"))

    // The index knows the mode; another one is not mixed in.
    #expect(try program.run("index", folder).status == 0)
    let other = mode == nil ? "single" : "native"
    let refused = try program.run("index", folder, "--token-mode", other)
    #expect(refused.status == 65 && refused.messages.contains("--token-mode \(mode ?? "native")"))

    let found = try program.run("search", "is this", "-k", "3", "--json")
    let json = try JSONSerialization.jsonObject(with: found.output) as? [String: Any]
    let results = try #require(json?["results"] as? [[String: Any]], "\(found.messages)")
    #expect(results.count == 3)
    for result in results {
      let words = try #require(result["words"] as? [[String: Any]])
      #expect(words.count == 2)
      for word in words {
        // A word may match a token of the prompt, which lies nowhere: then all of the page is shown.
        let box = try #require(word["box"] as? [Double])
        #expect(box.count == 4 && box.allSatisfy { (0...1).contains($0) })
        if word["patch"] == nil || word["patch"] is NSNull { #expect(box == [0, 0, 1, 1]) }
      }
    }
  }
}
