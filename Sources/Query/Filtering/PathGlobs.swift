#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Shell patterns for many paths, one after the other.
///
/// The patterns are those of `FilePath.matches(glob:)`; an exclamation mark before one turns it
/// round.
struct PathGlobs {
  private var included: [Glob] = []
  private var excluded: [Glob] = []
  /// The present path, with a zero behind it.
  private var buffer: [UInt8] = []

  init(_ globs: [String]) {
    for glob in globs {
      if glob.hasPrefix("!") {
        excluded.append(Glob(String(glob.dropFirst())))
      } else {
        included.append(Glob(glob))
      }
    }
  }

  /// Whether a path passes.
  mutating func matches(_ path: Span<UInt8>) -> Bool {
    var name: Int?
    func isMatched(_ glob: Glob) -> Bool {
      if let ending = glob.ending { return path.ends(with: ending) }
      let start = name ?? terminate(path)
      name = start
      return glob.matches(buffer, nameAt: start)
    }
    var isIncluded = included.isEmpty
    for glob in included where !isIncluded { isIncluded = isMatched(glob) }
    guard isIncluded else { return false }
    for glob in excluded where isMatched(glob) { return false }
    return true
  }

  /// Copies a path, with a zero behind it.
  /// - Returns: where its name begins.
  private mutating func terminate(_ path: Span<UInt8>) -> Int {
    buffer.removeAll(keepingCapacity: true)
    path.withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
    buffer.append(0)
    return (buffer.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1
  }
}

/// One pattern.
private struct Glob {
  private let pattern: [CChar]
  /// What follows the one star that a pattern such as `*.jpg` begins with; `nil` for others. A star
  /// matches slashes: what the name ends with, the path does too.
  let ending: [UInt8]?

  init(_ text: String) {
    pattern = text.utf8.map { CChar(bitPattern: $0) } + [0]
    let special = Array("*?[\\".utf8)
    let rest = text.utf8.dropFirst()
    ending =
      text.hasPrefix("*") && !rest.contains(where: special.contains)
      ? Array(rest) : nil
  }

  /// Whether it matches the whole path, or its name, which begins at `name`.
  /// - Parameter path: with a zero behind it.
  func matches(_ path: [UInt8], nameAt name: Int) -> Bool {
    // Safe because both end in a zero, and the name begins within the path.
    path.withUnsafeBytes { path in
      guard let start = path.baseAddress?.assumingMemoryBound(to: CChar.self) else { return false }
      return fnmatch(pattern, start, 0) == 0 || fnmatch(pattern, start + name, 0) == 0
    }
  }
}

extension Span<UInt8> {
  /// Whether the last bytes are these.
  fileprivate func ends(with bytes: [UInt8]) -> Bool {
    let start = count - bytes.count
    guard start >= 0 else { return false }
    for index in bytes.indices where self[start + index] != bytes[index] { return false }
    return true
  }
}
