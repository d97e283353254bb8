import FilipLateInteraction
import Glibc
import Testing
import TestSupport

@testable import FilipStore

@Suite struct StoreOpeningTests {
  let folder = TemporaryFolder()

  /// The environment of an index that nobody has open.
  func environment() throws -> Environment {
    try Environment(path: folder.path, folder: folder.path + "/generation-1")
  }

  /// Writes `bytes` as the format marker of the index in the folder; `nil` removes the marker.
  func setMarker(_ bytes: [UInt8]?) throws {
    _ = try TokenStore.open(at: folder.path, mode: .create)
    let environment = try environment()
    var transaction = try environment.beginWrite()
    let meta = try transaction.makeTable("meta")
    if let bytes {
      try transaction.put(bytes, forKey: MetaKey.format, in: meta)
    } else {
      try transaction.remove(MetaKey.format, in: meta)
    }
    try transaction.commit()
    environment.close()
  }

  func openingError(_ mode: TokenStore.Mode) -> StoreError? {
    storeError { _ = try TokenStore.open(at: folder.path, mode: mode) }
  }

  @Test(arguments: [TokenStore.Mode.readOnly, .readWrite])
  func `an index that does not exist is not opened, and how to make one is said`(
    mode: TokenStore.Mode
  ) throws {
    for path in [folder.path, folder.path + "/missing"] {
      let error = storeError { _ = try TokenStore.open(at: path, mode: mode) }
      #expect(error?.code == .notFound)
      #expect(error?.message.contains(path) == true)
      #expect(error?.message.contains("filip index") == true)
    }
    #expect(try namesInFolder(folder.path).isEmpty)
  }

  @Test func `an index is made with the folders above it`() throws {
    let path = folder.path + "/a/b//c/"
    _ = try TokenStore.open(at: path, mode: .create)
    _ = try TokenStore.open(at: path, mode: .readOnly)
  }

  @Test func `a database that is not empty but has no marker is refused`() throws {
    try setMarker(nil)
    for mode in [TokenStore.Mode.readOnly, .readWrite, .create] {
      #expect(openingError(mode)?.code == .notAnIndex)
    }
    try setMarkerBack()
    #expect(openingError(.readOnly) == nil)
  }

  func setMarkerBack() throws {
    let environment = try environment()
    var transaction = try environment.beginWrite()
    let meta = try transaction.makeTable("meta")
    try transaction.put(Array(StoreFormat.marker.utf8), forKey: MetaKey.format, in: meta)
    try transaction.commit()
    environment.close()
  }

  @Test(arguments: ["filip-index 2", "filip-index 1.1", "filip-index 10.3", "filip-index v2"])
  func `a newer format is refused by its number with the advice to update`(
    marker: String
  ) throws {
    try setMarker(Array(marker.utf8))
    for mode in [TokenStore.Mode.readOnly, .create] {
      let error = openingError(mode)
      #expect(error?.code == .formatTooNew)
      #expect(error?.message.contains("format \(marker.dropFirst(12)),") == true)
      #expect(error?.message.contains("up to format 1.0; update filip") == true)
      #expect(error?.message.contains(folder.path) == true)
    }
  }

  @Test(arguments: ["filip-index 1", "filip-index 1.0"])
  func `formats up to ours are opened`(marker: String) throws {
    try setMarker(Array(marker.utf8))
    #expect(openingError(.readOnly) == nil)
    #expect(openingError(.readWrite) == nil)
  }

  @Test(arguments: ["filip-index draft 0", "filip-index draft 2", "filip-index draft 3"])
  func `an older format is refused with the advice to rebuild`(marker: String) throws {
    try setMarker(Array(marker.utf8))
    let error = openingError(.create)
    #expect(error?.code == .formatTooOld)
    #expect(error?.message.contains("filip index --force") == true)
  }

  @Test(arguments: [[], [0xFF, 0xFE], Array("lucene 9".utf8)] as [[UInt8]])
  func `a strange marker is refused`(marker: [UInt8]) throws {
    try setMarker(marker)
    #expect(openingError(.create)?.code == .notAnIndex)
  }

  @Test(arguments: ["", "/generation-1"])
  func `a file that is not LMDB's is damaged, not deleted`(place: String) throws {
    try makeFolder(folder.path + place)
    let path = folder.path + place + "/data.mdb"
    let file = try #require(fopen(path, "w"))
    for _ in 0..<1000 { fputs("something else\n", file) }
    fclose(file)
    #expect(openingError(.readOnly)?.code == .damaged)
    #expect(openingError(.create)?.code == .damaged)
    #expect(fileByteCount(path) == 15000)
  }

  // MARK: - Sharing and locking

