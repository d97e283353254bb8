import FilipLinearAlgebra
import SystemPackage

/// What a measurement has to say about the machine it was taken on.
package enum MachineProbe {
  /// Bytes of anonymous memory that the process holds at the moment (RssAnon), without mapped files;
  /// `nil` where the system does not say.
  package static var anonymousByteCount: Int? {
    field("RssAnon:", of: "/proc/self/status").flatMap { text in
      Int(text.split(separator: " ").first ?? "").map { $0 * 1_024 }
    }
  }

  /// The processor's name, if the system says it.
  package static var processorName: String? {
    field("model name", of: "/proc/cpuinfo").map { text in
      String(text.drop { $0 == ":" || $0 == " " || $0 == "\t" })
    }
  }

  /// What stands behind `name` at the start of a line.
  private static func field(_ name: String, of path: FilePath) -> String? {
    // Files of /proc have no size: they are read until they end.
    guard let lines = try? LineReader(path) else { return nil }
    while let bytes = try? lines.next() {
      let line = String(decoding: bytes, as: UTF8.self)
      guard line.hasPrefix(name) else { continue }
      let rest = line.dropFirst(name.count).drop { $0 == " " || $0 == "\t" }
      return rest.isEmpty ? nil : String(rest)
    }
    return nil
  }

  /// The commit of the working tree that the program lies in, if it lies in one. It is that of the
  /// checkout, which may have moved on since the program was built.
  package static var checkoutCommit: String? {
    guard var folder = try? FilePath("/proc/self/exe").resolved() else { return nil }
    while folder.removeLastComponent() {
      let git = folder.appending(".git")
      guard git.exists else { continue }
      // In a working tree beside the main one, .git is a file that says where the folder is.
      guard let link = firstLine(of: git), link.hasPrefix("gitdir: ") else {
        return commit(in: git, common: git)
      }
      let own = folder.pushing(FilePath(String(link.dropFirst("gitdir: ".count))))
      let common = firstLine(of: own.appending("commondir")).map { own.pushing(FilePath($0)) }
      return commit(in: own, common: common ?? own)
    }
    return nil
  }

  private static func commit(in folder: FilePath, common: FilePath) -> String? {
    guard let head = firstLine(of: folder.appending("HEAD")) else { return nil }
    guard head.hasPrefix("ref: ") else { return head }
    let name = String(head.dropFirst("ref: ".count))
    if let commit = firstLine(of: common.pushing(FilePath(name))) { return commit }
    guard let packed = try? LineReader(common.appending("packed-refs")) else { return nil }
    while let bytes = try? packed.next() {
      let parts = String(decoding: bytes, as: UTF8.self).split(separator: " ")
      if parts.count == 2, parts[1] == name { return String(parts[0]) }
    }
    return nil
  }

  private static func firstLine(of path: FilePath) -> String? {
    guard let lines = try? LineReader(path), let bytes = try? lines.next() else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Bytes per second that some threads together read from memory, the best of five passes over
  /// 256 MiB: more than any cache, so what a scan of a large index can hope for.
  package static func readBandwidth(threadCount: Int) async -> Double {
    let wordCount = (256 << 20) / 8 / threadCount
    // Filled, so that every page is one of its own.
    let parts = (0..<threadCount).map { [UInt64](repeating: UInt64($0 + 1), count: wordCount) }
    var best = 0.0
    for _ in 0..<5 {
      let started = ContinuousClock.now
      let sum = await withTaskGroup(of: UInt64.self) { tasks in
        for part in parts {
          tasks.addTask { part.reduce(0, &+) }
        }
        return await tasks.reduce(0, &+)
      }
      let seconds = (.now - started) / .seconds(1)
      // The sum is looked at, or the reading could be left out.
      precondition(sum == parts.reduce(0) { $0 &+ $1[0] &* UInt64(wordCount) }, "sum of the words")
      best = max(best, Double(wordCount * 8 * threadCount) / seconds)
    }
    return best
  }

  /// Products of small integers per second that some threads together make in registers, the best of
  /// five trials of some ten milliseconds: the other ceiling of a scan.
  package static func multiplyPeak(threadCount: Int) async -> Double {
    // As many rounds as take about ten milliseconds, whatever the instruction set.
    var rounds = 1_000
    var seconds = 0.0
    while seconds < 0.01 {
      rounds *= 2
      let started = ContinuousClock.now
      _ = multiplyInRegisters(rounds: rounds)
      seconds = (.now - started) / .seconds(1)
    }
    var best = 0.0
    for _ in 0..<5 {
      let (count, started) = (rounds, ContinuousClock.now)
      let products = await withTaskGroup(of: Double.self) { tasks in
        for _ in 0..<threadCount {
          tasks.addTask { multiplyInRegisters(rounds: count).productCount }
        }
        return await tasks.reduce(0, +)
      }
      best = max(best, products / ((.now - started) / .seconds(1)))
    }
    return best
  }
}
