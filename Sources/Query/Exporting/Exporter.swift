import FilipEncoders
import FilipLateInteraction
import FilipLinearAlgebra
public import FilipStore
public import SystemPackage

/// What an export wrote.
public struct ExportSummary: Sendable {
  /// Items with tokens.
  public var itemCount = 0
  /// Their tokens.
  public var tokenCount = 0
  /// Items without tokens: files that could not be read. They are not exported.
  public var unreadableCount = 0
  /// Whether the tokens are what the codes stand for, because the index keeps no originals.
  public var isDecodedFromCodes = false
  /// Under which name the tokens can be imported.
  public var fingerprint: String?
  /// How the index reduces its tokens; an import takes it over.
  public var reduction = ReductionSetting.none
}

/// Writes the tokens of an index to a file that `Importer`, NumPy and PyTorch read.
///
/// `FILE.safetensors` holds `embeddings` (sum of tokens, d), `pooled` (N, width) where there are
/// pooled vectors, and `lengths` (N) int64; floats are half precision, bit for bit as they are
/// stored, or single precision where the index keeps no originals. Of an index whose tokens were
/// projected to d dimensions it also holds the axes, `projection` (d, dimensions of the encoder) in
/// single precision: a query must be projected on them. `FILE.safetensors.jsonl` has a line for each
/// item in the same order, see `ExportedItem`.
public struct Exporter: Sendable {
  private let store: TokenStore

  /// An export of an index.
  public init(store: TokenStore) { self.store = store }

  /// Writes both files; they appear under their names when they are complete.
  ///
  /// The index is exported as it was when the export began.
  /// - Complexity: reads every record twice and every token once; memory for an item, and 8 bytes
  ///   for each.
  /// - Throws: `QueryError` when items have different dimensions, `StoreError`, `EncoderError` or
  ///   `Errno` when a file cannot be written. Neither file is there then.
  public func run(
    to path: FilePath, progress report: (IndexProgress) -> Void = { _ in }
  ) throws -> ExportSummary {
    try store.read { snapshot in
      let lines = try LineWriter(FilePath(path.string + ".jsonl"))
      let survey = try Survey(snapshot, indexPath: store.path) { try lines.write($0) }
      let reduction = try TokenReduction(snapshot)
      let origin = survey.origin(reduction)
      try write(
        snapshot, survey, to: path, metadata: survey.metadata(reduction),
        projection: reduction.projection, progress: report)
      try lines.finish()
      var summary = ExportSummary()
      summary.itemCount = survey.lengths.count
      summary.tokenCount = survey.tokenCount
      summary.unreadableCount = try snapshot.itemCount - survey.lengths.count
      summary.isDecodedFromCodes = snapshot.layout.originals == .none
      summary.fingerprint = origin
      summary.reduction = reduction.setting
      return summary
    }
  }

  private func write(
    _ snapshot: borrowing Snapshot, _ survey: Survey, to path: FilePath,
    metadata: [String: String], projection: TokenProjection?,
    progress report: (IndexProgress) -> Void
  ) throws {
    typealias Tensor = SafetensorsWriter.Tensor
    let hasOriginals = snapshot.layout.originals == .f16
    var tensors = [
      Tensor(
        name: "embeddings", elementType: hasOriginals ? .float16 : .float32,
        shape: [survey.tokenCount, survey.dimension])
    ]
    if survey.pooledWidth > 0 {
      tensors.append(
        Tensor(
          name: "pooled", elementType: .float16, shape: [survey.lengths.count, survey.pooledWidth]))
    }
    tensors.append(Tensor(name: "lengths", elementType: .int64, shape: [survey.lengths.count]))
    if let projection {
      tensors.append(
        Tensor(
          name: "projection", elementType: .float32,
          shape: [projection.outputDimension, projection.inputDimension]))
    }
    let writer = try SafetensorsWriter(path: path.string, tensors: tensors, metadata: metadata)

    var progress = IndexProgress()
    progress.foundCount = survey.lengths.count
    progress.isWalkFinished = true
    var decoder = TokenDecoder()
    try snapshot.forEachItem { item in
      guard item.unreadableReason == nil else { return }
      guard let tokens = try snapshot.tokens(of: item.id, using: &decoder),
        tokens.tokenCount == item.tokenCount,
        tokens.dimension == survey.dimension || item.tokenCount == 0
      else { throw Self.damaged(item.id, store.path) }
      if hasOriginals {
        try writer.append(halves: binary16(rounding: tokens.elements))
      } else {
        try writer.append(tokens.elements)
      }
      progress.finishedCount += 1
      progress.encodedCount += 1
      report(progress)
    }
    if survey.pooledWidth > 0 {
      try snapshot.forEachItem { item in
        guard item.unreadableReason == nil else { return }
        let vector = try snapshot.pooled(of: item.id)
        let none = [Float](repeating: 0, count: survey.pooledWidth)
        try writer.append(halves: binary16(rounding: vector ?? none))
      }
    }
    try writer.append(survey.lengths)
    if let projection { try writer.append(projection.axes) }
    try writer.finish()
  }

