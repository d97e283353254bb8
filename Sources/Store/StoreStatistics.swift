/// How large an index is, and what takes the room.
public struct StoreStatistics: Hashable, Sendable {
  /// One of the index's tables.
  public struct Table: Hashable, Sendable {
    /// The table's name: `meta`, `items`, `paths`, `hashes`, `tokens`, `pooled`, `planes`,
    /// `places`, `dead`, `screens`, `facts` or `tags`.
    public var name: String
    /// Number of values.
    public var entryCount: Int
    /// Bytes of the pages that hold them.
    public var byteCount: Int
  }

  /// Every table.
  public var tables: [Table]
  /// Length of the data file. It does not shrink before `compact`: removed items leave pages that
  /// later ones use.
  public var fileByteCount: Int
  /// Address space reserved for the data file, in bytes.
  public var mapByteCount: Int
  /// When the index was last changed, in seconds since 1970.
  public var changeTime: Int64

  /// Bytes of the tokens as they are kept besides the scan plane.
  public var originalByteCount: Int { byteCount(of: ["tokens"]) }
  /// Bytes of the scan plane, its bookkeeping included.
  public var planeByteCount: Int { byteCount(of: ["planes", "places", "dead"]) }
  /// Bytes of the screens.
  public var screenByteCount: Int { byteCount(of: ["screens"]) }
  /// Bytes of the pooled vectors.
  public var pooledByteCount: Int { byteCount(of: ["pooled"]) }
  /// Bytes of the records, of what leads to them, and of the description.
  public var recordByteCount: Int {
    usedByteCount - originalByteCount - planeByteCount - screenByteCount - pooledByteCount
  }
  /// Bytes of the file that nothing uses: later changes fill them. LMDB's own list of them counts
  /// as unused.
  public var freeByteCount: Int { max(0, fileByteCount - usedByteCount) }
  /// Bytes of all tables together.
  public var usedByteCount: Int { tables.reduce(0) { $0 + $1.byteCount } }

  private func byteCount(of names: Set<String>) -> Int {
    tables.reduce(0) { $0 + (names.contains($1.name) ? $1.byteCount : 0) }
  }
}

extension Snapshot {
  /// Sizes of the tables and of the file.
  public var statistics: StoreStatistics {
    get throws(StoreError) {
      var rows: [StoreStatistics.Table] = []
      for table in tables.all {
        let usage = try transaction.usage(of: table)
        rows.append(
          StoreStatistics.Table(
            name: table.name, entryCount: usage.entryCount, byteCount: usage.byteCount))
      }
      let environment = transaction.environment
      let dataPath = environment.folder + "/" + StoreLayout.dataFileName
      return StoreStatistics(
        tables: rows, fileByteCount: environment.fileByteCount,
        mapByteCount: environment.mapByteCount, changeTime: fileChangeTime(dataPath) ?? 0)
    }
  }

  /// The format of the index, as it is written into it.
  public var formatName: String { StoreFormat.marker }

  /// How originals are compressed: zstd at this level.
  public var compressionLevel: Int { BlockCompressor.levelNumber }
}
