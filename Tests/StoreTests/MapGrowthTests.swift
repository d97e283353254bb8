import Dispatch
import FilipLateInteraction
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import FilipStore

@Suite struct MapGrowthTests {
  let folder = TemporaryFolder()

  /// A map of 256 kB, and little patience.
  static var tiny: EnvironmentOptions {
    var options = EnvironmentOptions()
    options.mapByteCount = 256 << 10
    options.smallestMapByteCount = 256 << 10
    options.growthPatience = .milliseconds(300)
    return options
  }

  static func open(_ path: String, _ mode: TokenStore.Mode) throws -> TokenStore {
    try TokenStore.open(at: path, mode: mode, environmentOptions: tiny)
  }

  /// Adds images of some 16 kB each in one write.
  ///
  /// - Returns: how many times the body ran.
  @discardableResult
  static func add(_ names: Range<Int>, to store: TokenStore) throws -> Int {
    var runCount = 0
    try store.write { writer in
      runCount += 1
      for number in names {
        var generator = SeededGenerator(seed: UInt64(number))
        try writer.insert(image("/\(number)"), tokens: generator.tokens(64, 128))
      }
    }
    return runCount
  }

  /// Checks that the index holds the first images and nothing else.
  static func check(_ count: Int, in store: TokenStore) throws {
    try store.read { snapshot in
      try #expect(snapshot.itemCount == count)
      for number in 0..<count {
        var generator = SeededGenerator(seed: UInt64(number))
        let tokens = generator.tokens(64, 128)
        let item = try #require(try snapshot.item(forPath: Array("/\(number)".utf8)))
        let stored = try #require(try snapshot.tokens(of: item.id))
        try #require(stored.elements.count == tokens.elements.count)
        #expect(zip(stored.elements, tokens.elements).allSatisfy { abs($0 - $1) < 1e-3 })
      }
    }
  }

  /// Reads the tokens of every item.
  static func readAll(_ snapshot: borrowing Snapshot) throws {
    var ids: [ItemID] = []
    try snapshot.forEachItem { ids.append($0.id) }
    try #expect(ids.count == snapshot.itemCount)
    for id in ids { try #expect(snapshot.tokens(of: id)?.tokenCount == 64) }
  }

  @Test func `a full map grows, and the write runs once more`() throws {
    let store = try Self.open(folder.path, .create)
    let before = try store.currentLease().environment.mapByteCount
    #expect(before < 1 << 20)
    #expect(try Self.add(0..<2, to: store) == 1)
    #expect(try Self.add(2..<100, to: store) > 1)
    try Self.check(100, in: store)
    #expect(try store.currentLease().environment.mapByteCount > 4 * before)
    // It is an index like any other.
    try Self.check(100, in: Self.open(folder.path, .readOnly))
  }

  @Test func `a map that is half full grows before it has to`() throws {
    let store = try Self.open(folder.path, .create)
    var secondRunCount = 0
    for number in 0..<200 {
      secondRunCount += try Self.add(number..<number + 1, to: store) - 1
    }
    #expect(secondRunCount < 3)
    try Self.check(200, in: store)
  }

  @Test func `a growing map waits for the snapshots of other threads`() throws {
    var patient = Self.tiny
    patient.growthPatience = .seconds(600)
    let store = try TokenStore.open(
      at: folder.path, mode: .create, environmentOptions: patient)
    try Self.add(0..<2, to: store)
    let isDone = Atomic(false)
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      do {
        if thread == 0 {
          defer { isDone.store(true, ordering: .releasing) }
          for start in stride(from: 2, to: 122, by: 8) {
            try Self.add(start..<start + 8, to: store)
          }
        } else {
          repeat {
            try store.read { try Self.readAll($0) }
          } while !isDone.load(ordering: .acquiring)
        }
      } catch {
        Issue.record(error)
      }
    }
    try Self.check(122, in: store)
  }

  @Test func `a thread that holds a snapshot and writes is told so`() throws {
    let store = try Self.open(folder.path, .create)
    try Self.add(0..<2, to: store)
    try store.read { _ in
      let error = storeError { try Self.add(2..<100, to: store) }
      #expect(error?.code == .mapFull)
      #expect(error?.message.contains("snapshot") == true)
      #expect(error?.message.contains(folder.path) == true)
    }
    try Self.check(2, in: store)
    try Self.add(2..<100, to: store)
    try Self.check(100, in: store)
  }

  @Test func `what another process grew is adopted`() async throws {
    try Self.add(0..<2, to: Self.open(folder.path, .create))
    let store = try Self.open(folder.path, .readOnly)
    let before = try store.currentLease().environment.mapByteCount
    var group: SnapshotGroup? = try store.snapshots(count: 2)
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      let store = try MapGrowthTests.open(path, .readWrite)
      try MapGrowthTests.add(2..<100, to: store)
      try MapGrowthTests.check(100, in: store)
    }
    // Not while the old map is in use.
    #expect(storeError { try store.read { _ in } }?.code == .mapFull)
    try group?.withSnapshot(0) { try #expect($0.itemCount == 2) }
    group = nil
    try Self.check(100, in: store)
    #expect(try store.currentLease().environment.mapByteCount > 4 * before)
  }

  @Test func `a writer adopts what another process grew`() async throws {
    let environment = try Environment(path: folder.path, options: Self.tiny)
    try Self.put([1, 2, 3], forKey: 0, in: environment)
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      let environment = try Environment(path: path)
      try MapGrowthTests.put([UInt8](repeating: 7, count: 2 << 20), forKey: 1, in: environment)
    }
    let table = try Self.put([8], forKey: 2, in: environment)
    let reader = try environment.beginRead()
    try #expect(reader.value(in: table, forKey: [1])?.count == 2 << 20)
    try #expect(reader.value(in: table, forKey: [2]) == [8])
  }

  /// Puts one value in one write.
  @discardableResult
  static func put(
    _ value: [UInt8], forKey key: UInt8, in environment: Environment
  ) throws -> Table {
    var transaction = try environment.beginWrite()
    let table = try transaction.makeTable("table")
    try transaction.put(value, forKey: [key], in: table)
    try transaction.commit()
    return table
  }

  @Test func `a map that the system refuses is an error, and the index stays`() async throws {
    try Self.add(0..<2, to: Self.open(folder.path, .create))
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      var options = MapGrowthTests.tiny
      options.mapByteCount = 32 << 20
      let store = try TokenStore.open(at: path, mode: .readWrite, environmentOptions: options)
      // Room for the program, but not for another 32 MB.
      let statistics = try #require(try smallFile("/proc/self/statm"))
      let words = String(decoding: statistics, as: UTF8.self).split(separator: " ")
      let room = try #require(Int(words[0])) * sysconf(CInt(_SC_PAGESIZE)) + (24 << 20)
      var limit = rlimit(rlim_cur: rlim_t(room), rlim_max: rlim_t(room))
      try #require(setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0)
      var failure: StoreError?
      var commitCount = 0
      while failure == nil, commitCount < 1000 {
        var generator = SeededGenerator(seed: UInt64(commitCount))
        let tokens = generator.tokens(1000, 128)
        failure = storeError {
          try store.write { writer in
            _ = try writer.insert(image("/big-\(commitCount)"), tokens: tokens)
          }
        }
        if failure == nil { commitCount += 1 }
      }
      #expect(failure?.code == .mapFull)
      #expect(failure?.message.contains("ulimit -v") == true)
      #expect(commitCount > 20)
      try store.read { try #expect($0.itemCount == commitCount + 2) }
    }
  }
}
