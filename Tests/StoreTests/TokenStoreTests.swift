import FilipLateInteraction
import Glibc
import Synchronization
import Testing
import TestSupport

@testable import FilipStore

@Suite struct TokenStoreTests {
  let folder = TemporaryFolder()

  func open(_ mode: TokenStore.Mode = .create) throws -> TokenStore {
    try TokenStore.open(at: folder.path, mode: mode, program: "filip 0.1")
  }

  // MARK: - Coming back

  @Test(arguments: 0..<5 as Range<UInt64>)
  func `items, tokens and vectors survive closing`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var expected: [ItemID: (item: ItemRecord, tokens: TokenMatrix, pooled: [Float]?)] = [:]
    do {
      let store = try open()
      for number in 0..<4 {
        try store.write { writer in
          for step in 0..<5 {
            var item = generator.record(path: Array("/photos/\(number)/\(step)".utf8))
            item.unreadableReason = nil
            item.encoderFingerprint = "tower \(step % 2)"
            let tokens = generator.tokens(Int.random(in: 0...30, using: &generator), 8)
            let pooled = step == 3 ? nil : generator.floats(8)
            item.id = try writer.insert(item, tokens: tokens, pooled: pooled)
            item = try #require(try writer.item(item.id))
            #expect(item.tokenCount == tokens.tokenCount)
            expected[item.id] = (item, tokens, pooled)
          }
        }
      }
    }
    let store = try open(.readOnly)
    try store.read { snapshot in
      try #expect(snapshot.itemCount == 20)
      try #expect(snapshot.readableCount == 20)
      try #expect(snapshot.generation == 4)
      try #expect(snapshot.createdBy == "filip 0.1")
      #expect(snapshot.fingerprints == ["tower 0", "tower 1"])
      try #expect(snapshot.audit().isSound)
      for (id, value) in expected {
        try #expect(snapshot.item(id) == value.item)
        try #expect(snapshot.item(forPath: value.item.path ?? []) == value.item)
        let tokens = try #require(try snapshot.tokens(of: id))
        #expect(tokens.elements == value.tokens.elements.map { Float(Float16($0)) })
        try #expect(snapshot.pooled(of: id) == value.pooled.map { $0.map { Float(Float16($0)) } })
        if let hash = value.item.contentHash {
          try #expect(snapshot.items(withContentHash: hash) == [value.item])
        }
      }
    }
  }

  @Test func `what is not there is nil`() throws {
    try open().read { snapshot in
      try #expect(snapshot.item(.first) == nil)
      try #expect(snapshot.item(forPath: Array("/a".utf8)) == nil)
      try #expect(snapshot.tokens(of: .first) == nil)
      try #expect(snapshot.pooled(of: .first) == nil)
      try #expect(snapshot.note("a") == nil)
      try #expect(snapshot.items(withContentHash: ContentHash(high: 1, low: 2)).isEmpty)
      try #expect(snapshot.idRanges(count: 4).isEmpty)
      try #expect(snapshot.itemCount == 0)
      try #expect(snapshot.generation == 0)
    }
  }

  @Test func `notes are kept and removed`() throws {
    let store = try open()
    try store.write { writer in try writer.setNote("roots", to: [1, 2, 0]) }
    try #expect(store.read { snapshot in try snapshot.note("roots") } == [1, 2, 0])
    try store.write { writer in try writer.setNote("roots", to: nil) }
    try #expect(store.read { snapshot in try snapshot.note("roots") } == nil)
  }

  @Test func `an unreadable file is remembered with its reason`() throws {
    let store = try open()
    let id = try store.write { writer in try writer.insert(image("/a"), tokens: smallTokens) }
    try store.write { writer in
      try #expect(writer.insertUnreadable(image("/a"), reason: "it ends early") == id)
    }
    try store.read { snapshot in
      try #expect(snapshot.item(id)?.unreadableReason == "it ends early")
      try #expect(snapshot.item(id)?.tokenCount == 0)
      try #expect(snapshot.tokens(of: id) == nil)
      try #expect(snapshot.itemCount == 1)
      try #expect(snapshot.readableCount == 0)
    }
    try store.write { writer in try writer.insert(image("/a"), tokens: smallTokens) }
    try #expect(store.read { snapshot in try snapshot.item(id)?.unreadableReason } == nil)
  }

  // MARK: - Ids

  @Test func `an id stays when the file changes, moves or is touched`() throws {
    let store = try open()
    let id = try store.write { writer in try writer.insert(image("/a"), tokens: smallTokens) }
    try store.write { writer in
      var changed = image("/a")
      changed.contentHash = ContentHash(high: 1, low: 2)
      try #expect(writer.insert(changed, tokens: smallTokens) == id)
      try writer.rename(
        id, to: Array("/b".utf8), root: Array("/".utf8), fileSize: 11, modificationTime: 21)
      try writer.touch(id, fileSize: 12, modificationTime: 22)
    }
    try store.read { snapshot in
      let item = try #require(try snapshot.item(forPath: Array("/b".utf8)))
      #expect(item.id == id)
      #expect(item.fileSize == 12)
      #expect(item.modificationTime == 22)
      try #expect(snapshot.item(forPath: Array("/a".utf8)) == nil)
      try #expect(snapshot.items(withContentHash: ContentHash(high: 1, low: 2)) == [item])
      try #expect(snapshot.tokens(of: id) != nil)
    }
  }

  @Test func `an item gives way to the one that is moved onto its path`() throws {
    let store = try open()
    let (first, second) = try store.write { writer in
      (
        try writer.insert(image("/a"), tokens: smallTokens),
        try writer.insert(image("/b"), tokens: smallTokens)
      )
    }
    try store.write { writer in
      try writer.rename(
        first, to: Array("/b".utf8), root: nil, fileSize: 10, modificationTime: 20)
      try #expect(writer.item(second) == nil)
    }
    try store.read { snapshot in
      try #expect(snapshot.item(forPath: Array("/b".utf8))?.id == first)
      try #expect(snapshot.itemCount == 1)
      try #expect(snapshot.readableCount == 1)
    }
  }

  @Test func `an item is replaced under its id with another path and hash`() throws {
    let store = try open()
    var item = image("/a")
    item.contentHash = ContentHash(high: 1, low: 1)
    try store.write { [item] writer in
      var item = item
      item.id = try writer.insert(item, tokens: smallTokens, pooled: [1, 0])
      item.path = Array("/c".utf8)
      item.contentHash = ContentHash(high: 2, low: 2)
      try writer.replace(item, tokens: smallTokens)
    }
    try store.read { snapshot in
      try #expect(snapshot.item(forPath: Array("/a".utf8)) == nil)
      try #expect(snapshot.item(forPath: Array("/c".utf8))?.id == .first)
      try #expect(snapshot.items(withContentHash: ContentHash(high: 1, low: 1)).isEmpty)
      try #expect(snapshot.items(withContentHash: ContentHash(high: 2, low: 2)).count == 1)
      try #expect(snapshot.pooled(of: .first) == nil)
    }
  }

  @Test func `an id is never given again`() throws {
    let ids = try (0..<3).map { _ in
      let store = try open()
      let id = try store.write { writer in try writer.insert(image("/a"), tokens: smallTokens) }
      try #expect(store.write { writer in try writer.remove(id) })
      try #expect(store.write { writer in try writer.remove(id) } == false)
      return id
    }
    #expect(ids.map(\.rawValue) == [1, 2, 3])
  }

  @Test func `nothing remains of an item that was removed`() throws {
    let store = try open()
    var item = image("/a")
    item.contentHash = ContentHash(high: 1, low: 1)
    let id = try store.write { [item] writer in
      try writer.insert(item, tokens: smallTokens, pooled: [1])
    }
    try store.write { writer in _ = try writer.remove(id) }
    try store.read { snapshot in
      let tables = try snapshot.statistics.tables
      #expect(tables.filter { $0.name != "meta" }.allSatisfy { $0.entryCount == 0 })
    }
  }

  @Test func `a change of an item that does not exist is refused and spoils nothing`() throws {
    let store = try open()
    try store.write { writer in
      #expect(throws: StoreError.self) {
        try writer.touch(ItemID(rawValue: 7), fileSize: 0, modificationTime: 0)
      }
      var item = image("/a")
      item.id = ItemID(rawValue: 7)
      let error = storeError { [item] in try writer.replace(item, tokens: smallTokens) }
      #expect(error?.code == .noSuchItem)
      try writer.insert(image("/b"), tokens: smallTokens)
    }
    try #expect(store.read { snapshot in try snapshot.itemCount } == 1)
  }

  // MARK: - Transactions

  @Test func `an aborted write leaves the old value`() throws {
    struct Stop: Error {}
    let store = try open()
    let id = try store.write { writer in try writer.insert(image("/a"), tokens: smallTokens) }
    #expect(throws: Stop.self) {
      try store.write { writer in
        try writer.remove(id)
        try writer.insert(image("/b"), tokens: smallTokens)
        throw Stop()
      }
    }
    try store.read { snapshot in
      try #expect(snapshot.item(id)?.path == Array("/a".utf8))
      try #expect(snapshot.itemCount == 1)
      try #expect(snapshot.generation == 1)
    }
  }

  @Test func `a write without changes is no new generation`() throws {
    let store = try open()
    try store.write { writer in _ = try writer.item(.first) }
    try #expect(store.read { snapshot in try snapshot.generation } == 0)
  }

  @Test func `a snapshot does not see what is committed meanwhile`() throws {
    let store = try open()
    try store.write { writer in try writer.insert(image("/a"), tokens: smallTokens) }
    try store.read { snapshot in
      try store.write { writer in
        try writer.insert(image("/b"), tokens: smallTokens)
        try writer.remove(.first)
      }
      try #expect(snapshot.itemCount == 1)
      try #expect(snapshot.item(.first) != nil)
      try #expect(snapshot.item(forPath: Array("/b".utf8)) == nil)
      try #expect(snapshot.tokens(of: .first) != nil)
      try #expect(snapshot.generation == 1)
    }
    try #expect(store.read { snapshot in try snapshot.item(.first) } == nil)
  }

  @Test func `readers see whole commits while a writer works`() async throws {
    let store = try open()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for number in 0..<40 {
          try store.write { writer in
            try writer.insert(image("/\(number)/a"), tokens: smallTokens)
            try writer.insert(image("/\(number)/b"), tokens: smallTokens)
          }
        }
      }
      for _ in 0..<3 {
        group.addTask {
          for _ in 0..<200 {
            try store.read { snapshot in
              var count = 0
              try snapshot.forEachItem { _ in count += 1 }
              let generation = try snapshot.generation
              #expect(count == Int(generation) * 2)
            }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func `a write inside a write is a mistake of the programmer`() async {
    await #expect(processExitsWith: .failure) { [path = folder.path as String] in
      let store = try TokenStore.open(at: path, mode: .create)
      try store.write { _ in try store.write { _ in } }
    }
  }

  @Test func `a write after another thread's write takes its turn`() async throws {
    let store = try open()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<4 {
        group.addTask {
          for step in 0..<10 {
            try store.write { writer in
              try writer.insert(image("/\(task)/\(step)"), tokens: smallTokens)
            }
          }
        }
      }
      try await group.waitForAll()
    }
    try #expect(store.read { snapshot in try snapshot.itemCount } == 40)
    try #expect(store.read { snapshot in try snapshot.generation } == 40)
  }

  @Test func `a full map grows, even when the body hides that it was full`() throws {
    var options = EnvironmentOptions()
    options.mapByteCount = 1 << 20
    options.smallestMapByteCount = 1 << 20
    var generator = SeededGenerator(seed: 1)
    let tokens = generator.tokens(64, 64)
    do {
      let store = try TokenStore.open(
        at: folder.path, mode: .create, environmentOptions: options)
      try store.write { writer in try writer.insert(image("/first"), tokens: tokens) }
      var runCount = 0
      try store.write { writer in
        runCount += 1
        for number in 0..<1000 {
          _ = try? writer.insert(image("/\(number)"), tokens: tokens)
        }
      }
      #expect(runCount > 1)
    }
    try open(.readOnly).read { snapshot in
      try #expect(snapshot.itemCount == 1001)
      try #expect(snapshot.audit().isSound)
      try #expect(snapshot.tokens(of: ItemID(rawValue: 1001)) != nil)
    }
  }

  @Test func `a full disk leaves the last commit`() async throws {
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      var generator = SeededGenerator(seed: 1)
      let tokens = generator.tokens(64, 64)
      let store = try TokenStore.open(at: path, mode: .create)
      try store.write { writer in try writer.insert(image("/first"), tokens: tokens) }
      // A limit on the length of files stops LMDB where a full disk would.
      let byteCount = try store.read { snapshot in try snapshot.statistics.fileByteCount }
      var limit = rlimit(rlim_cur: UInt(byteCount + 100_000), rlim_max: UInt(byteCount + 100_000))
      signal(SIGXFSZ, SIG_IGN)
      setrlimit(__rlimit_resource_t(UInt32(RLIMIT_FSIZE.rawValue)), &limit)
      let error = storeError {
        try store.write { writer in
          for number in 0..<100 { try writer.insert(image("/\(number)"), tokens: tokens) }
        }
      }
      #expect(error?.code == .diskFull)
      #expect(error?.message.contains(" left, while writing") == true)
      #expect(error?.message.contains("; free at least ") == true)
      try #expect(store.read { snapshot in try snapshot.itemCount } == 1)
      try store.write { writer in try writer.setNote("still", to: [1]) }
    }
    try open(.readOnly).read { snapshot in
      try #expect(snapshot.itemCount == 1)
      try #expect(snapshot.note("still") == [1])
      try #expect(snapshot.audit().isSound)
    }
  }

  @Test func `a killed writer leaves the last commit and no lock`() async throws {
    _ = try open()
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.path as String] in
      let store = try TokenStore.open(at: path, mode: .readWrite)
      try store.write { writer in try writer.insert(image("/a"), tokens: smallTokens) }
      try store.write { writer in
        try writer.insert(image("/b"), tokens: smallTokens)
        try writer.remove(.first)
        kill(getpid(), SIGKILL)
      }
    }
    let store = try open(.readWrite)
    try store.read { snapshot in
      try #expect(snapshot.itemCount == 1)
      try #expect(snapshot.item(.first)?.path == Array("/a".utf8))
    }
    let id = try store.write { writer in try writer.insert(image("/c"), tokens: smallTokens) }
    #expect(id.rawValue == 2)
  }
}
