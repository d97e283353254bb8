public import FilipLateInteraction

/// What an index knows about one item besides its tokens.
public struct ItemRecord: Hashable, Sendable {
  /// Where an item's tokens come from.
  public enum Kind: UInt8, Sendable, CaseIterable {
    /// An image file.
    case image = 1
    /// A text.
    case text = 2
    /// Tokens that another program computed.
    case imported = 3
  }

  /// The item's stable id; `.unassigned` until the item is inserted.
  public var id: ItemID
  /// Where the tokens come from.
  public var kind: Kind
  /// The absolute path as the file system spells it: any bytes but zero, not always UTF-8.
  public var path: [UInt8]?
  /// The absolute path of the folder that was being indexed when the item was found.
  public var root: [UInt8]?
  /// Length of the file in bytes.
  public var fileSize: UInt64
  /// When the file changed last, in nanoseconds since 1970.
  public var modificationTime: Int64
  /// When the item was indexed, in nanoseconds since 1970.
  public var indexedTime: Int64
  /// Hash of the file's bytes.
  public var contentHash: ContentHash?
  /// Width of the upright image in pixels; zero when unknown.
  public var width: UInt32
  /// Height of the upright image in pixels; zero when unknown.
  public var height: UInt32
  /// The image's format, such as "JPEG".
  public var format: String?
  /// When the picture was taken, as its metadata spells it.
  public var dateTaken: String?
  /// How the tokens lie in the image.
  public var tiles: [ImageTile]
  /// For each patch, tile after tile, the row of the token that stands for it, where tokens were
  /// merged; `nil` where every patch has a token of its own.
  public var patchTokens: [UInt32]?
  /// Number of the item's tokens; the store sets it from the tokens it is given.
  public internal(set) var tokenCount: Int
  /// Which encoder made the tokens: image tower, token mode and precision of the computation.
  ///
  /// Tokens of different fingerprints must not be compared.
  public var encoderFingerprint: String?
  /// Why the item has no tokens; `nil` for a readable item.
  public var unreadableReason: String?

  /// A record with the facts that every item has; the others are set afterwards.
  public init(kind: Kind, path: [UInt8]?, fileSize: UInt64 = 0, modificationTime: Int64 = 0) {
    id = .unassigned
    self.kind = kind
    self.path = path
    self.fileSize = fileSize
    self.modificationTime = modificationTime
    indexedTime = 0
    width = 0
    height = 0
    tiles = []
    tokenCount = 0
  }
}
