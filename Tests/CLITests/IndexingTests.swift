import FilipLateInteraction
import FilipStore
import Foundation
import TestSupport
import Testing

@Suite struct IndexingTests {
  let program: Program

  init() throws { program = try Program() }

  @Test func `unchanged, touched, changed, renamed, copied and deleted files`() throws {
    let pictures = try program.pictures(12)
    let files = FileManager.default
    let first = try program.run("index", pictures)
    #expect(first.messages.contains("indexed 12 new"))
    let before = try listing()

    #expect(try program.run("index", pictures).messages.contains("12 unchanged"))

    // Touched: same content, another time. Renamed: same content, another path.
    try files.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1e9)],
      ofItemAtPath: pictures + "/scene-0001.jpg")
    try files.createDirectory(atPath: pictures + "/moved", withIntermediateDirectories: true)
    try files.moveItem(
      atPath: pictures + "/scene-0002.webp", toPath: pictures + "/moved/another name.webp")
    let moved = try program.run("index", pictures)
    #expect(
      moved.messages.contains("indexed 0 new, 0 changed, 1 renamed, 0 removed; 11 unchanged"),
      "\(moved.messages)")
    let after = try listing()
    #expect(after["moved/another name.webp"] == before["scene-0002.webp"], "the id stays")

    // Changed: the content of another picture under an old name keeps the id of the name.
    try files.removeItem(atPath: pictures + "/scene-0003.png")
    try files.copyItem(
      atPath: Program.gallery + "/scene-0200.jpg", toPath: pictures + "/scene-0003.png")
    // A copy: nothing to encode, an id of its own.
    try files.copyItem(atPath: pictures + "/scene-0001.jpg", toPath: pictures + "/copy.jpg")
    let changed = try program.run("index", pictures)
    #expect(
      changed.messages.contains("indexed 1 new, 1 changed, 0 renamed, 0 removed; 11 unchanged"),
      "\(changed.messages)")
    let third = try listing()
    #expect(third["scene-0003.png"] == before["scene-0003.png"])
    #expect(third["copy.jpg"] != third["scene-0001.jpg"])

    // One of 13 gone is removed, its id is not given again.
    try files.removeItem(atPath: pictures + "/scene-0005.jpg")
    #expect(try program.run("index", pictures).messages.contains("1 removed; 12 unchanged"))
    try files.copyItem(
      atPath: Program.gallery + "/scene-0005.jpg", toPath: pictures + "/scene-0005.jpg")
    try program.run("index", pictures)
    let fourth = try listing()
    #expect(fourth["scene-0005.jpg"]! > third.values.max()!)
  }

  @Test func `more than a fifth missing looks like an unmounted disk`() throws {
    let pictures = try program.pictures(10)
    let other = try program.pictures(3, in: "other root")
    try program.run("index", pictures, other)
    for number in 1...3 {
      let name = try FileManager.default.contentsOfDirectory(atPath: pictures).sorted()[0]
      try FileManager.default.removeItem(atPath: pictures + "/" + name)
      _ = number
    }
    let refused = try program.run("index", pictures, "--quiet")
    #expect(refused.status == 2)
    #expect(refused.messages.contains("3 of 10 files (30 %) are missing"), "\(refused.messages)")
    #expect(refused.messages.contains("--prune"), "\(refused.messages)")
    #expect(try listing().count == 10 + 0, "nothing was removed")

    // A run over another root does not touch this one.
    #expect(try program.run("index", other).messages.contains("0 removed"))

    let pruned = try program.run("index", pictures, "--prune")
    #expect(pruned.status == 0 && pruned.messages.contains("3 removed"), "\(pruned.messages)")
    #expect(try listing().count == 7)
  }

  @Test func `file names of every kind come back byte for byte`() throws {
    let pictures = try program.pictures(1)
    let names: [[UInt8]] = [
      Array("with space.jpg".utf8), Array("with\nnewline.jpg".utf8), Array("-dash.jpg".utf8),
      Array("naïve 写真 🎈.jpg".utf8), [0x62, 0x61, 0x64, 0xFF, 0xC3, 0x28] + Array(".jpg".utf8),
      Array("quote'\"$(x).jpg".utf8), Array(repeating: 0x61, count: 251) + Array(".jpg".utf8),
    ]
    let source = pictures + "/scene-0001.jpg"
    for name in names {
      let content = try Data(contentsOf: URL(fileURLWithPath: source))
      let path = Array((pictures + "/").utf8) + name + [0]
      let file = path.withUnsafeBufferPointer { buffer in
        buffer.withMemoryRebound(to: CChar.self) {
          open($0.baseAddress!, O_WRONLY | O_CREAT, 0o644)
        }
      }
      try #require(file >= 0)
      content.withUnsafeBytes { _ = write(file, $0.baseAddress, $0.count) }
      close(file)
    }
    let indexed = try program.run("index", pictures)
    #expect(indexed.messages.contains("indexed 8 new"), "\(indexed.messages)")

    let listed = try program.run("search", "dog", "-k", "50", "-0", in: pictures)
    let found = Set(listed.output.split(separator: 0).map { Array($0) })
    let expected = Set(
      ([Array("scene-0001.jpg".utf8)] + names).map {
        $0.first == UInt8(ascii: "-") ? Array("./".utf8) + $0 : $0
      })
    #expect(found == expected)

    // A name that is not UTF-8 is also understood as an argument.
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/bash")
    shell.arguments = [
      "-c", "\"$0\" remove \"$1\"/$'bad\\xff\\xc3(.jpg'", Program.executable.path, pictures,
    ]
    shell.environment = program.process([]).environment
    shell.standardError = FileHandle.nullDevice
    try shell.run()
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 0)
    try program.run("index", pictures)

    let json = try #require(
      try JSONSerialization.jsonObject(
        with: program.run("search", "dog", "-k", "50", "--json", in: pictures).output)
        as? [String: Any])
    let results = try #require(json["results"] as? [[String: Any]])
    let encoded = results.compactMap { $0["path_bytes"] as? String }
    #expect(encoded == [Data(names[4]).base64EncodedString()])
  }

  @Test func `one bad file never stops a run`() throws {
    let pictures = try program.pictures(3)
    try Data().write(to: URL(fileURLWithPath: pictures + "/empty.jpg"))
    try Data("not a picture".utf8).write(to: URL(fileURLWithPath: pictures + "/text.jpg"))
    try Data("notes".utf8).write(to: URL(fileURLWithPath: pictures + "/notes.txt"))
    let whole = try Data(contentsOf: URL(fileURLWithPath: pictures + "/scene-0001.jpg"))
    try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: pictures + "/half.jpg"))

    let run = try program.run("index", pictures)
    #expect(run.status == 0)
    #expect(run.messages.contains("indexed 3 new"), "\(run.messages)")
    #expect(run.messages.contains("3 unreadable (filip list --failed)"))
    #expect(try program.run("index", pictures, "--strict").status == 2)

    let failed = try program.run("list", "--failed")
    #expect(
      failed.lines.map { $0.split(separator: "\t")[0].split(separator: "/").last } == [
        "empty.jpg", "half.jpg", "text.jpg",
      ])

    // Repaired, it becomes an image like any other.
    try whole.write(to: URL(fileURLWithPath: pictures + "/half.jpg"))
    #expect(try program.run("index", pictures).messages.contains("indexed 1 new"))
    #expect(try program.run("list", "--failed").lines.count == 2)
  }

  private struct OddImage: Decodable {
    var file: String
    var error: String?
    var width: UInt32?
    var height: UInt32?
  }

  @Test func `odd images: the readable ones are indexed upright, the others listed with a reason`()
    throws
  {
    let fixtures = Program.repository.path + "/Tests/EncodersTests/Fixtures/odd-images"
    let folder = program.folder.path + "/odd"
    try FileManager.default.copyItem(atPath: fixtures, toPath: folder)
    let manifest = try JSONDecoder().decode(
      [OddImage].self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/manifest.json")))
    #expect(manifest.count >= 40)
    let indexed = try program.run("index", folder)
    #expect(indexed.status == 0, "\(indexed.messages)")

    let found = try program.run("list", "--format", "jsonl").lines.map { line in
      try JSONDecoder().decode(Listed.self, from: Data(line.utf8))
    }
    let failed = try program.run("list", "--failed", "--format", "jsonl").lines.map { line in
      try JSONDecoder().decode(Listed.self, from: Data(line.utf8))
    }
    let sizes = Dictionary(uniqueKeysWithValues: found.map { ($0.path, [$0.width, $0.height]) })
    let reasons = Dictionary(uniqueKeysWithValues: failed.map { ($0.path, $0.reason) })
    for image in manifest {
      let path = "odd/" + image.file
      if image.error == nil {
        #expect(sizes[path] == [image.width, image.height], "\(path): \(reasons[path] as Any)")
      } else {
        #expect(reasons[path]??.isEmpty == false, "\(path) has a reason")
      }
    }
  }

  private struct Listed: Decodable {
    var path: String
    var width: UInt32?
    var height: UInt32?
    var reason: String?
  }

  @Test func `dry run, remove, globs and hidden files`() throws {
    let pictures = try program.pictures(6)
    try FileManager.default.createDirectory(
      atPath: pictures + "/.hidden", withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: pictures + "/scene-0001.jpg", toPath: pictures + "/.hidden/x.jpg")
    let dry = try program.run("index", pictures, "--dry-run")
    #expect(dry.text.contains("would index 6 new"), "\(dry.text)")
    #expect(!FileManager.default.fileExists(atPath: program.index))

    #expect(try program.run("index", pictures, "-g", "*.jpg", "-E", "*0001*").status == 0)
    let jpegs = try FileManager.default.contentsOfDirectory(atPath: pictures)
      .filter { $0.hasSuffix(".jpg") && !$0.contains("0001") }
    #expect(Set(try listing().keys) == Set(jpegs))
    #expect(
      try program.run("index", pictures, "--hidden").messages.contains(
        "indexed \(7 - jpegs.count) new"))
    let removed = try program.run("remove", pictures + "/.hidden")
    #expect(removed.messages.contains("removed 1"))
    #expect(try listing().count == 6)
  }

  @Test func `Ctrl-C keeps what is done, and the next run completes it`() throws {
    let process = program.process(["index", Program.gallery, "--threads", "1"])
    process.standardError = FileHandle.nullDevice
    try process.run()
    // After the first commit, or the run would have nothing to keep.
    while process.isRunning, (try? stored().isEmpty) ?? true { usleep(5_000) }
    process.interrupt()
    process.waitUntilExit()
    if process.terminationStatus == 0 { return }  // it was faster than we
    #expect(process.terminationStatus == 130)
    let kept = try stored().count
    #expect(kept > 0)
    let rest = try program.run("index", Program.gallery)
    #expect(rest.messages.contains("\(kept) unchanged"), "\(rest.messages)")
    #expect(try stored().count == 300)
  }

  @Test func `an index survives SIGKILL at any moment`() throws {
    let started = ContinuousClock.now
    try program.run("index", Program.gallery)
    let microseconds = UInt32((ContinuousClock.now - started) / .microseconds(1))
    let undisturbed = try stored()
    #expect(undisturbed.count == 300)
    var generator = SeededGenerator(seed: 30)
    let victim = try Program()
    var kills = 0
    var partialCounts: [Int] = []
    while kills < 30 {
      let process = victim.process(["index", Program.gallery])
      process.standardError = FileHandle.nullDevice
      try process.run()
      usleep(UInt32.random(in: 0..<microseconds, using: &generator))
      guard process.isRunning else {
        // It finished: begin again from nothing.
        process.waitUntilExit()
        try FileManager.default.removeItem(atPath: victim.index)
        continue
      }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      kills += 1
      guard try TokenStore.exists(at: victim.index) else { continue }
      // It opens, and holds only whole images: each as in the undisturbed index.
      let survivors = try victim.stored(orNone: true)
      partialCounts.append(survivors.count)
      for (path, image) in survivors {
        #expect(undisturbed[path] == image, "\(path) after kill \(kills)")
      }
      if kills % 3 == 0 {
        #expect(try victim.run("index", Program.gallery).status == 0)
        #expect(try victim.stored() == undisturbed)
        try FileManager.default.removeItem(atPath: victim.index)
      }
    }
    #expect(try victim.run("index", Program.gallery).status == 0)
    #expect(try victim.stored() == undisturbed, "a rerun completes it")
    #expect(
      partialCounts.contains { $0 > 0 && $0 < 300 },
      "some kills fall between commits: \(partialCounts)")
  }

  @Test func `a second writer is refused and named`() throws {
    let pictures = try program.pictures(1)
    try program.run("index", pictures)
    let store = try TokenStore.open(at: program.index, mode: .readWrite)
    let second = try program.run("index", pictures)
    #expect(second.status == 75, "\(second.messages)")
    #expect(second.messages.contains("\(ProcessInfo.processInfo.processIdentifier)"))
    #expect(try program.run("search", "dog").status == 0, "searching still works")
    withExtendedLifetime(store) {}
  }

  private func listing() throws -> [String: Int] { try program.listing() }
  private func stored() throws -> [String: StoredImage] { try program.stored() }
}

