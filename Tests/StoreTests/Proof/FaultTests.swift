import FilipLateInteraction
import Foundation
import StoreProof
import TestSupport
import Testing

@testable import FilipStore

/// What may go wrong at a system call; the numbers are those of `CStoreFaults`.
enum Fault: UInt32, CaseIterable {
  case noSpace = 1
  case inputOutput, shortWrite, killBefore, killWithin, killAfter, powerLoss
  /// The disk stays full for a while.
  case lastingNoSpace = 101

  var kills: Bool { (Fault.killBefore.rawValue...Fault.powerLoss.rawValue).contains(rawValue) }
}

/// An index is written by a process that fails at a chosen system call, and then looked at.
///
/// With `FILIP_STORE_PROOF=all` in the environment something goes wrong at every call there is, for
/// every layout; otherwise at some of them.
@Suite struct FaultTests {
  /// Whether nothing is left out.
  static let isExhaustive = ProcessInfo.processInfo.environment["FILIP_STORE_PROOF"] == "all"
  private static let commitCount: UInt64 = 12

  /// One index, its journal and what it follows from.
  fileprivate struct Case {
    let folder: TemporaryDirectory
    let seed: UInt64
    let layout: PlaneLayout
    var index: String { folder.path + "/index" }
    var journalPath: String { folder.path + "/journal" }

    init(seed: UInt64, layout: PlaneLayout = PlaneLayout()) throws {
      folder = try TemporaryDirectory(inMemory: true)
      self.seed = seed
      self.layout = layout
    }

    /// Starts the writer.
    func writer(
      _ fault: Fault? = nil, at call: UInt64 = 0, commits: UInt64 = FaultTests.commitCount
    ) throws -> DriverProcess {
      let isLasting = fault == .lastingNoSpace
      let action = isLasting ? Fault.noSpace.rawValue : fault?.rawValue ?? 0
      return try DriverProcess(
        "write",
        [
          "folder": index, "journal": journalPath, "seed": "\(seed)", "commits": "\(commits)",
          "bits": "\(layout.bits.rawValue)",
          layout.originals == .none ? "codes-only" : "originals": "1",
          "compact-every": "5", "action": "\(action)", "at": "\(call)",
          "persists": isLasting ? "1" : "0",
        ])
    }

    /// Demands that the index holds every commit that was reported, wholly, and of others at most
    /// the one that had begun; and that it can be written to.
    func check(_ name: String) throws {
      let journal = DriverJournal(path: journalPath)
      let store = try TokenStore.open(
        at: index, mode: .create, program: "test", layout: layout)
      let generation = try store.read { try $0.generation }
      #expect(
        generation == journal.committed || generation == journal.begun,
        "\(name): generation \(generation)\n\(journal.lines.joined(separator: "\n"))")
      var model = StoreModel(seed: seed, shape: ModelShape()).advanced(to: generation)
      try #expect(store.read { try model.differences(from: $0) } == [], "\(name)")
      try model.commit(to: store)
      try #expect(store.read { try model.differences(from: $0) } == [], "\(name): one more commit")
    }
  }

  private static let layouts =
    isExhaustive
    ? [
      PlaneLayout(), PlaneLayout(bits: .four), PlaneLayout(bits: .eight, originals: .none),
    ] : [PlaneLayout()]

  @Test(arguments: Fault.allCases, layouts)
  func `a commit is there wholly or not at all, whatever call fails`(
    fault: Fault, layout: PlaneLayout
  ) throws {
    let seed = UInt64(fault.rawValue)
    let plain = try Case(seed: seed, layout: layout)
    let end = try plain.writer().wait()
    #expect(end.status == 0, "\(end.text)")
    try plain.check("undisturbed")
    let callCount = DriverJournal(path: plain.journalPath).callCount
    // Making an index takes a dozen calls, and each commit two and more.
    try #require(callCount > 12 + 2 * Self.commitCount)
    var generator = SeededGenerator(seed: seed)
    let all = Array(1...callCount)
    let calls = Self.isExhaustive ? all : Array(all.shuffled(using: &generator).prefix(8))
    for call in calls {
      let disturbed = try Case(seed: seed, layout: layout)
      let end = try disturbed.writer(fault, at: call).wait()
      let journal = DriverJournal(path: disturbed.journalPath)
      let name = "\(fault) at call \(call) (\(journal.struck ?? "not reached"))"
      #expect(journal.struck != nil, "\(name): \(end.text)")
      #expect(end.isKilled == fault.kills, "\(name): \(end.text)")
      #expect(end.status == (fault.kills ? SIGKILL : 0), "\(name): \(end.text)")
      if !fault.kills { #expect(journal.committed == Self.commitCount, "\(name)") }
      // A disk that fails or is full has damaged nothing, and is not said to have.
      #expect(!journal.lines.contains { $0.contains("damaged") }, "\(name): \(journal.lines)")
      try disturbed.check(name)
    }
  }

  @Test func `a writer that is killed again and again goes on where it was`() throws {
    let index = try Case(seed: 77)
    var generator = SeededGenerator(seed: 77)
    var killCount = 0
    for round in 0..<(Self.isExhaustive ? 300 : 8) {
      let writer = try index.writer(commits: 1_000_000)
      usleep(UInt32.random(in: 20_000...120_000, using: &generator))
      kill(writer.process.processIdentifier, SIGKILL)
      let end = writer.wait()
      #expect(end.isKilled, "\(end.text)")
      killCount += 1
      // Looked at by a reader now and then; otherwise the next writer finds what it finds.
      if round % 4 == 3 { try index.checkByReading("round \(round)") }
    }
    try index.check("after \(killCount) kills")
    #expect(DriverJournal(path: index.journalPath).committed > 0)
  }
}

extension FaultTests.Case {
  /// The same as `check`, without a commit.
  fileprivate func checkByReading(_ name: String) throws {
    let journal = DriverJournal(path: journalPath)
    let store = try TokenStore.open(at: index, mode: .readOnly)
    let generation = try store.read { try $0.generation }
    #expect(generation == journal.committed || generation == journal.begun, "\(name)")
    let model = StoreModel(seed: seed, shape: ModelShape()).advanced(to: generation)
    try #expect(store.read { try model.differences(from: $0) } == [], "\(name)")
  }
}
