public import FilipStore

/// Every knob of an import.
public struct ImportParameters: Sendable {
  /// Who made the tokens. Default: what the file says, else the index's own, else the file's name.
  public var fingerprint: String?
  /// Takes the index over when its tokens are another encoder's: they are dropped, and their items
  /// wait to be imported or encoded again. Default false.
  public var replacesEncoder = false
  /// How the tokens are kept in an index that is made; an existing one keeps its own way.
  public var layout = PlaneLayout()
  /// What the index is opened in spite of.
  public var storeOptions: TokenStore.Options = []
  /// Items per commit; at least 1. Default 256.
  public var commitSize = 256
  /// A commit follows at the latest when the waiting tokens have this many floats. Default 2²⁴.
  public var commitElementCount = 1 << 24

  /// The defaults.
  public init() {}
}

/// An item that could not be imported, and why.
public struct LeftOutItem: Sendable, Hashable {
  /// Its name as it would have been stored.
  public var name: [UInt8]
  /// One line.
  public var reason: String
}

/// What an import did.
public struct ImportSummary: Sendable {
  /// The name under which the index knows the encoder.
  public var fingerprint = ""
  /// Items that were not in the index.
  public var addedCount = 0
  /// Items that took the place of one with the same name.
  public var replacedCount = 0
  /// Tokens of both.
  public var tokenCount = 0
  /// Tokens that are all zero; they match nothing.
  public var zeroTokenCount = 0
  /// Items without tokens; they are never found.
  public var emptyCount = 0
  /// Items with values that are no numbers. The index keeps what it had under their names.
  public var leftOutCount = 0
  /// The first hundred of them.
  public var leftOut: [LeftOutItem] = []
  /// Whether the import was cancelled; what it had committed is kept.
  public var isInterrupted = false
  /// Items with tokens in the index afterwards.
  public var imageCount = 0
  /// Bytes of the index afterwards.
  public var indexByteCount: Int64 = 0
  /// Time taken.
  public var duration: Duration = .zero
}
