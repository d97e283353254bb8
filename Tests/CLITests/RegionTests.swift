import Foundation
import TestSupport
import Testing

@Suite struct RegionTests {
  let program: Program

  init() throws {
    program = try Program()
    try program.run("index", "-q", try program.pictures(30))
  }

  @Test func `parts of pictures are found where the captions say, and can be asked with`() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Program.gallery + "/captions.json"))
    let captions = try #require(
      try JSONSerialization.jsonObject(with: data) as? [String: [String: Any]])
    var (right, all) = (0, 0)
    for number in [1, 5, 6, 10, 11, 12, 13, 14] {
      let file = try #require(
        captions.keys.first { $0.hasPrefix("scene-00\(number < 10 ? "0" : "")\(number).") })
      for object in try #require(captions[file]?["objects"] as? [[String: Any]]).prefix(1) {
        let name = try #require(object["name"] as? String)
        let truth = try #require(object["box"] as? [Double])
        let run = try program.run(
          "search", name, "--regions", "--json", "-k", "3", "--in", "pictures/" + file)
        let document = try #require(
          try JSONSerialization.jsonObject(with: run.output) as? [String: Any], "\(run.messages)")
        #expect(document["exact"] as? Bool == true)
        let hits = try #require(document["results"] as? [[String: Any]])
        #expect(hits.map { $0["rank"] as? Int } == [1, 2, 3])
        let box = try #require(hits[0]["region"] as? [Double])
        let sides = try ["width", "height"].map { try #require(hits[0][$0] as? Double) }
        #expect(box[0] + box[2] <= sides[0] && box[1] + box[3] <= sides[1])
        all += 1
        let inside = (0..<2).allSatisfy { axis in
          let middle = (box[axis] + box[axis + 2] / 2) / sides[axis]
          return middle >= truth[axis] - 1 / 16
            && middle <= truth[axis] + truth[axis + 2] + 1 / 16
        }
        if inside { right += 1 }
      }
    }
    #expect(all == 8 && right >= 7)

    let lines = try program.run("search", "balloon", "--regions", "-k", "4").lines
    #expect(lines.count == 4)
    let fields = lines[0].split(separator: "\t").map(String.init)
    #expect(fields.count == 3)
    let again = try program.run(
      "search", "--image", fields[1], "--region", fields[2], "--regions", "-k", "1")
    let found = again.lines[0].split(separator: "\t").map(String.init)
    #expect(again.status == 0 && found[1] == fields[1], "\(again.messages)")
    #expect(Double(found[0])! > 0.8)
  }

  @Test func `what needs whole images is refused by name`() throws {
    for arguments in [
      ["--pooled"], ["--scorer", "soft"], ["--html", "x.html"], ["--cascade"],
      ["--words", "any"], ["--without", "cat"], ["--sub", "cat"], ["--min-evidence", "2"],
    ] {
      let run = try program.run(["search", "dog", "--regions"] + arguments)
      #expect(run.status == 64, "\(arguments): \(run.messages)")
      #expect(run.messages.contains("\(arguments[0]) needs whole images"), "\(run.messages)")
    }
    let few = try program.run(
      "search", "dog", "--regions", "--candidates", "2", "-k", "2", "--json")
    let document = try #require(
      try JSONSerialization.jsonObject(with: few.output) as? [String: Any])
    #expect(document["exact"] as? Bool == false && document["candidates"] as? Int == 2)
    let limited = try program.run("search", "dog", "--regions", "--min-score", "2")
    #expect(limited.status == 1 && limited.messages.contains("left out"))
  }
}
