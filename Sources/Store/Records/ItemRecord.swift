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

  /// Where on Earth a picture was taken (WGS 84).
  public struct Place: Hashable, Sendable {
    /// Degrees north of the equator, −90…90.
    public var latitude: Double
    /// Degrees east of Greenwich, −180…180.
    public var longitude: Double
    /// Metres above the sea.
    public var altitude: Double?

    /// A place.
    public init(latitude: Double, longitude: Double, altitude: Double? = nil) {
      self.latitude = latitude
      self.longitude = longitude
      self.altitude = altitude
    }
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
  /// The moment that `dateTaken` means, in nanoseconds since 1970.
  public var takenTime: Int64?
  /// Maker and model of the camera.
  public var camera: String?
  /// The camera's lens.
  public var lens: String?
  /// Where the picture was taken.
  public var place: Place?
  /// Words that the user gave to the item.
  ///
  /// They belong to the item, not to its file: whatever is stored in an item's place has its tags
  /// too, besides those it brings. `Writer.tag(_:adding:removing:)` takes them away.
  public var tags: Set<ItemTag>
  /// How the tokens lie in the image.
  public var tiles: [ImageTile]
  /// For each patch, tile after tile, the row of the token that stands for it, where tokens were
  /// merged; `nil` where every patch has a token of its own.
  public var patchTokens: [UInt32]?
  /// The line that a text came from, as it was read: a JSON object. The store does not look into it.
  public var document: [UInt8]?
  /// For each token the bytes of the text that it stands for, counted in UTF-8, before tokens were
  /// merged; `nil` for a token of none. Empty for an item that is no text.
  public var tokenSpans: [Range<Int>?]
  /// Number of the item's tokens; the store sets it from the tokens it is given.
  public package(set) var tokenCount: Int
  /// Which encoder made the tokens: image tower, token mode and precision of the computation.
  ///
  /// Tokens of different fingerprints must not be compared.
  public var encoderFingerprint: String?
  /// Why the item has no tokens; `nil` for a readable item.
  public var unreadableReason: String?
  /// Fields that a later program wrote, by their tags; kept and written again.
  var laterFields: [UInt8: [UInt8]]

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
    tags = []
    tiles = []
    tokenSpans = []
    tokenCount = 0
    laterFields = [:]
  }

  /// Takes over what `other` says about its picture or text, the content of the files being the same.
  public mutating func describePicture(as other: ItemRecord) {
    width = other.width
    height = other.height
    format = other.format
    dateTaken = other.dateTaken
    takenTime = other.takenTime
    camera = other.camera
    lens = other.lens
    place = other.place
    tiles = other.tiles
    patchTokens = other.patchTokens
    tokenSpans = other.tokenSpans
  }

  /// The time that filters go by: when the picture was taken, else when its file changed last, in
  /// nanoseconds since 1970; `nil` when neither is known.
  public var time: Int64? { takenTime ?? (modificationTime == 0 ? nil : modificationTime) }
}
