import FilipEncoders
import FilipLateInteraction
public import SystemPackage

/// Tokens of many items in files of another program's making, or of `filip embed`.
///
/// Two forms. A `.safetensors` file holds `embeddings` (sum of tokens, d), `lengths` (N) and, if
/// wanted, `pooled` (N, any width); `embeddings` may also be (N, tokens, d), without `lengths`.
/// `.npy` files come in pairs of (sum of tokens, d) and (N), or alone with (N, tokens, d). Floats
/// have 32 or 16 bits, integers 64 or 32. Beside the tokens, a file of the same name with `.jsonl`
/// added may name the items, a line for each.
///
/// Where `filip export` wrote reduced tokens, the file says how they were reduced and holds the axes
/// that queries are projected on, `projection` (d, dimensions of the encoder).
///
/// Nothing else is loaded before it is asked for; kept in memory are 8 bytes per item.
public struct TokenArchive: Sendable {
  /// The file with the tokens.
  public let path: FilePath
  /// The file with a line for each item, if there is one.
  public let namesPath: FilePath?
  /// Columns of every token.
  public let dimension: Int
  /// The encoder, if the file says who it was.
  public let fingerprint: String?
  /// How the encoder's tokens were reduced, if the file says all that queries need.
  let reduction: TokenReduction?

  private let tokens: StoredTensor
  private let pooled: StoredTensor?
  /// Where each item's tokens begin, and where the last one's end; `nil` when all have as many.
  private let offsets: [Int]?

  /// Number of items.
  public var count: Int { offsets.map { $0.count - 1 } ?? tokens.rowCount }

  /// Tokens of all items.
  public var tokenCount: Int {
    offsets?.last ?? tokens.rowCount * (tokens.rowWidth / dimension)
  }

  /// Whether tokens are stored in half precision.
  var isHalfPrecision: Bool { tokens.isHalfPrecision }
  /// Whether pooled vectors are.
  var isPooledHalfPrecision: Bool { pooled?.isHalfPrecision ?? false }

  /// The tokens of an item as they stand in the file, row-major, and how many.
  /// - Precondition: `item < count`.
  func rows(of item: Int) throws -> (elements: [Float], tokenCount: Int) {
    guard let offsets else {
      return (try tokens.floats(item..<item + 1), tokens.rowWidth / dimension)
    }
    let range = offsets[item]..<offsets[item + 1]
    return (try tokens.floats(range), range.count)
  }

  /// The pooled vector of an item as it stands in the file, if there are such.
  func pooledVector(of item: Int) throws -> [Float]? {
    try pooled?.floats(item..<item + 1)
  }

  // MARK: - Opening

  private init(
    tokens: StoredTensor, lengths: [Int]?, pooled: StoredTensor?, fingerprint: String?,
    reduction: TokenReduction? = nil, names: FilePath?
  ) throws {
    path = FilePath(tokens.path)
    try tokens.requireFloats()
    try pooled?.requireFloats()
    let extents = tokens.shape
    guard extents.count == (lengths == nil ? 3 : 2), (extents.last ?? 0) > 0 else {
      throw QueryError(
        .unreadable,
        "\(path): tokens of shape \(shapeText(extents)); expected "
          + (lengths == nil ? "(items, tokens, d)" : "(sum of tokens, d) beside the lengths"))
    }
    dimension = extents[extents.count - 1]
    self.tokens = tokens
    self.pooled = pooled
    self.fingerprint = fingerprint
    self.reduction = reduction
    offsets = try lengths.map {
      try Self.offsets(of: $0, tokenCount: extents[0], path: tokens.path)
    }
    let count = offsets.map { $0.count - 1 } ?? extents[0]
    if let pooled, pooled.shape.count != 2 || pooled.shape[0] != count || pooled.shape[1] == 0 {
      throw QueryError(
        .unreadable,
        "\(path): pooled vectors of shape \(shapeText(pooled.shape)); expected a row for each of "
          + "\(count) items")
    }
    let beside = FilePath(tokens.path + ".jsonl")
    namesPath = names ?? (beside.exists ? beside : nil)
    if let namesPath { try ImportedItems.check(namesPath, itemCount: count) }
  }

  /// Running sums of `lengths`, which must add up to the tokens that are there.
  private static func offsets(
    of lengths: [Int], tokenCount: Int, path: String
  ) throws(QueryError) -> [Int] {
    var offsets = [0]
    offsets.reserveCapacity(lengths.count + 1)
    var end = 0
    for (item, length) in lengths.enumerated() {
      guard length >= 0 else {
        throw QueryError(.unreadable, "\(path): item \(item) has a length of \(length)")
      }
      guard length <= tokenCount - end else {
        throw QueryError(
          .unreadable,
          "\(path): the lengths up to item \(item) add up to more than the \(tokenCount) tokens")
      }
      end += length
      offsets.append(end)
    }
    guard end == tokenCount else {
      throw QueryError(
        .unreadable, "\(path): the lengths add up to \(end), but there are \(tokenCount) tokens")
    }
    return offsets
  }

