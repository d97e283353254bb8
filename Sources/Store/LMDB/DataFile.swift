import Glibc

/// What can be said of LMDB's data file without LMDB, which trusts it.
///
/// LMDB reads pages through its map, and a page behind the end of the file kills the process
/// (`SIGBUS`). A file that was cut short, such as an interrupted copy, is therefore found here. The
/// layout is that of LMDB 0.9: `MDB_page`, `MDB_meta` and `MDB_node` in its `mdb.c`.
struct DataFile {
  private let descriptor: CInt
  /// Bytes of a page.
  private let pageByteCount: UInt64
  private let meta: Meta

  /// The newer one of the two pages that say where everything is.
  private struct Meta {
    var pageByteCount: UInt64
    var freeRoot: UInt64
    var lastPage: UInt64
    var commitNumber: UInt64

    static let byteCount = 152

    init(_ bytes: [UInt8]) throws(LMDBError) {
      guard bytes.count == Self.byteCount, bytes.number(at: 10, byteCount: 2) & 0x08 != 0,
        bytes.number(at: 16, byteCount: 4) == 0xBEEF_C0DE
      else { throw .invalid }
      guard bytes.number(at: 20, byteCount: 4) == 1 else { throw .versionMismatch }
      pageByteCount = bytes.number(at: 40, byteCount: 4)
      freeRoot = bytes.number(at: 80, byteCount: 8)
      lastPage = bytes.number(at: 136, byteCount: 8)
      commitNumber = bytes.number(at: 144, byteCount: 8)
      let isPossible =
        pageByteCount.nonzeroBitCount == 1 && (512...65536).contains(pageByteCount)
        && lastPage >= 1 && lastPage < 1 << 47
      guard isPossible else { throw .invalid }
    }
  }

  /// Looks at the beginning of an open file.
  /// - Throws: `.invalid` when it does not begin as LMDB's files do, `.versionMismatch` when it is
  ///   another LMDB's.
  init(_ descriptor: CInt) throws(LMDBError) {
    self.descriptor = descriptor
    let first = try Meta(Self.bytes(descriptor, at: 0, count: Meta.byteCount))
    let second = try Meta(
      Self.bytes(descriptor, at: first.pageByteCount, count: Meta.byteCount))
    guard first.pageByteCount == second.pageByteCount else { throw .invalid }
    pageByteCount = first.pageByteCount
    meta = second.commitNumber > first.commitNumber ? second : first
  }

  /// The length that a file has at least in which every page was written.
  var wholeByteCount: UInt64 { (meta.lastPage + 1) * pageByteCount }

  /// Whether every page that is in use lies in the first `byteCount` bytes.
  ///
  /// A page at the end that was given up within the write that took it is never written; the list
  /// of free pages names it.
  func isWhole(byteCount: UInt64) -> Bool {
    guard byteCount >= 2 * pageByteCount else { return false }
    guard byteCount < wholeByteCount else { return true }
    let firstMissing = byteCount / pageByteCount
    guard let free = freePages(from: firstMissing) else { return false }
    return UInt64(free.count) == meta.lastPage + 1 - firstMissing
  }

  /// The free pages from `first` on, or `nil` when the list of them cannot be read.
  private func freePages(from first: UInt64) -> Set<UInt64>? {
    var free: Set<UInt64> = []
    // An empty list has no root.
    var waiting = meta.freeRoot == .max ? [] : [meta.freeRoot]
    var visitedCount: UInt64 = 0
    while let page = waiting.popLast() {
      visitedCount += 1
      guard visitedCount < first, let bytes = self.bytes(ofPage: page),
        let nodes = Self.nodes(of: bytes)
      else { return nil }
      let isBranch = bytes.number(at: 10, byteCount: 2) & 0x01 != 0
      for node in nodes {
        guard !isBranch else {
          waiting.append(bytes.number(at: node, byteCount: 6))
          continue
        }
        guard let list = self.list(of: node, in: bytes) else { return nil }
        // The first number says how many follow.
        for entry in 1..<max(1, list.count / 8) {
          let number = list.number(at: 8 * entry, byteCount: 8)
          if number >= first, number <= meta.lastPage { free.insert(number) }
        }
      }
    }
    return free
  }

  /// Where the nodes of a branch or leaf begin, or `nil` when the page is neither.
  private static func nodes(of page: [UInt8]) -> [Int]? {
    let flags = page.number(at: 10, byteCount: 2)
    let lower = Int(page.number(at: 12, byteCount: 2))
    guard flags & 0x03 == 0x01 || flags & 0x03 == 0x02, lower >= 16, lower <= page.count
    else { return nil }
    let nodes = stride(from: 16, to: lower - 1, by: 2).map {
      Int(page.number(at: $0, byteCount: 2))
    }
    // A branch has its lowest node without a key, and may have it at the very end of the page.
    let byteCount = flags & 0x01 != 0 ? 8 : 16
    return nodes.allSatisfy { $0 + byteCount <= page.count } ? nodes : nil
  }

  /// The value of a leaf's node, which lies behind its key or in pages of its own.
  private func list(of node: Int, in page: [UInt8]) -> [UInt8]? {
    let byteCount = Int(page.number(at: node, byteCount: 4))
    let isElsewhere = page.number(at: node + 4, byteCount: 2) & 0x01 != 0
    let start = node + 8 + Int(page.number(at: node + 6, byteCount: 2))
    guard isElsewhere else {
      guard start + byteCount <= page.count else { return nil }
      return Array(page[start..<start + byteCount])
    }
    guard start + 8 <= page.count else { return nil }
    let first = page.number(at: start, byteCount: 8)
    guard first <= meta.lastPage, byteCount < 1 << 31 else { return nil }
    let bytes = try? Self.bytes(descriptor, at: first * pageByteCount + 16, count: byteCount)
    return bytes.flatMap { $0.count == byteCount ? $0 : nil }
  }

  private func bytes(ofPage page: UInt64) -> [UInt8]? {
    guard page <= meta.lastPage else { return nil }
    let count = Int(pageByteCount)
    let bytes = try? Self.bytes(descriptor, at: page * pageByteCount, count: count)
    return bytes.flatMap { $0.count == count ? $0 : nil }
  }

  /// Bytes of the file, fewer than `count` where it ends.
  private static func bytes(
    _ descriptor: CInt, at offset: UInt64, count: Int
  ) throws(LMDBError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    // Safe because the system is told the length of the buffer.
    let read = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
    }
    guard read >= 0 else { throw .lastSystemError }
    return Array(bytes.prefix(read))
  }
}

extension [UInt8] {
  /// The little-endian number in `byteCount` bytes at `offset`.
  fileprivate func number(at offset: Int, byteCount: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in (0..<byteCount).reversed() { value = value << 8 | UInt64(self[offset + index]) }
    return value
  }
}

extension StoreError {
  /// The data file of the index at `path` ends before its last page.
  static func cutShort(path: String, byteCount: Int, wholeByteCount: Int) -> StoreError {
    StoreError(
      .damaged,
      "the data file of the index at \(path) is cut short: it has \(byteCount) of "
        + "\(wholeByteCount) bytes; restore a copy or rebuild it with `filip index --force`")
  }
}
