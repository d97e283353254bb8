import FilipLateInteraction
import Glibc
import TestSupport
import Testing

@testable import FilipStore

@Suite struct DataFileTests {
  let folder = TemporaryFolder()
  var dataPath: String { folder.path + "/generation-1/data.mdb" }

  /// What an index holds: paths and tokens.
  typealias Content = [String: TokenMatrix?]

  /// Makes an index with some garbage in it.
  func makeIndex() throws -> Content {
    let store = try TokenStore.open(at: folder.path, mode: .create)
    var generator = SeededGenerator(seed: 7)
    for commit in 0..<6 {
      try store.write { writer in
        for number in 0..<8 {
          try writer.insert(
            image("/\(commit)-\(number)"), tokens: generator.tokens(20, 32), pooled: [1, 2, 3])
        }
        if commit > 0 { try writer.remove(ItemID(rawValue: UInt64(8 * commit - 3))) }
      }
    }
    return try store.read { try content($0) }
  }

  func content(_ snapshot: borrowing Snapshot) throws -> Content {
    var items: [ItemRecord] = []
    try snapshot.forEachItem { items.append($0) }
    var content: Content = [:]
    for item in items {
      content[String(decoding: item.path ?? [], as: UTF8.self)] = try snapshot.tokens(of: item.id)
      _ = try snapshot.pooled(of: item.id)
    }
    for segment in try snapshot.segmentIDs() {
      _ = try snapshot.withSegment(segment) { segment, _ in segment.imageCount }
    }
    return content
  }

