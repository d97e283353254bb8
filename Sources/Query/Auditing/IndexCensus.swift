public import FilipStore
public import SystemPackage

/// What kinds of items an index has, and which folders they come from.
public struct IndexCensus: Sendable {
  /// A folder that was indexed.
  public struct Root: Sendable {
    /// Its path.
    public var path: FilePath
    /// Its items, readable or not.
    public var itemCount: Int
    /// Whether it is there now; a drive may be unmounted, or the folder moved.
    public var exists: Bool
  }

  /// Images with tokens.
  public private(set) var imageCount = 0
  /// Texts with tokens.
  public private(set) var textCount = 0
  /// Items of other programs' making with tokens.
  public private(set) var importedCount = 0
  /// Items without tokens.
  public private(set) var unreadableCount = 0
  /// The folders, in the order of their bytes.
  public private(set) var roots: [Root] = []

  /// Counts the items of an index.
  /// - Complexity: decodes every record, about a microsecond each.
  public init(_ snapshot: borrowing Snapshot) throws {
    var counts: [[UInt8]: Int] = [:]
    try snapshot.forEachItem { item in
      if let root = item.root { counts[root, default: 0] += 1 }
      guard item.unreadableReason == nil else {
        unreadableCount += 1
        return
      }
      switch item.kind {
      case .image: imageCount += 1
      case .text: textCount += 1
      case .imported: importedCount += 1
      }
    }
    roots = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { bytes, count in
      let path = FilePath(bytes: bytes)
      return Root(path: path, itemCount: count, exists: path.exists)
    }
  }
}