/// All that an index knows of an image, but when it was indexed.
struct StoredImage: Equatable {
  var id: UInt64
  var tokens: TokenMatrix
  var pooled: [Float]?
  var width: UInt32
  var tiles: [ImageTile]
  var patchTokens: [UInt32]?
}

extension Program {
  /// Name below `pictures` and id of every image.
  func listing() throws -> [String: Int] {
    var ids: [String: Int] = [:]
    for line in try run("list", "--format", "jsonl").lines {
      let item = try JSONSerialization.jsonObject(with: Data(line.utf8)) as! [String: Any]
      let path = item["path"] as! String
      if path.hasPrefix("pictures/") { ids[String(path.dropFirst(9))] = item["id"] as? Int }
    }
    return ids
  }

  /// Everything in the index, read through the library.
  func stored(orNone: Bool = false) throws -> [String: StoredImage] {
    if orNone, !isIndex { return [:] }
    let store = try TokenStore.open(at: index, mode: .readOnly)
    return try store.read { snapshot in
      var items: [ItemRecord] = []
      try snapshot.forEachItem { item in
        if item.unreadableReason == nil { items.append(item) }
      }
      var images: [String: StoredImage] = [:]
      for item in items {
        images[String(decoding: item.path ?? [], as: UTF8.self)] = StoredImage(
          id: item.id.rawValue, tokens: try #require(try snapshot.tokens(of: item.id)),
          pooled: try snapshot.pooled(of: item.id), width: item.width, tiles: item.tiles,
          patchTokens: item.patchTokens)
      }
      return images
    }
  }

  /// Whether there is an index yet: the first commit may not have happened.
  private var isIndex: Bool {
    do throws(StoreError) {
      _ = try TokenStore.open(at: index, mode: .readOnly)
      return true
    } catch {
      return error.code != .notFound && error.code != .notAnIndex
    }
  }
}
