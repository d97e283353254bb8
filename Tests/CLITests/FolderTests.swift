import FilipStore
import Foundation
import Glibc
import TestSupport
import Testing

@Suite struct FolderTests {
  let program: Program

  init() throws { program = try Program() }

  private func names(_ path: String? = nil) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path ?? program.index).sorted()
  }

  private func byteCount(_ file: String) throws -> Int {
    try Data(contentsOf: URL(fileURLWithPath: program.index + "/" + file)).count
  }

  // MARK: - compact

  @Test func `compact gives back the room of removed images`() throws {
    try program.run("index", Program.gallery)
    #expect(try program.run("remove", Program.gallery).status == 0)
    try program.run("index", try program.pictures(20))
    let before = try byteCount("generation-1/data.mdb")
    let hits = try program.run("search", "dog", "-k", "5").text
    let outcome = try program.run("compact")
    #expect(outcome.status == 0)
    #expect(outcome.messages.hasPrefix("compacted the index from "), "\(outcome.messages)")
    #expect(outcome.messages.contains(" saved"))
    #expect(try names() == ["CURRENT", "generation-2", "writer.lock"])
    #expect(try byteCount("generation-2/data.mdb") < before / 2)
    #expect(try program.run("search", "dog", "-k", "5").text == hits)
    #expect(!hits.isEmpty)
    let second = try program.run("compact", "--json")
    let document = try #require(
      try JSONSerialization.jsonObject(with: second.output) as? [String: Any])
    #expect(document["schema"] as? String == "filip.compact/1")
    let after = try byteCount("generation-3/data.mdb")
    #expect(document["bytes_after"] as? Int == after)
    #expect(try program.run("compact", "--quiet").messages.isEmpty)
  }

  @Test func `compact -o makes a backup beside a writer`() throws {
    try program.run("index", try program.pictures(10))
    let backup = program.folder.path + "/backup"
    let store = try TokenStore.open(at: program.index, mode: .readWrite)
    let outcome = try program.run("compact", "-o", backup)
    #expect(outcome.status == 0, "\(outcome.messages)")
    #expect(outcome.messages.contains("copied the index to \(backup)"))
    #expect(try names(backup) == ["CURRENT", "generation-1", "writer.lock"])
    #expect(try names() == ["CURRENT", "generation-1", "writer.lock"])
    let hits = try program.run("search", "dog").text
    #expect(!hits.isEmpty)
    #expect(try program.run("search", "dog", "--index", backup).text == hits)
    let again = try program.run("compact", "-o", backup)
    #expect(again.status == 73)
    #expect(again.messages.contains("not empty"))
    #expect(try program.run("compact").status == 75, "in place it needs to be the only writer")
    withExtendedLifetime(store) {}
  }

  @Test func `compact without an index says so`() throws {
    #expect(try program.run("compact").status == 66)
    #expect(try program.run("compact", "-o", "backup").status == 66)
    #expect(try program.run("compact", "-o", " ").status == 64)
  }

  // MARK: - Waiting

  @Test func `with --wait a second writer has its turn`() throws {
    let pictures = try program.pictures(2)
    try program.run("index", pictures)
    var store: TokenStore? = try TokenStore.open(at: program.index, mode: .readWrite)
    #expect(try program.run("remove", pictures).status == 75)
    #expect(try program.run("remove", pictures, "--wait", "0.3").status == 75)
    #expect(try program.run("remove", pictures, "--wait", "-1").status == 64)
    let process = program.process(["remove", pictures, "--wait", "600"])
    let messages = program.folder.path + "/messages"
    _ = FileManager.default.createFile(atPath: messages, contents: nil)
    process.standardError = FileHandle(forWritingAtPath: messages)
    try process.run()
    func said() throws -> String { try String(contentsOfFile: messages, encoding: .utf8) }
    while process.isRunning, try !said().contains("waiting, for ") { usleep(10_000) }
    #expect(process.isRunning)
    #expect(try said().contains("pid \(getpid())"))
    withExtendedLifetime(store) {}
    store = nil
    process.waitUntilExit()
    let last = try said()
    #expect(process.terminationStatus == 0, "\(last)")
    #expect(try program.listing().isEmpty)
  }

  // MARK: - Indexes that cannot be opened

  @Test func `what --force replaces is kept`() throws {
    let pictures = try program.pictures(3)
    try program.run("index", pictures)
    let path = program.index + "/generation-1/data.mdb"
    let garbage = Data(repeating: 0x41, count: 12345)
    try garbage.write(to: URL(fileURLWithPath: path))
    #expect(try program.run("index", pictures).status == 65)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == garbage)
    #expect(try program.run("index", pictures, "--force").status == 0)
    #expect(try program.listing().count == 3)
    #expect(
      try names() == [
        "CURRENT", "CURRENT.old", "generation-1.old", "generation-2", "writer.lock",
      ])
    let kept = program.index + "/generation-1.old/data.mdb"
    #expect(try Data(contentsOf: URL(fileURLWithPath: kept)) == garbage)
    // A newer format is kept, too.
    try Data("filip-index 2\ngeneration-2\n".utf8).write(
      to: URL(fileURLWithPath: program.index + "/CURRENT"))
    let newer = try program.run("index", pictures)
    #expect(newer.status == 65)
    #expect(newer.messages.contains("format 2, and this program reads up to format 1.0"))
    #expect(try program.run("index", pictures, "--force").status == 0)
    #expect(try names().filter { $0.hasSuffix(".old") || $0.hasSuffix(".old1") }.count == 4)
    #expect(try program.listing().count == 3)
  }

  // MARK: - Read-only media

  /// Whether this user may mount something for a program of its own.
  static let canMount: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    process.arguments = ["-rm", "mount", "--bind", "/tmp", "/tmp"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  /// Runs `filip` where the index is mounted for reading only.
  private func runReadOnly(_ arguments: String...) throws -> Program.Outcome {
    let script = """
      mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 99
      touch "$1/probe" 2>/dev/null && exit 98
      shift; exec "$@"
      """
    return try program.run(
      executable: "/usr/bin/unshare",
      ["-rm", "sh", "-c", script, "sh", program.index, Program.executable.path] + arguments)
  }

  @Test(.enabled(if: canMount))
  func `a read-only medium is searched without a trace, and not written`() throws {
    let pictures = try program.pictures(10)
    try program.run("index", pictures)
    let hits = try program.run("search", "dog").text
    #expect(!hits.isEmpty)
    let outcome = try runReadOnly("search", "dog")
    #expect(outcome.status == 0, "\(outcome.messages)")
    #expect(outcome.text == hits)
    #expect(try runReadOnly("remove", pictures).status == 73)
    #expect(try runReadOnly("compact").status == 73)
    // A writer elsewhere would not see such a reader.
    let store = try TokenStore.open(at: program.index, mode: .readWrite)
    let busy = try runReadOnly("search", "dog")
    #expect(busy.status == 75, "\(busy.messages)")
    withExtendedLifetime(store) {}
  }

  // MARK: - Long readers

  @Test func `a reader that makes the file grow is named`() throws {
    try program.run("index", try program.pictures(1))
    let store = try TokenStore.open(at: program.index, mode: .readOnly)
    var group: SnapshotGroup? = try store.snapshots(count: 1)
    let outcome = try program.run("index", Program.gallery)
    #expect(outcome.status == 0)
    #expect(outcome.messages.contains("process \(getpid()) has read an old state"))
    withExtendedLifetime(group) {}
    group = nil
    let again = try program.run("index", Program.gallery, "--force").messages
    #expect(!again.contains("old state"), "\(again)")
  }
}
