import Dispatch
import FilipLateInteraction
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import FilipStore

@Suite struct CompactionTests {
  let folder = TemporaryFolder()
  var path: String { folder.path }

  /// Everything of an index that its readers can see.
  struct Content: Equatable {
    var records: [ItemRecord] = []
    var tokens: [TokenMatrix?] = []
    var pooled: [[Float]?] = []
    var segments: [UInt64] = []
    var generation: UInt64 = 0
    var nextItem: UInt64 = 0
    var note: [UInt8]?
    var createdBy = ""

    init(_ snapshot: borrowing Snapshot) throws {
      var records: [ItemRecord] = []
      try snapshot.forEachItem { records.append($0) }
      self.records = records
      for record in records {
        tokens.append(try snapshot.tokens(of: record.id))
        pooled.append(try snapshot.pooled(of: record.id))
      }
      segments = try snapshot.segmentIDs()
      generation = try snapshot.generation
      nextItem = try snapshot.nextItem
      note = try snapshot.note("note")
      createdBy = try snapshot.createdBy
    }
  }

  static func add(_ names: Range<Int>, to store: TokenStore) throws {
    try store.write { writer in
      for number in names {
        var generator = SeededGenerator(seed: UInt64(number))
        try writer.insert(
          image("/\(number)"), tokens: generator.tokens(32, 64), pooled: generator.floats(8))
      }
    }
  }

  /// An index from which half was removed.
  func makeIndex() throws -> TokenStore {
    let store = try TokenStore.open(at: path, mode: .create, program: "compaction test")
    for start in stride(from: 0, to: 400, by: 50) { try Self.add(start..<start + 50, to: store) }
    try store.write { writer in
      for id in 1...200 as ClosedRange<UInt64> { try writer.remove(ItemID(rawValue: id)) }
      try writer.setNote("note", to: [1, 2, 3])
    }
    return store
  }

  func content(_ store: TokenStore) throws -> Content { try store.read { try Content($0) } }

  func names(_ path: String? = nil) throws -> [String] { try namesInFolder(path ?? self.path) }

  @Test func `a compacted index is smaller and holds the same`() throws {
    let store = try makeIndex()
    let before = try content(store)
    #expect(before.records.count == 200)
    let size = try store.fileByteCount
    let summary = try store.compact()
    #expect(summary.byteCountBefore == size)
    #expect(summary.byteCountAfter == fileByteCount(path + "/generation-2/data.mdb"))
    #expect(summary.byteCountAfter < size * 2 / 3)
    #expect(try content(store) == before)
    #expect(try store.read { try $0.audit().isSound })
    #expect(try store.read { try $0.statistics.fileByteCount } == summary.byteCountAfter)
    #expect(try names() == ["CURRENT", "generation-2", "writer.lock"])
    // It goes on as ever: ids and generations continue.
    try Self.add(1000..<1001, to: store)
    #expect(try content(store).records.last?.id.rawValue == before.nextItem)
    #expect(try content(store).generation == before.generation + 1)
    #expect(try store.compact().byteCountAfter <= summary.byteCountAfter + (64 << 10))
    #expect(try names() == ["CURRENT", "generation-3", "writer.lock"])
  }

  @Test func `an empty index is compacted`() throws {
    let store = try TokenStore.open(at: path, mode: .create)
    try store.compact()
    #expect(try store.read { try $0.itemCount } == 0)
    try Self.add(0..<1, to: store)
    #expect(try store.read { try $0.itemCount } == 1)
  }

  @Test func `snapshots keep what they saw, and the next ones see the new file`() throws {
    let store = try makeIndex()
    let reader = try TokenStore.open(at: path, mode: .readOnly)
    let before = try content(store)
    let groups = [try store.snapshots(count: 2), try reader.snapshots(count: 1)]
    try store.compact()
    try Self.add(1000..<1010, to: store)
    try store.compact()
    for group in groups { try #expect(group.withSnapshot(0) { try Content($0) } == before) }
    #expect(try content(reader).records.count == 210)
    #expect(try content(reader) == content(store))
    #expect(try reader.snapshots(count: 3).generation == before.generation + 1)
  }

  @Test func `another process compacts, and readers here never lose a commit`() async throws {
    var store: TokenStore? = try makeIndex()
    let before = try content(try #require(store))
    store = nil
    let reader = try TokenStore.open(at: path, mode: .readOnly)
    let group = try reader.snapshots(count: 2)
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      let store = try TokenStore.open(at: path, mode: .readWrite)
      try store.compact()
      try CompactionTests.add(1000..<1001, to: store)
    }
    try #expect(group.withSnapshot(1) { try Content($0) } == before)
    let after = try content(reader)
    #expect(after.records.count == 201)
    #expect(after.generation == before.generation + 1)
  }

  @Test func `no commit is lost while an index is compacted again and again`() throws {
    let store = try TokenStore.open(at: path, mode: .create)
    let reader = try TokenStore.open(at: path, mode: .readOnly)
    let running = Atomic(2)
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      do {
        switch thread {
        case 0, 1:
          defer { running.subtract(1, ordering: .releasing) }
          for number in 0..<60 {
            try Self.add(100 * thread + number..<100 * thread + number + 1, to: store)
          }
        case 2:
          repeat { try store.compact() } while running.load(ordering: .acquiring) > 0
        default:
          var last: UInt64 = 0
          repeat {
            try reader.read { snapshot in
              let generation = try snapshot.generation
              #expect(generation >= last, "time goes on")
              last = generation
              try #expect(UInt64(snapshot.itemCount) == generation)
            }
          } while running.load(ordering: .acquiring) > 0
        }
      } catch {
        Issue.record(error)
      }
    }
    #expect(try store.read { try $0.itemCount } == 120)
    #expect(try store.read { try $0.audit().isSound })
    #expect(try names().count == 3)
  }