  /// Opens and checks a `.safetensors` file.
  private static func safetensors(_ path: FilePath, names: FilePath?) throws -> TokenArchive {
    let file = try SafetensorsFile(path: path.string)
    guard let tokens = file.stored("embeddings") else {
      throw QueryError(
        .unreadable,
        "\(path): no tensor embeddings; expected embeddings (sum of tokens, d) and lengths (N), as "
          + "filip embed writes")
    }
    let lengths = try file.stored("lengths").map(integers)
    let reduction = try reduction(in: file, dimension: tokens.shape.last ?? 0)
    return try TokenArchive(
      tokens: tokens, lengths: lengths, pooled: file.stored("pooled"),
      fingerprint: reduction.flatMap { _ in file.metadata["encoder"] }
        ?? file.metadata["fingerprint"],
      reduction: reduction, names: names)
  }

  /// How the tokens were reduced; `nil` where nothing is said of it.
  private static func reduction(
    in file: SafetensorsFile, dimension: Int
  ) throws -> TokenReduction? {
    guard let text = file.metadata["reduction"], file.metadata["encoder"] != nil else { return nil }
    var reduction: TokenReduction
    do throws(QueryError) {
      reduction = TokenReduction(setting: try TokenReduction.setting(Array(text.utf8)))
      reduction.recall = try file.metadata["reduction-recall"]
        .map { (text) throws(QueryError) in try TokenReduction.recall(Array(text.utf8)) }
    } catch {
      throw QueryError(
        .unreadable,
        "\(file.path): \"\(text)\" is no reduction that this program knows; update filip")
    }
    guard let output = reduction.setting.dimension else { return reduction }
    guard let stored = file.stored("projection"), stored.shape.count == 2,
      stored.shape[0] == output, output == dimension, stored.shape[1] >= output
    else {
      throw QueryError(
        .unreadable,
        "\(file.path): the tokens were projected to \(output) dimensions, and there is no tensor "
          + "projection (\(output), dimensions of the encoder) that says how; export them again")
    }
    try stored.requireFloats()
    let axes = try stored.floats(0..<output)
    guard axes.allSatisfy(\.isFinite) else {
      throw QueryError(.unreadable, "\(file.path): the projection holds a value that is no number")
    }
    reduction.projection = TokenProjection(
      axes: axes, inputDimension: stored.shape[1], outputDimension: output)
    return reduction
  }

  private static func integers(_ tensor: StoredTensor) throws -> [Int] {
    guard tensor.shape.count == 1 else {
      throw QueryError(
        .unreadable, "\(tensor.path): lengths of shape \(shapeText(tensor.shape)); expected (items)"
      )
    }
    return try tensor.integers(0..<tensor.rowCount)
  }

  /// Opens and checks the files of one or several archives: `.safetensors` files, and `.npy` files
  /// alone or each followed by its lengths.
  ///
  /// `names` is the file with the lines, where it is not beside the tokens; it needs a single
  /// archive.
  /// - Throws: `EncoderError` for a missing or damaged file, `QueryError` for one whose parts do
  ///   not fit.
  public static func open(_ paths: [FilePath], names: FilePath? = nil) throws -> [TokenArchive] {
    var archives: [TokenArchive] = []
    var rest = paths[...]
    while let path = rest.popFirst() {
      guard NumPyFile.hasName(path.string) else {
        archives.append(try safetensors(path, names: names))
        continue
      }
      let tokens = try NumPyFile.open(path.string)
      var lengths: [Int]?
      if tokens.shape.count != 3 {
        guard tokens.shape.count == 2, let second = rest.first, NumPyFile.hasName(second.string)
        else {
          throw QueryError(
            .unreadable,
            "\(path): an array of shape \(shapeText(tokens.shape)); expected (items, tokens, d), or "
              + "(sum of tokens, d) followed by the file with the lengths")
        }
        lengths = try integers(NumPyFile.open(second.string))
        rest.removeFirst()
      }
      archives.append(
        try TokenArchive(
          tokens: tokens, lengths: lengths, pooled: nil, fingerprint: nil, names: names))
    }
    if names != nil, archives.count != 1 {
      throw QueryError(.unreadable, "names for one file of tokens, not \(archives.count)")
    }
    return archives
  }

  /// Opens and checks a file of queries: as above, or a `.npy` file with one matrix (words, d).
  static func openQueries(_ path: FilePath) throws -> TokenArchive {
    if NumPyFile.hasName(path.string) {
      let tokens = try NumPyFile.open(path.string)
      if tokens.shape.count == 2 {
        return try TokenArchive(
          tokens: tokens, lengths: [tokens.rowCount], pooled: nil, fingerprint: nil, names: nil)
      }
    }
    return try open([path])[0]
  }
}

/// `(3, 16)`.
private func shapeText(_ extents: [Int]) -> String {
  "(" + extents.map { "\($0)" }.joined(separator: ", ") + ")"
}
