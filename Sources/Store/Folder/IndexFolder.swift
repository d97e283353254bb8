import Glibc

/// The folder of an index: which generation is the present one, and what lies beside it.
///
///     INDEX/CURRENT                          two lines: `filip-index 1` and `generation-N`
///     INDEX/generation-N/data.mdb, lock.mdb  one LMDB environment
///     INDEX/generation-N.new/                one that is being made
///     INDEX/generation-N.old/                one that was put aside
///     INDEX/writer.lock                      see `WriterLock`
///
/// A generation gets its name when it is complete and on the disk, and `CURRENT` is replaced, never
/// written over. So whatever is interrupted, the folder holds the index of before or that of after.
/// What is left over is removed by the next writer.
struct IndexFolder: Sendable {
  /// The folder, as it was given.
  let path: String

  /// The file that names the present generation.
  var currentPath: String { path + "/" + StoreLayout.currentFileName }

  /// The folder of a generation.
  func path(ofGeneration number: Int) -> String {
    path + "/" + StoreLayout.generationPrefix + "\(number)"
  }

  /// The data file of a generation.
  func dataPath(ofGeneration number: Int) -> String {
    path(ofGeneration: number) + "/" + StoreLayout.dataFileName
  }

  /// What distinguishes the present `CURRENT` from every other one; `nil` when there is none.
  struct Stamp: Hashable, Sendable {
    fileprivate var device: UInt
    fileprivate var node: UInt
    fileprivate var byteCount: Int
    fileprivate var times: [Int]
  }

  /// Looks at `CURRENT` without reading it.
  func stamp() -> Stamp? {
    var status = stat()
    // Safe because the system fills the structure.
    guard unsafe stat(currentPath, &status) == 0 else { return nil }
    return Stamp(
      device: UInt(status.st_dev), node: UInt(status.st_ino), byteCount: Int(status.st_size),
      times: [
        status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
        status.st_ctim.tv_nsec,
      ])
  }

  /// The number of the present generation, or `nil` when there is no index.
  ///
  /// Where `CURRENT` is missing, it is the newest generation: an index that was just being made, or
  /// one whose file was lost.
  /// - Throws: `.formatTooNew`, `.formatTooOld` for the layout of a draft, `.damaged` when `CURRENT`
  ///   is not what was written or names a generation that is not there.
  func currentGeneration() throws(StoreError) -> Int? {
    guard let content = try reading({ () throws(LMDBError) in try smallFile(currentPath) }) else {
      if let newest = try completeGenerations().max() { return newest }
      try refuseDraft()
      return nil
    }
    guard let number = try Self.generation(inCurrent: content, path: path) else {
      throw damagedCurrent()
    }
    guard fileByteCount(dataPath(ofGeneration: number)) != nil else {
      throw StoreError(
        .damaged,
        "the index at \(path) has lost its data file \(StoreLayout.generationPrefix)\(number)/"
          + "\(StoreLayout.dataFileName); restore a copy or rebuild it with `filip index --force`")
    }
    return number
  }

  /// The generation that the content of `CURRENT` names; `nil` when it is not what was written.
  /// - Throws: `.formatTooNew` or `.formatTooOld`.
  static func generation(inCurrent content: [UInt8], path: String) throws(StoreError) -> Int? {
    let lines = String(decoding: content, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    guard lines[0].hasPrefix(StoreFormat.family) else { return nil }
    try StoreFormat.check(marker: Array(lines[0].utf8), path: path)
    return lines.count > 1 ? generation(named: lines[1]) : nil
  }

  /// The generations that are complete, in no particular order.
  private func completeGenerations() throws(StoreError) -> [Int] {
    try names().compactMap { Self.generation(named: $0[...]) }
      .filter { fileByteCount(dataPath(ofGeneration: $0)) != nil }
  }

  /// Everything in the folder; empty when there is none.
  func names() throws(StoreError) -> [String] {
    try reading { () throws(LMDBError) in try namesInFolder(path) }
  }

  /// The number of the generation whose folder has the name, or `nil` for other names.
  private static func generation(named name: Substring) -> Int? {
    guard name.hasPrefix(StoreLayout.generationPrefix) else { return nil }
    let digits = name.dropFirst(StoreLayout.generationPrefix.count)
    guard let number = Int(digits), number > 0, "\(number)" == digits else { return nil }
    return number
  }

  /// Refuses a folder with a data file directly in it, which is where drafts had it.
  private func refuseDraft() throws(StoreError) {
    guard fileByteCount(path + "/" + StoreLayout.dataFileName) != nil else { return }
    let environment = try Environment(path: path, folder: path)
    let transaction = try environment.beginRead()
    guard let meta = try transaction.openTable(StoreTables.metaName) else {
      throw StoreFormat.notAnIndex(path: path)
    }
    try StoreFormat.check(
      marker: try transaction.value(in: meta, forKey: MetaKey.format), path: path)
    throw StoreError(
      .damaged,
      "the data file of the index at \(path) lies outside its generation's folder; restore a copy "
        + "or rebuild it with `filip index --force`")
  }

  private func damagedCurrent() -> StoreError {
    StoreError(
      .damaged,
      "the file \(StoreLayout.currentFileName) of the index at \(path) is damaged; delete that "
        + "file, and the newest generation is used")
  }

  private func reading<Result>(
    _ body: () throws(LMDBError) -> Result
  ) throws(StoreError) -> Result {
    do throws(LMDBError) {
      return try body()
    } catch {
      throw StoreError(error, path: path, doing: "opening")
    }
  }
}

// MARK: - Changing; under the writer lock

extension IndexFolder {
  /// Begins a generation: an empty folder for its files, which is returned.
  func beginGeneration(_ number: Int) throws(StoreError) -> String {
    let passing = path(ofGeneration: number) + StoreLayout.passingSuffix
    removeFlatFolder(passing)
    guard makeOneFolder(passing) else {
      throw StoreError(.lastSystemError, path: path, doing: "creating")
    }
    return passing
  }

