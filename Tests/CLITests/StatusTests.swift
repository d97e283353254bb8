import FilipStore
import Foundation
import TestSupport
import Testing

@Suite struct StatusTests {
  let program: Program

  init() throws { program = try Program() }

  private func document() throws -> [String: Any] {
    let outcome = try program.run("status", "--json")
    return try #require(
      try JSONSerialization.jsonObject(with: outcome.output) as? [String: Any])
  }

  private func line(_ word: String) throws -> String? {
    try program.run("status").lines.first { $0.hasPrefix(word) }
  }

  @Test func `the last run is told with what it found, wrote and could not read`() throws {
    let pictures = try program.pictures(5)
    try Data("no image".utf8).write(to: URL(fileURLWithPath: pictures + "/bad.jpg"))
    let before = Int(Date().timeIntervalSince1970)
    try program.run("index", pictures)
    let after = Int(Date().timeIntervalSince1970)
    let first = try #require(try line("last run"))
    #expect(first.contains("completed, "), "\(first)")
    #expect(first.hasSuffix(": 6 files seen, 5 added, 1 unreadable"), "\(first)")
    let run = try #require(try document()["last_run"] as? [String: Any])
    #expect(run["ending"] as? String == "completed")
    let times = try [#require(run["started"] as? Int), #require(run["ended"] as? Int)]
    #expect(times == times.sorted() && times.allSatisfy { (before...after).contains($0) })
    let changed = try #require(try document()["changed"] as? Int)
    #expect((before...after).contains(changed), "\(changed)")
    #expect(run["seen"] as? Int == 6 && run["added"] as? Int == 5)
    #expect(run["unreadable"] as? Int == 1 && run["unchanged"] as? Int == 0)

    try FileManager.default.removeItem(atPath: pictures + "/scene-0001.jpg")
    try program.run("index", pictures)
    #expect(
      try line("last run")?.hasSuffix(": 5 files seen, 1 removed, 1 unreadable") == true)
    // A run that changes nothing is one as well.
    try program.run("index", pictures)
    #expect(try line("last run")?.hasSuffix(": 5 files seen, 1 unreadable") == true)
    #expect(try program.run("verify").status == 0)
  }

  @Test func `a run whose end was never written down is told apart`() throws {
    try program.run("index", try program.pictures(2))
    let store = try TokenStore.open(at: program.index, mode: .readWrite)
    try store.write { writer in
      let note = "ending none started 1700000000 ended 1700000000 later 7 seen 3"
      try writer.setNote("last-run", to: Array(note.utf8))
    }
    #expect(try line("last run")?.contains("its end is not known") == true)
    let run = try #require(try document()["last_run"] as? [String: Any])
    #expect(run["started"] as? Int == 1_700_000_000 && run["seen"] as? Int == 3)
    #expect(run["ending"] == nil || run["ending"] is NSNull)
  }

  @Test func `an interrupted run says so`() throws {
    let pictures = try program.pictures(200)
    let process = program.process(["index", pictures, "--threads", "1"])
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    // Its first commit shows that it is at work.
    while process.isRunning, try document()["last_run"] as? [String: Any] == nil {
      usleep(10_000)
    }
    process.interrupt()
    process.waitUntilExit()
    let run = try #require(try document()["last_run"] as? [String: Any])
    // On a slow machine it may have been done before it was told to stop.
    let isDone = process.terminationStatus == 0
    #expect(run["ending"] as? String == (isDone ? "completed" : "interrupted"))
  }

  @Test func `readers of other processes are listed with the commits they are behind`() throws {
    try program.run("index", try program.pictures(2))
    #expect(try line("readers") == nil)
    #expect((try document()["readers"] as? [Any])?.isEmpty == true)
    let store = try TokenStore.open(at: program.index, mode: .readOnly)
    let group = try store.snapshots(count: 3)
    let process = ProcessInfo.processInfo.processIdentifier
    #expect(try line("readers") == "readers     process \(process)")
    try program.run("index", try program.pictures(1, in: "more"))
    let readers = try #require(try document()["readers"] as? [[String: Any]])
    #expect(readers.map { $0["process"] as? Int } == [Int(process)])
    let behind = try #require(readers[0]["commits_behind"] as? Int)
    #expect(behind >= 1)
    #expect(
      try line("readers")
        == "readers     process \(process) (\(behind) commits behind; the file may grow)")
    withExtendedLifetime(group) {}
  }
}
