import Glibc
import TestSupport
import Testing

@testable import FilipStore

@Suite struct IndexFolderTests {
  let folder = TemporaryFolder()
  var path: String { folder.path }

  /// Makes an index with one image, or adds one to it.
  func add(_ name: String) throws {
    try TokenStore.open(at: path, mode: .create).write { writer in
      try writer.insert(image(name), tokens: smallTokens)
    }
  }

  /// The paths of all images.
  func images() throws -> [String] {
    var paths: [String] = []
    try TokenStore.open(at: path, mode: .readOnly).read { snapshot in
      try snapshot.forEachItem { paths.append(String(decoding: $0.path ?? [], as: UTF8.self)) }
    }
    return paths
  }

  func names() throws -> [String] { try namesInFolder(path) }

  func put(_ text: String, in name: String) throws {
    try replaceFile(path + "/" + name, with: Array(text.utf8), passing: path + "/text")
  }

  func copy(_ from: String, to: String) throws {
    try makeFolder(path + "/" + to)
    for name in try namesInFolder(path + "/" + from) {
      let source = try #require(fopen(path + "/\(from)/\(name)", "r"))
      let target = try #require(fopen(path + "/\(to)/\(name)", "w"))
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while case let count = fread(&buffer, 1, buffer.count, source), count > 0 {
        #expect(fwrite(buffer, 1, count, target) == count)
      }
      fclose(source)
      fclose(target)
    }
  }

  @Test func `an index is a generation, a file that names it, and a lock`() throws {
    try add("/a")
    #expect(try names() == ["CURRENT", "generation-1", "writer.lock"])
    #expect(try namesInFolder(path + "/generation-1") == ["data.mdb", "lock.mdb"])
    #expect(
      try smallFile(path + "/CURRENT") == Array("filip-index 1\ngeneration-1\n".utf8))
  }

  @Test func `an index whose making was interrupted is made`() throws {
    // Before the generation has its name.
    try makeFolder(path + "/generation-1.new")
    try put("half", in: "generation-1.new/data.mdb")
    #expect(storeError { _ = try images() }?.code == .notFound)
    try add("/a")
    #expect(try images() == ["/a"])
    // After that, before `CURRENT` names it.
    unlink(path + "/CURRENT")
    try put("half", in: "CURRENT.new")
    #expect(try images() == ["/a"], "readers find it")
    #expect(try names().contains("CURRENT") == false, "and write nothing")
    try add("/b")
    #expect(try images() == ["/a", "/b"])
    try add("/c")
    #expect(try names() == ["CURRENT", "generation-1", "writer.lock"])
  }

  @Test func `what an interrupted compaction left is removed by the next writer alone`() throws {
    try add("/a")
    // Before the flip: a complete copy that nothing names, and half of another one.
    try copy("generation-1", to: "generation-2")
    try copy("generation-1", to: "generation-3.new")
    try put("half", in: "CURRENT.new")
    let all = try names()
    #expect(try images() == ["/a"])
    #expect(try names() == all, "a reader removes nothing")
    try add("/b")
    #expect(try names() == ["CURRENT", "generation-1", "writer.lock"])
    // After it: the old generation.
    try copy("generation-1", to: "generation-2")
    try put("filip-index 1\ngeneration-2\n", in: "CURRENT")
    try add("/c")
    #expect(try names() == ["CURRENT", "generation-2", "writer.lock"])
    #expect(try images() == ["/a", "/b", "/c"])
  }

  @Test func `what is not ours stays`() throws {
    try add("/a")
    for name in ["generation-x", "generation-01", "generation-2.old", "notes.new", "photos"] {
      try makeFolder(path + "/" + name)
    }
    let all = try names()
    try add("/b")
    #expect(try names() == all)
  }

  @Test(arguments: ["", "\n", "filip-index 1", "filip-index 1\ngeneration-0\n", "generation-1\n"])
  func `a damaged CURRENT is refused with the way out`(text: String) throws {
    try add("/a")
    try put(text, in: "CURRENT")
    for mode in [TokenStore.Mode.readOnly, .readWrite, .create] {
      let error = storeError { _ = try TokenStore.open(at: path, mode: mode) }
      #expect(error?.code == .damaged)
      #expect(error?.message.contains("delete that file") == true)
    }
    unlink(path + "/CURRENT")
    #expect(try images() == ["/a"])
  }

  @Test func `a generation that is lost is damage`() throws {
    try add("/a")
    try put("filip-index 1\ngeneration-2\n", in: "CURRENT")
    for mode in [TokenStore.Mode.readOnly, .create] {
      let error = storeError { _ = try TokenStore.open(at: path, mode: mode) }
      #expect(error?.code == .damaged)
      #expect(error?.message.contains("generation-2") == true)
    }
    #expect(try names().contains("generation-1"), "nothing is deleted")
  }

  @Test func `a newer CURRENT is refused by its number`() throws {
    try add("/a")
    try put("filip-index 2\nsomething else\n", in: "CURRENT")
    let error = storeError { _ = try images() }
    #expect(error?.code == .formatTooNew)
    #expect(error?.message.contains("format 2,") == true)
  }

  @Test func `a draft, whose data file lies in the folder, is refused and can be put aside`() throws
  {
    let environment = try Environment(path: path)
    var transaction = try environment.beginWrite()
    let meta = try transaction.makeTable("meta")
    try transaction.put(Array("filip-index draft 2".utf8), forKey: MetaKey.format, in: meta)
    try transaction.commit()
    environment.close()
    for mode in [TokenStore.Mode.readOnly, .create] {
      let error = storeError { _ = try TokenStore.open(at: path, mode: mode) }
      #expect(error?.code == .formatTooOld)
      #expect(error?.message.contains("filip index --force") == true)
    }
    try TokenStore.putAside(at: path)
    try add("/a")
    #expect(try images() == ["/a"])
    #expect(try names().contains("data.mdb.old"))
  }

  @Test func `what is put aside is never overwritten`() throws {
    for round in 1...3 {
      try add("/\(round)")
      #expect(try images() == ["/\(round)"])
      try TokenStore.putAside(at: path)
      #expect(storeError { _ = try images() }?.code == .notFound)
    }
    #expect(
      try names() == [
        "CURRENT.old", "CURRENT.old1", "CURRENT.old2", "generation-1.old", "generation-2.old",
        "generation-3.old", "writer.lock",
      ])
    // And can be brought back.
    try renameFile(path + "/generation-2.old", to: path + "/generation-2")
    #expect(try images() == ["/2"])
  }

  @Test func `nothing is put aside while somebody writes`() throws {
    let store = try TokenStore.open(at: path, mode: .create)
    #expect(storeError { try TokenStore.putAside(at: path) }?.code == .busy)
    #expect(try names() == ["CURRENT", "generation-1", "writer.lock"])
    _ = store
  }

  @Test func `a store whose index was deleted says so`() throws {
    try add("/a")
    let store = try TokenStore.open(at: path, mode: .readOnly)
    for name in try names() { removeTree(path + "/" + name) }
    #expect(storeError { try store.read { _ in } }?.code == .notFound)
  }

  @Test func `whether there is an index is known without opening it`() throws {
    #expect(try TokenStore.exists(at: path) == false)
    #expect(try TokenStore.exists(at: path + "/missing") == false)
    try add("/a")
    #expect(try TokenStore.exists(at: path))
  }
}