  /// Gives a generation its name once its files are on the disk; `CURRENT` does not name it yet.
  func completeGeneration(_ number: Int) throws(StoreError) {
    let target = path(ofGeneration: number)
    let passing = target + StoreLayout.passingSuffix
    do throws(LMDBError) {
      try synchronize(passing + "/" + StoreLayout.dataFileName)
      try synchronize(passing)
      try renameFile(passing, to: target)
      try synchronize(path)
    } catch {
      throw StoreError(error, path: path, doing: "creating")
    }
  }

  /// Removes a generation that was begun.
  func abandonGeneration(_ number: Int) {
    removeFlatFolder(path(ofGeneration: number) + StoreLayout.passingSuffix)
  }

  /// Makes a generation the present one.
  func setCurrent(_ number: Int) throws(StoreError) {
    let content = "\(StoreFormat.marker)\n\(StoreLayout.generationPrefix)\(number)\n"
    do throws(LMDBError) {
      try replaceFile(
        currentPath, with: Array(content.utf8), passing: currentPath + StoreLayout.passingSuffix)
      try synchronize(path)
    } catch {
      throw StoreError(error, path: path, doing: "creating")
    }
  }

  /// Removes a generation that is not the present one.
  ///
  /// It loses its name first, so that nobody opens half of it. Whoever has it open keeps it.
  func removeGeneration(_ number: Int) {
    let passing = path(ofGeneration: number) + StoreLayout.passingSuffix
    removeFlatFolder(passing)
    do throws(LMDBError) {
      try renameFile(path(ofGeneration: number), to: passing)
    } catch {
      // It stays until the next writer tries.
      return
    }
    removeFlatFolder(passing)
  }

  /// Removes what interrupted writers left: every generation but the present one, and whatever was
  /// not complete.
  func removeLeftovers(current: Int) throws(StoreError) {
    for name in try names() {
      if Self.isUnfinished(name) {
        removeFlatFolder(path + "/" + name)
        unlink(path + "/" + name)
      } else if let number = Self.generation(named: name[...]), number != current {
        removeGeneration(number)
      }
    }
  }

  /// Whether a name in the folder is that of something which was never completed.
  static func isUnfinished(_ name: String) -> Bool {
    guard name.hasSuffix(StoreLayout.passingSuffix) else { return false }
    let stem = name.dropLast(StoreLayout.passingSuffix.count)
    return stem == StoreLayout.currentFileName || generation(named: stem) != nil
  }

  /// A number that no complete generation here has, those put aside included.
  func unusedGeneration() throws(StoreError) -> Int {
    let used = try names().filter { !Self.isUnfinished($0) }.compactMap { name in
      Self.generation(named: name.split(separator: ".", maxSplits: 1).first ?? "")
    }
    return (used.max() ?? 0) + 1
  }

  /// Gives everything that makes the folder an index another name; nothing is deleted.
  ///
  /// Generations get the ending `.old`, as do `CURRENT` and the data file of a draft, with a number
  /// where there is one already.
  func putAside() throws(StoreError) {
    let names = try names()
    // `CURRENT` last, so that an interrupted call is repeated.
    let files = [StoreLayout.dataFileName, StoreLayout.currentFileName].filter(names.contains)
    let generations = names.filter { Self.generation(named: $0[...]) != nil }
    do throws(LMDBError) {
      for name in generations + files {
        var target = name + StoreLayout.asideSuffix
        var number = 0
        while names.contains(target) {
          number += 1
          target = name + StoreLayout.asideSuffix + "\(number)"
        }
        try renameFile(path + "/" + name, to: path + "/" + target)
      }
      try synchronize(path)
    } catch {
      throw StoreError(error, path: path, doing: "putting aside")
    }
  }
}