  struct Stop: Error {}

  @Test func `a compaction that is stopped leaves everything as it was`() throws {
    let store = try makeIndex()
    let before = try content(store)
    #expect(throws: Stop.self) { try store.compact { _ in throw Stop() } }
    #expect(try names() == ["CURRENT", "generation-1", "writer.lock"])
    #expect(try content(store) == before)
    #expect(throws: Stop.self) { try store.copy(to: path + "-copy") { _ in throw Stop() } }
    #expect(access(path + "-copy", F_OK) != 0)
    try Self.add(1000..<1001, to: store)
    #expect(try content(store).records.count == 201)
  }

  @Test func `a compaction that is killed leaves everything as it was`() async throws {
    var store: TokenStore? = try makeIndex()
    let before = try content(try #require(store))
    store = nil
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.path as String] in
      let store = try TokenStore.open(at: path, mode: .readWrite)
      try store.compact { _ in _ = kill(getpid(), SIGKILL) }
    }
    #expect(try names().contains("generation-2.new"))
    #expect(try content(TokenStore.open(at: path, mode: .readOnly)) == before)
    #expect(try content(TokenStore.open(at: path, mode: .readWrite)) == before)
    #expect(try names() == ["CURRENT", "generation-1", "writer.lock"])
  }

  @Test func `only a writer compacts`() throws {
    _ = try makeIndex()
    let reader = try TokenStore.open(at: path, mode: .readOnly)
    #expect(storeError { try reader.compact() }?.code == .readOnly)
  }

  // MARK: - Copies

  @Test func `a copy is an index of its own`() throws {
    let store = try makeIndex()
    let before = try content(store)
    let reader = try TokenStore.open(at: path, mode: .readOnly)
    let target = path + "/copies/first"
    var reports: [CompactionProgress] = []
    let summary = try reader.copy(to: target) { reports.append($0) }
    #expect(summary.byteCountAfter == fileByteCount(target + "/generation-1/data.mdb"))
    #expect(try #require(reports.last).copiedByteCount > 200 * 2000)
    #expect(reports.allSatisfy { $0.copiedByteCount <= $0.totalByteCount })
    try Self.add(1000..<1001, to: store)
    let copy = try TokenStore.open(at: target, mode: .readWrite)
    #expect(try content(copy) == before)
    try Self.add(2000..<2002, to: copy)
    #expect(try content(copy).records.count == 202)
    #expect(try content(store).records.count == 201)
    #expect(try names(target) == ["CURRENT", "generation-1", "writer.lock"])
  }

  @Test func `a copy never goes where something is`() throws {
    let store = try makeIndex()
    let target = path + "/copies"
    try makeFolder(target)
    try replaceFile(target + "/letter", with: [1], passing: target + "/text")
    #expect(storeError { try store.copy(to: target) }?.code == .alreadyExists)
    #expect(try names(target) == ["letter"])
    #expect(storeError { try store.copy(to: path) }?.code == .alreadyExists)
    // What a killed copy left is nothing.
    removeTree(target + "/letter")
    try makeFolder(target + "/generation-1.new")
    try store.copy(to: target)
    #expect(try content(TokenStore.open(at: target, mode: .readOnly)) == content(store))
    #expect(storeError { try store.copy(to: target) }?.code == .alreadyExists)
  }

  @Test func `a copy is of one moment, whatever is written meanwhile`() throws {
    let store = try makeIndex()
    let before = try content(store)
    let target = path + "/copy"
    var isWritten = false
    try TokenStore.open(at: path, mode: .readOnly).copy(to: target) { _ in
      guard !isWritten else { return }
      isWritten = true
      for id in 300...350 as ClosedRange<UInt64> {
        try store.write { try $0.remove(ItemID(rawValue: id)) }
      }
    }
    #expect(isWritten)
    #expect(try content(TokenStore.open(at: target, mode: .readOnly)) == before)
    #expect(try content(store).records.count == 149)
  }

  // MARK: - Readers

  @Test func `readers are listed with the commits they are behind`() async throws {
    let store = try makeIndex()
    let group = try store.snapshots(count: 2)
    try store.write { try $0.remove(ItemID(rawValue: 300)) }
    try store.write { try $0.remove(ItemID(rawValue: 301)) }
    let single = try store.snapshots(count: 1)
    let readers = try store.readers()
    #expect(readers.map(\.commitsBehind).sorted() == [0, 2, 2])
    #expect(readers.allSatisfy { $0.processID == getpid() && $0.isThisProcess })
    withExtendedLifetime((group, single)) {}
  }

  @Test func `LMDB's table of readers is understood`() {
    let table = """
          pid     thread     txnid
           41 0000000000000000 7
       123456 7f0000000001 10
           77 0000000000000000 -

      """
    #expect(
      StoreReader.readers(inTable: table, commitNumber: 10) == [
        StoreReader(processID: 41, commitsBehind: 3),
        StoreReader(processID: 123456, commitsBehind: 0),
      ])
    #expect(StoreReader.readers(inTable: "(no reader locks)\n", commitNumber: 3).isEmpty)
  }
}