  @Test func `stores of one folder share what is open, however the path is spelled`() throws {
    let writing = try TokenStore.open(at: folder.path, mode: .create)
    let reading = try TokenStore.open(at: folder.path + "/./", mode: .readOnly)
    try writing.write { writer in try writer.insert(image("/a"), tokens: smallTokens) }
    try #expect(reading.read { snapshot in try snapshot.itemCount } == 1)
  }

  @Test func `a store opened for reading does not write`() throws {
    let writing = try TokenStore.open(at: folder.path, mode: .create)
    let reading = try TokenStore.open(at: folder.path, mode: .readOnly)
    let error = storeError { try reading.write { writer in _ = try writer.remove(.first) } }
    #expect(error?.code == .readOnly)
    _ = writing
  }

  @Test func `a second writer is told who writes`() throws {
    var writing: TokenStore? = try TokenStore.open(
      at: folder.path, mode: .create, program: "filip 9 (test)")
    for mode in [TokenStore.Mode.readWrite, .create] {
      let error = openingError(mode)
      #expect(error?.code == .busy)
      let message = try #require(error?.message)
      #expect(message.contains("filip 9 (test) (pid \(getpid())), which started at 20"))
      #expect(message.contains(folder.path))
    }
    _ = writing
    writing = nil
    #expect(openingError(.readWrite) == nil)
  }

  @Test func `a failed opening leaves no lock behind`() throws {
    try setMarker(Array("filip-index draft 0".utf8))
    #expect(openingError(.readWrite)?.code == .formatTooOld)
    try setMarkerBack()
    #expect(openingError(.readWrite) == nil)
  }

  @Test func `a refused writer closes what it opened once, and nothing else`() async throws {
    let store = try TokenStore.open(at: folder.path, mode: .create)
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      // A descriptor closed twice takes the one that another thread was given in between.
      let victims = Task.detached {
        for _ in 0..<20_000 {
          let descriptor = Glibc.open(path + "/victim", O_RDWR | O_CREAT | O_TRUNC, 0o600)
          unlink(path + "/victim")
          try #require(descriptor >= 0)
          try #require(write(descriptor, "abc", 3) == 3)
          try #require(lseek(descriptor, 0, SEEK_END) == 3)
          try #require(close(descriptor) == 0)
        }
      }
      for _ in 0..<5000 {
        let error = storeError { _ = try TokenStore.open(at: path, mode: .readWrite) }
        #expect(error?.code == .busy)
      }
      try await victims.value
    }
    _ = store
  }

  @Test func `a child that has not become its program yet does not keep the lock`() throws {
    var store: TokenStore? = try TokenStore.open(at: folder.path, mode: .create)
    // Another number of the same open file, as a child has it between fork and exec.
    var numbers: [CInt] = []
    var target = [CChar](repeating: 0, count: 4096)
    for descriptor in 0..<1024 as Range<CInt> {
      let count = readlink("/proc/self/fd/\(descriptor)", &target, target.count)
      guard count > 0 else { continue }
      let name = String(decoding: target[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
      if name == folder.path + "/writer.lock" { numbers.append(descriptor) }
    }
    let copies = numbers.map { dup($0) }
    defer { for copy in copies { close(copy) } }
    #expect(copies.count == 1)
    #expect(openingError(.readWrite)?.code == .busy)
    _ = store
    store = nil
    #expect(openingError(.readWrite) == nil)
  }

  @Test func `the slots of readers that died are freed`() async throws {
    let store = try TokenStore.open(at: folder.path, mode: .create)
    try store.write { writer in try writer.insert(image("/a"), tokens: smallTokens) }
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.path as String] in
      let store = try TokenStore.open(at: path, mode: .readOnly)
      try store.read { _ in _ = kill(getpid(), SIGKILL) }
    }
    #expect(try store.currentLease().environment.clearDeadReaders() == 1)
    #expect(try store.currentLease().environment.clearDeadReaders() == 0)
  }

  @Test func `snapshots keep an index open that its store let go`() throws {
    var store: TokenStore? = try TokenStore.open(at: folder.path, mode: .create)
    try store?.write { writer in try writer.insert(image("/a"), tokens: smallTokens) }
    let group = try #require(try store?.snapshots(count: 2))
    store = nil
    try TokenStore.open(at: folder.path, mode: .readWrite).write { writer in
      try writer.remove(.first)
    }
    try group.withSnapshot(1) { snapshot in try #expect(snapshot.itemCount == 1) }
  }

  @Test func `a refused map is halved`() throws {
    var options = EnvironmentOptions()
    options.mapByteCount = 1 << 62
    let environment = try Environment(path: folder.path, options: options)
    #expect(environment.mapByteCount < 1 << 62)
    #expect(environment.mapByteCount >= 1 << 30)
  }
}
