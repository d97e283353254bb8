import CStoreFaults
import FilipLateInteraction
import FilipStore
import Glibc
import StoreProof

/// Makes the commits of a `StoreModel` one after the other, on a disk that may fail, and writes
/// down what it has done.
///
/// | line of the journal | meaning |
/// | --- | --- |
/// | `begin 3` | commit 3 begins |
/// | `struck pwrite 17` | call 17 was the one that something happens at |
/// | `refused 3 …` | commit 3 failed with an error |
/// | `committed 3` | commit 3 has succeeded |
/// | `compacting 3` | commit 3 is made, and the index is compacted |
/// | `calls 120` | the end, after so many calls |
struct WriterRole {
  let folder: String
  let journal: Journal
  let lastGeneration: UInt64
  let layout: PlaneLayout
  let persists: Bool
  /// The index is compacted after every so many commits; 0 for never.
  let compactionInterval: UInt64
  var model: StoreModel

  init(_ arguments: Arguments) {
    folder = arguments.text("folder")
    journal = Journal(path: arguments.text("journal"))
    lastGeneration = arguments.number("commits", else: 10)
    layout = PlaneLayout(
      bits: arguments.number("bits", else: 8) == 4 ? .four : .eight,
      originals: arguments.has("codes-only") ? .none : .f16)
    model = StoreModel(seed: arguments.number("seed", else: 1), shape: ModelShape())
    compactionInterval = arguments.number("compact-every", else: 0)
    persists = arguments.number("persists", else: 0) != 0
    faults_watch(folder, journal.descriptor)
    faults_arm(
      faults_action(rawValue: arguments.number("action", else: 0)),
      arguments.number("at", else: 0), persists ? 1 : 0, arguments.number("seed", else: 1))
  }

  mutating func run() throws {
    var store: TokenStore? = try open(retries: true)
    model = try model.advanced(to: store?.read { try $0.generation } ?? 0)
    try store.map { try check($0) }
    // Nobody is left to kill it when the test has gone.
    let parent = getppid()
    while model.generation < lastGeneration, getppid() == parent {
      let number = model.generation + 1
      journal.note("begin \(number)")
      for attempt in 1...4 where model.generation < number {
        if try store.map({ try makeCommit(attempt, to: $0) }) ?? false { continue }
        store = nil
        store = try open(retries: false)
        try store.map { try check($0) }
      }
      guard model.generation >= number else { fail("commit \(number) is refused for ever") }
      if compactionInterval > 0, number % compactionInterval == 0 {
        try store.map { try compact($0) }
      }
    }
    journal.note("calls \(faults_call_count())")
  }

  /// Tries the next commit.
  /// - Returns: whether the store can still be read, which must then hold what the model holds.
  private mutating func makeCommit(_ attempt: Int, to store: TokenStore) throws -> Bool {
    let number = model.generation + 1
    do {
      try model.commit(to: store)
      journal.note("committed \(number)")
      return true
    } catch let error as StoreError {
      journal.note("refused \(number) \(error.code): \(error.description)")
    }
    // The disk may stay full for one more attempt. Then there is room again.
    if persists, attempt < 2 { return true }
    faults_disarm()
    do {
      try check(store)
      return true
    } catch let error as StoreError {
      journal.note("reopening after \(error.code): \(error.description)")
      return false
    }
  }

  /// Compacts the index; when the disk fails once, it still holds what it held and can be
  /// compacted.
  private func compact(_ store: TokenStore) throws {
    journal.note("compacting \(model.generation)")
    do {
      try store.compact()
    } catch let error as StoreError {
      journal.note("refused compaction \(error.code): \(error.description)")
      faults_disarm()
      try check(store)
      try store.compact()
    }
    do {
      try check(store)
      guard try store.read({ try $0.planeStatistics().deadImageCount }) == 0 else {
        fail("rows of removed images are left")
      }
    } catch let error as StoreError {
      // The new file is opened by the first who reads it, who may fail; the second does not.
      journal.note("refused reading \(error.code): \(error.description)")
      faults_disarm()
      try check(store)
    }
  }

  /// An index holds what the model holds: at the start, and after whatever was refused.
  private func check(_ store: TokenStore) throws {
    let differences = try store.read { try model.differences(from: $0) }
    guard differences.isEmpty else {
      fail("the index differs: " + differences.joined(separator: "; "))
    }
  }

  /// Opens the index; with `retries` a second time where the disk fails at the first.
  private func open(retries: Bool) throws -> TokenStore {
    do {
      return try TokenStore.open(at: folder, mode: .create, program: "driver", layout: layout)
    } catch {
      guard retries else { throw error }
      journal.note("refused 0 \(error.code): \(error.description)")
      faults_disarm()
      return try TokenStore.open(at: folder, mode: .create, program: "driver", layout: layout)
    }
  }
}
