public import FilipStore
public import SystemPackage

/// How far a run has come.
public struct IndexProgress: Sendable {
  /// Files found so far; all of them once the walk is finished.
  public var foundCount = 0
  /// Whether no further files will be found.
  public var isWalkFinished = false
  /// Files that are settled, whatever became of them.
  public var finishedCount = 0
  /// Images that went through the encoder.
  public var encodedCount = 0
  /// Files without a usable image.
  public var unreadableCount = 0

  /// Nothing yet.
  public init() {}
}

/// A file that holds no usable image, and why.
public struct UnreadableFile: Sendable, Hashable {
  /// Absolute path.
  public var path: FilePath
  /// One line.
  public var reason: String
}

/// What a run did.
public struct IndexSummary: Sendable {
  /// Images that were not in the index.
  public var addedCount = 0
  /// Images whose file had changed.
  public var changedCount = 0
  /// Images whose file had another path; nothing was encoded.
  public var renamedCount = 0
  /// Images that are already in the index and were left as they are.
  public var unchangedCount = 0
  /// Images whose file is gone.
  public var removedCount = 0
  /// Files of this run without a usable image, those known from before included.
  public var unreadable: [UnreadableFile] = []
  /// Images whose file is gone but that stayed, since too many would have gone at once.
  public var vanishedCount = 0
  /// Of how many files under the roots those are.
  public var vanishedOfCount = 0
  /// Whether the run was cancelled; what it had done is kept.
  public var isInterrupted = false
  /// The index's reduction afterwards.
  public var reduction = TokenReduction.none
  /// Images that the projection was learnt from, if it was in this run.
  public var learntImageCount: Int?
  /// Images in the index afterwards.
  public var imageCount = 0
  /// Bytes of the index afterwards.
  public var indexByteCount: Int64 = 0
  /// A reader in another process that kept the file from using freed room again while it grew; of
  /// several, the one that was the most commits behind.
  public var longReader: StoreReader?
  /// Time taken.
  public var duration: Duration = .zero
}
