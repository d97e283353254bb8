/// Names, keys and file names of an index: everything that says where a value lies.
///
/// An index is a folder. Keys are big-endian, so that LMDB's order is the order of the numbers;
/// payloads are little-endian.
///
/// | table | key | value |
/// | --- | --- | --- |
/// | `meta` | a word, or a word and a number | see `MetaKey` |
/// | `items` | item id | `ItemRecord` |
/// | `paths` | path, or its beginning and hash | ids of the items with that key |
/// | `hashes` | content hash, then item id | nothing |
/// | `tokens` | item id | `TokenCodec` |
/// | `pooled` | item id | `PooledCodec` |
/// | `planes` | segment id | `PlaneSegment` with its `SegmentSeal` |
/// | `places` | item id | `PlanePlace` |
/// | `dead` | segment id | `DeadOrdinals` |
/// | `screens` | segment id | `ScreenCodec` |
/// | `facts` | item id / 1,024 | `FactBlock` |
/// | `tags` | tag, zero, item id | nothing |
///
/// With originals (`PlaneLayout`), `tokens` and `places` have the same keys; without them, `tokens`
/// is empty.
enum StoreLayout {
  /// The file that names the present generation, see `IndexFolder`.
  static let currentFileName = "CURRENT"
  /// How the names of the generations' folders begin; a number follows.
  static let generationPrefix = "generation-"
  /// How the name of something ends that is not complete yet, or no longer.
  static let passingSuffix = ".new"
  /// How the name of something ends that was put aside.
  static let asideSuffix = ".old"
  /// LMDB's data file.
  static let dataFileName = "data.mdb"
  /// The file whose lock the one writer holds.
  static let writerLockFileName = "writer.lock"
  /// A file that exists for a moment, to learn whether the disk is full.
  static let spaceProbeFileName = "space.probe"
  /// The longest key that LMDB takes, in bytes.
  static let longestKeyByteCount = 511
  /// A path up to this length is its own key.
  static let longestPathKeyByteCount = 480

  /// The key of everything that belongs to one item.
  static func key(_ id: ItemID) -> [UInt8] { bigEndian(id.rawValue) }

  /// The item that a key belongs to.
  static func itemID(_ key: Span<UInt8>) throws(Damage) -> ItemID {
    guard key.count == 8 else { throw .impossible(.identifiers) }
    return ItemID(rawValue: bigEndian(key, at: 0))
  }

  /// The key of a segment of the scan plane.
  static func key(ofSegment segment: UInt64) -> [UInt8] { bigEndian(segment) }

  /// The segment that a key belongs to.
  static func segment(_ key: Span<UInt8>) throws(Damage) -> UInt64 {
    guard key.count == 8 else { throw .impossible(.identifiers) }
    return bigEndian(key, at: 0)
  }

  /// The key of a path.
  ///
  /// Longer paths than LMDB's keys allow keep their first 480 bytes and add a 16-byte hash of the
  /// whole. No short path has the length of such a key, so the two never meet. Two long paths with
  /// one key share an entry; the records tell them apart.
  static func key(ofPath path: [UInt8]) -> [UInt8] {
    precondition(!path.isEmpty, "path that is not empty")
    guard path.count > longestPathKeyByteCount else { return path }
    var key = Array(path[..<longestPathKeyByteCount])
    let hash = Checksum.fnv1a(path)
    key += bigEndian(UInt64(truncatingIfNeeded: hash >> 64))
    key += bigEndian(UInt64(truncatingIfNeeded: hash))
    return key
  }

  /// The key that says that an item has some content.
  static func key(_ hash: ContentHash, _ id: ItemID) -> [UInt8] { hash.bytes + key(id) }

  /// The item that a key of the table of hashes belongs to, if its content is `hash`.
  static func itemID(_ key: Span<UInt8>, having hash: ContentHash) -> ItemID? {
    guard key.count == 24, bigEndian(key, at: 0) == hash.high, bigEndian(key, at: 8) == hash.low
    else { return nil }
    return ItemID(rawValue: bigEndian(key, at: 16))
  }

  /// What the keys of every item with a tag begin with: no tag holds a zero byte.
  static func prefix(ofTag tag: ItemTag) -> [UInt8] { Array(tag.text.utf8) + [0] }

  /// The key that says that an item has a tag.
  static func key(_ tag: ItemTag, _ id: ItemID) -> [UInt8] { prefix(ofTag: tag) + key(id) }

  /// The tag and the item of a key of the table of tags.
  static func tagged(_ key: Span<UInt8>) throws(Damage) -> (tag: ItemTag, id: ItemID) {
    let end = key.count - 9
    guard end > 0, key[end] == 0, let tag = ItemTag(stored: Array(key.extracting(0..<end))) else {
      throw .impossible(.tags)
    }
    return (tag, ItemID(rawValue: bigEndian(key, at: end + 1)))
  }