  func bytes(of path: String) throws -> [UInt8] {
    let count = try #require(fileByteCount(path))
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: count)
    #expect(fread(&bytes, 1, count, file) == count)
    return bytes
  }

  @Test func `a file cut short anywhere is refused, or still holds everything`() throws {
    let whole = try makeIndex()
    let bytes = try bytes(of: dataPath)
    #expect(bytes.count % 4096 == 0)
    #expect(bytes.count > 40 * 4096)
    var lengths = Array(stride(from: 0, to: bytes.count, by: 4096))
    lengths += [1, 100, 151, 152, 4095, 4097, 4096 + 151, 4096 + 152, 8191, 8193, 12345]
    lengths += [bytes.count - 1, bytes.count - 4095, bytes.count - 4097]
    var refusedCount = 0
    for length in lengths {
      try replaceFile(dataPath, with: Array(bytes[..<length]), passing: dataPath + ".new")
      let error = storeError {
        let store = try TokenStore.open(at: folder.path, mode: .readOnly)
        try #expect(store.read { try content($0) } == whole, "\(length) bytes")
      }
      guard let error else { continue }
      #expect(error.code == .damaged, "\(length) bytes: \(error)")
      refusedCount += 1
    }
    #expect(refusedCount > lengths.count * 3 / 4, "\(refusedCount) of \(lengths.count)")
    try replaceFile(dataPath, with: bytes, passing: dataPath + ".new")
    try #expect(
      TokenStore.open(at: folder.path, mode: .readOnly).read { try content($0) } == whole)
  }

  @Test(arguments: [4096, 8192, 5 * 4096, 20 * 4096 + 1])
  func `a file that is cut short while it is open is refused`(length: Int) throws {
    let whole = try makeIndex()
    let store = try TokenStore.open(at: folder.path, mode: .readOnly)
    try #expect(store.read { try content($0) } == whole)
    #expect(truncate(dataPath, length) == 0)
    for _ in 0..<2 {
      let error = storeError { try store.read { _ = try content($0) } }
      #expect(error?.code == .damaged)
      #expect(error?.message.contains("cut short") == true)
      #expect(error?.message.contains(folder.path) == true)
    }
  }

  @Test func `a writer refuses a file that is cut short while it is open`() throws {
    let whole = try makeIndex()
    let store = try TokenStore.open(at: folder.path, mode: .readWrite)
    try #expect(store.read { try content($0) } == whole)
    #expect(truncate(dataPath, 5 * 4096) == 0)
    let error = storeError { try store.write { writer in _ = try writer.remove(.first) } }
    #expect(error?.code == .damaged)
    #expect(fileByteCount(dataPath) == 5 * 4096)
  }

  @Test func `a file that ends before its free pages is whole`() throws {
    let environment = try Environment(path: folder.path)
    var generator = SeededGenerator(seed: 3)
    var shortCount = 0
    var table: Table?
    for round in 0..<300 where shortCount < 5 {
      var transaction = try environment.beginWrite()
      let opened = try table ?? transaction.makeTable("table")
      let count = Int.random(in: 1...60_000, using: &generator)
      let keys = (0..<4).map { _ in [UInt8.random(in: 0...40, using: &generator)] }
      for key in keys { try transaction.put(generator.bytes(count), forKey: key, in: opened) }
      // What is given up in the write that took it is not written.
      for key in keys.suffix(2) { try transaction.remove(key, in: opened) }
      try transaction.commit()
      table = opened
      let descriptor = open(folder.path + "/data.mdb", O_RDONLY)
      defer { close(descriptor) }
      let file = try DataFile(descriptor)
      let byteCount = UInt64(fileByteCount(of: descriptor))
      #expect(file.isWhole(byteCount: byteCount), "round \(round)")
      // A page less would be one in use.
      if byteCount < file.wholeByteCount {
        shortCount += 1
        _ = try environment.beginRead()
      }
      var last = byteCount
      while last > 8192, file.isWhole(byteCount: last) { last -= 4096 }
      #expect(last > 8192, "the end of what is in use is found")
    }
    #expect(shortCount > 0, "some files end before their free pages")
  }

  @Test func `a file whose list of free pages has branches is whole too`() throws {
    let environment = try Environment(path: folder.path)
    var generator = SeededGenerator(seed: 5)
    var creation = try environment.beginWrite()
    let table = try creation.makeTable("table")
    try creation.commit()
    func write(_ byteCounts: [Int], removing removed: Range<UInt8>) throws {
      var transaction = try environment.beginWrite()
      for (key, count) in byteCounts.enumerated() {
        try transaction.put(generator.bytes(count), forKey: [UInt8(key)], in: table)
      }
      for key in removed { try transaction.remove([key], in: table) }
      try transaction.commit()
    }
    // No page that a reader may see is taken again. So the list gets an entry from every commit, and
    // when the first reader is gone some pages can be taken and returned.
    let first = try environment.beginRead()
    for _ in 0..<10 { try write([50_000, 40_000], removing: 0..<0) }
    let second = try environment.beginRead()
    for _ in 0..<300 { try write([50_000, 40_000], removing: 0..<0) }
    try first.commit()
    var shortCount = 0
    for round in 0..<20 {
      // More than all pages that can be taken again.
      try write([100, 100, 2_000_000], removing: 2..<3)
      let descriptor = open(folder.path + "/data.mdb", O_RDONLY)
      defer { close(descriptor) }
      let file = try DataFile(descriptor)
      let byteCount = UInt64(fileByteCount(of: descriptor))
      #expect(file.isWhole(byteCount: byteCount), "round \(round)")
      #expect(!file.isWhole(byteCount: 12_288), "round \(round)")
      if byteCount < file.wholeByteCount { shortCount += 1 }
    }
    #expect(shortCount > 0, "some files end before their free pages")
    try second.commit()
  }

  @Test func `flipped bytes in the first pages are refused, never fatal`() throws {
    _ = try makeIndex()
    let bytes = try bytes(of: dataPath)
    var generator = SeededGenerator(seed: 11)
    var refusedCount = 0
    for _ in 0..<400 {
      var changed = bytes
      for page in [0, 4096] {
        let offset = page + Int.random(in: 8..<152, using: &generator)
        changed[offset] = UInt8.random(in: 0...255, using: &generator)
      }
      try replaceFile(dataPath, with: changed, passing: dataPath + ".new")
      let descriptor = open(dataPath, O_RDONLY)
      defer { close(descriptor) }
      do throws(LMDBError) {
        let file = try DataFile(descriptor)
        if !file.isWhole(byteCount: UInt64(changed.count)) { refusedCount += 1 }
      } catch {
        refusedCount += 1
      }
    }
    #expect(refusedCount > 0)
  }
}