  static func damaged(_ id: ItemID, _ indexPath: String) -> QueryError {
    QueryError(
      .unreadable,
      "the tokens of item \(id) of the index at \(indexPath) are not as its record says; look at "
        + "the damage: filip verify")
  }
}

/// What must be known before the first number is written.
private struct Survey {
  /// Tokens of each item.
  private(set) var lengths: [Int64] = []
  private(set) var tokenCount = 0
  /// Columns of every token; 1 where there are none.
  private(set) var dimension = 1
  /// Values of every pooled vector; 0 where there are none.
  private(set) var pooledWidth = 0
  /// The encoder of the first item.
  private(set) var fingerprint: String?

  /// Who made the tokens. Those of fewer dimensions than the encoder gives are named after both: they
  /// do not compare with the encoder's own.
  func origin(_ reduction: TokenReduction) -> String? {
    guard let fingerprint else { return nil }
    guard let dimension = reduction.setting.dimension else { return fingerprint }
    return "\(fingerprint) --dimension \(dimension)"
  }

  /// What the file says of itself; `TokenArchive` reads it.
  func metadata(_ reduction: TokenReduction) -> [String: String] {
    var metadata = ["format": "filip.embed/1"]
    metadata["fingerprint"] = origin(reduction)
    guard let fingerprint, !reduction.isNone, reduction.isReady else { return metadata }
    metadata["encoder"] = fingerprint
    metadata["reduction"] = TokenReduction.text(reduction.setting)
    metadata["reduction-recall"] = reduction.recall.map { TokenReduction.text($0) }
    return metadata
  }

  /// Looks at every record, and hands each readable item's line to `write`.
  init(
    _ snapshot: borrowing Snapshot, indexPath: String, write: ([UInt8]) throws -> Void
  ) throws {
    var dimensions: Set<Int> = []
    try snapshot.forEachTokenDimension { dimensions.insert($0) }
    guard dimensions.count < 2 else {
      let list = dimensions.sorted().map { "\($0)" }.joined(separator: ", ")
      throw QueryError(
        .unreadable,
        "the index at \(indexPath) holds tokens of different dimensions (\(list)), which one file "
          + "cannot hold")
    }
    if let dimension = dimensions.first { self.dimension = dimension }
    var widths: Set<Int> = []
    try snapshot.forEachPooled { _, vector in widths.insert(vector.count) }
    // Of vectors of different widths none is exported.
    if widths.count == 1, let width = widths.first { pooledWidth = width }
    try snapshot.forEachItem { item in
      guard item.unreadableReason == nil else { return }
      lengths.append(Int64(item.tokenCount))
      tokenCount += item.tokenCount
      fingerprint = fingerprint ?? item.encoderFingerprint
      let hasPooled = try pooledWidth > 0 && snapshot.pooled(of: item.id) != nil
      try write(Array((ExportedItem.line(item, hasPooled: hasPooled).text + "\n").utf8))
    }
  }
}