  /// The bytes of a number, the most significant one first.
  static func bigEndian(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
  }

  /// The number whose eight bytes lie at `offset`, the most significant one first.
  static func bigEndian(_ bytes: Span<UInt8>, at offset: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in offset..<offset + 8 { value = value << 8 | UInt64(bytes[index]) }
    return value
  }
}

/// The tables of an open index, and in which forms they keep tokens.
struct StoreTables: Sendable {
  /// Facts about the index as a whole.
  let meta: Table
  /// Id → record.
  let items: Table
  /// Path → id.
  let paths: Table
  /// Content hash and id → nothing.
  let hashes: Table
  /// Id → encoded tokens.
  let tokens: Table
  /// Id → encoded pooled vector.
  let pooled: Table
  /// Segment id → segment of the scan plane.
  let planes: Table
  /// Id → segment and ordinal.
  let places: Table
  /// Segment id → ordinals of removed images.
  let dead: Table
  /// Segment id → numbers of its tokens' centroids.
  let screens: Table
  /// Block of ids → what filters look at.
  let facts: Table
  /// Tag and id → nothing.
  let tags: Table
  /// The forms in which tokens are kept.
  var layout: PlaneLayout

  /// Every table, in the order of `StoreLayout`'s description.
  var all: [Table] {
    [meta, items, paths, hashes, tokens, pooled, planes, places, dead, screens, facts, tags]
  }

  /// Opens every table with `open`, which is given the table's name.
  init(
    layout: PlaneLayout, open: (String) throws(StoreError) -> Table
  ) throws(StoreError) {
    self.layout = layout
    meta = try open(Self.metaName)
    items = try open("items")
    paths = try open("paths")
    hashes = try open("hashes")
    tokens = try open("tokens")
    pooled = try open("pooled")
    planes = try open("planes")
    places = try open("places")
    dead = try open("dead")
    screens = try open("screens")
    facts = try open("facts")
    tags = try open("tags")
  }

  /// The table that holds the format marker; its name is the same in every format, for ever.
  static let metaName = "meta"
}

/// The keys of the table `meta`; values are sealed (`MetaValue`) unless something else is said.
enum MetaKey {
  /// The format marker, see `StoreFormat`, unsealed; this key is the same in every format, for ever.
  static let format = Array("format".utf8)
  /// Name and version of the program that made the index, unsealed.
  static let createdBy = Array("created-by".utf8)
  /// The id that the next new item gets, UInt64.
  static let nextItem = Array("next-item".utf8)
  /// How many writes were committed, UInt64.
  static let generation = Array("generation".utf8)
  /// In which forms tokens are kept, see `PlaneLayout`.
  static let layout = Array("layout".utf8)
  /// The id that the next new segment of the scan plane gets, UInt64.
  static let nextSegment = Array("next-segment".utf8)
  /// What precedes a dimension, UInt32 big-endian; the value is the segment that the next image of
  /// that dimension is added to, UInt64.
  static let openSegmentPrefix = Array("open-segment:".utf8)
  /// The centroids that the screens are made with, see `ScreenCodebook`, which has its own
  /// checksum.
  static let screenCodebook = Array("screen-codebook".utf8)
  /// What precedes the number of an encoder's fingerprint, UInt32 big-endian; the value is text.
  static let fingerprintPrefix = Array("fingerprint:".utf8)
  /// What precedes the name of a note; the value is the caller's.
  static let notePrefix = Array("note:".utf8)

  /// The key of the segment that images of a dimension are added to.
  static func openSegment(dimension: Int) -> [UInt8] {
    openSegmentPrefix + StoreLayout.bigEndian(UInt64(dimension))[4...]
  }

  /// The key of a fingerprint.
  static func fingerprint(_ number: UInt32) -> [UInt8] {
    fingerprintPrefix + StoreLayout.bigEndian(UInt64(number))[4...]
  }

  /// The number of the encoder whose fingerprint has the key; `nil` for another key.
  static func fingerprintNumber(_ key: [UInt8]) -> UInt32? { number(key, after: fingerprintPrefix) }

  /// The dimension whose growing segment has the key; `nil` for another key.
  static func openSegmentDimension(_ key: [UInt8]) -> Int? {
    number(key, after: openSegmentPrefix).map(Int.init)
  }

  private static func number(_ key: [UInt8], after prefix: [UInt8]) -> UInt32? {
    guard key.starts(with: prefix), key.count == prefix.count + 4 else { return nil }
    return key.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// What stands for an encoder's fingerprint that is damaged or gone.
  static func lostFingerprint(_ number: UInt32) -> String { "lost encoder \(number)" }

  /// The key of a caller's note.
  static func note(_ name: String) -> [UInt8] {
    let key = notePrefix + Array(name.utf8)
    precondition(key.count <= StoreLayout.longestKeyByteCount, "length of a note's name")
    return key
  }
}
