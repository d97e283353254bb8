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
  private var buffer: [CChar] = []

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
    if included.isEmpty, excluded.isEmpty { return true }
    buffer.removeAll(keepingCapacity: true)
    var name = 0
    for index in path.indices {
      buffer.append(CChar(bitPattern: path[index]))
      if path[index] == UInt8(ascii: "/") { name = index + 1 }
    }
    buffer.append(0)
    func isMatched(_ glob: Glob) -> Bool { glob.matches(buffer, nameAt: name) }
    return (included.isEmpty || included.contains(where: isMatched))
      && !excluded.contains(where: isMatched)
  }
}

/// One pattern.
private struct Glob {
  private let pattern: [CChar]
  /// What follows the one star that a pattern such as `*.jpg` begins with; `nil` for others.
  private let ending: [CChar]?

  init(_ text: String) {
    pattern = text.utf8.map { CChar(bitPattern: $0) } + [0]
    let special = Array("*?[\\".utf8)
    let rest = text.utf8.dropFirst()
    ending =
      text.hasPrefix("*") && !rest.contains(where: special.contains)
      ? rest.map { CChar(bitPattern: $0) } : nil
  }

  /// Whether it matches the whole path, or its name, which begins at `name`.
  func matches(_ path: [CChar], nameAt name: Int) -> Bool {
    // A star matches slashes: what the name ends with, the path does too.
    if let ending { return path.dropLast().suffix(ending.count).elementsEqual(ending) }
    // Safe because both end in a zero, and the name begins within the path.
    return path.withUnsafeBufferPointer { path in
      guard let start = path.baseAddress else { return false }
      return fnmatch(pattern, start, 0) == 0 || fnmatch(pattern, start + name, 0) == 0
    }
  }
}
