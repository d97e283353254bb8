import FilipEncoders
import FilipLateInteraction
public import FilipStore

/// The reduction in the notes of an index.
///
/// | note | value |
/// | --- | --- |
/// | `reduction` | text: `pool 2 dimension 96`; absent without reduction |
/// | `projection` | below; absent until it is learnt |
/// | `reduction-recall` | text: value, ends of the interval, queries and images, with blanks between |
///
/// A projection, version 1, little-endian: version u8, three zero bytes, input dimension u32, output
/// dimension u32, axes f32 (output, input) row-major, then XXH3-128 of all that, 16 bytes.
extension TokenReduction {
  private enum Note {
    static let setting = "reduction"
    static let projection = "projection"
    static let recall = "reduction-recall"
  }

  /// The note that can be done without.
  static let dispensableNoteName = Note.recall

  /// The reduction of an index, as a snapshot has it.
  /// - Throws: `QueryError.damagedReduction`, `StoreError`.
  /// - Complexity: reads outputDimension · inputDimension floats; keep it for the searches of one
  ///   generation.
  public init(_ snapshot: borrowing Snapshot) throws {
    guard let setting = try snapshot.note(Note.setting) else {
      self = .none
      return
    }
    self.init(setting: try Self.setting(setting))
    if let dimension = self.setting.dimension, let bytes = try snapshot.note(Note.projection) {
      projection = try Self.projection(bytes)
      guard projection?.outputDimension == dimension else { throw Self.damaged(Note.projection) }
    }
    recall = try snapshot.note(Note.recall).map(Self.recall)
  }

  /// Writes the reduction into the index, replacing what was there.
  func record(in writer: inout Writer) throws {
    let setting = isNone ? nil : Array(Self.text(setting).utf8)
    try writer.setNote(Note.setting, to: setting)
    try writer.setNote(Note.projection, to: projection.map(Self.bytes))
    try writer.setNote(Note.recall, to: recall.map { Array(Self.text($0).utf8) })
  }

  private static func damaged(_ note: String) -> QueryError {
    QueryError(
      .damagedReduction,
      "the note \(note) of the index is damaged; rebuild the index: filip index --force, with "
        + "--pool and --dimension if they are wanted")
  }

  // MARK: - Setting

  static func text(_ setting: ReductionSetting) -> String {
    "pool \(setting.poolFactor)" + (setting.dimension.map { " dimension \($0)" } ?? "")
  }

  static func setting(_ bytes: [UInt8]) throws(QueryError) -> ReductionSetting {
    let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
    guard words.count == 2 || words.count == 4, words[0] == "pool", let factor = Int(words[1]),
      factor >= 1
    else { throw damaged(Note.setting) }
    guard words.count == 4 else { return ReductionSetting(poolFactor: factor) }
    guard words[2] == "dimension", let dimension = Int(words[3]), dimension >= 1 else {
      throw damaged(Note.setting)
    }
    return ReductionSetting(poolFactor: factor, dimension: dimension)
  }

  // MARK: - Recall

  static func text(_ recall: ReductionRecall) -> String {
    "\(recall.value) \(recall.lowerBound) \(recall.upperBound) \(recall.queryCount) "
      + "\(recall.imageCount)"
  }

  static func recall(_ bytes: [UInt8]) throws(QueryError) -> ReductionRecall {
    let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
    let shares = words.prefix(3).compactMap { Double($0) }.filter { (0...1).contains($0) }
    let counts = words.dropFirst(3).compactMap { Int($0) }.filter { $0 > 0 }
    guard words.count == 5, shares.count == 3, counts.count == 2 else {
      throw damaged(Note.recall)
    }
    return ReductionRecall(
      value: shares[0], lowerBound: shares[1], upperBound: shares[2], queryCount: counts[0],
      imageCount: counts[1])
  }

  // MARK: - Projection

  private static let projectionVersion: UInt8 = 1
  private static let headerByteCount = 12
  private static let checksumByteCount = 16

  static func bytes(_ projection: TokenProjection) -> [UInt8] {
    var bytes = [projectionVersion, 0, 0, 0]
    bytes.reserveCapacity(headerByteCount + 4 * projection.axes.count + checksumByteCount)
    append(UInt32(projection.inputDimension), to: &bytes)
    append(UInt32(projection.outputDimension), to: &bytes)
    for value in projection.axes { append(value.bitPattern, to: &bytes) }
    return bytes + checksum(of: bytes)
  }

  static func projection(_ bytes: [UInt8]) throws(QueryError) -> TokenProjection {
    guard bytes.count > headerByteCount + checksumByteCount else { throw damaged(Note.projection) }
    if bytes[0] > projectionVersion {
      throw QueryError(
        .damagedReduction,
        "the projection of the index has version \(bytes[0]), which is newer than this program; "
          + "update filip")
    }
    let content = Array(bytes.dropLast(checksumByteCount))
    guard bytes[0] == projectionVersion,
      checksum(of: content).elementsEqual(
        bytes.suffix(checksumByteCount))
    else { throw damaged(Note.projection) }
    let words = stride(from: 4, to: content.count - 3, by: 4).map { offset in
      content[offset..<offset + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }
    let (input, output) = (Int(words[0]), Int(words[1]))
    guard content.count == headerByteCount + 4 * (words.count - 2), output >= 1, output <= input,
      (words.count - 2).isMultiple(of: input), (words.count - 2) / input == output
    else { throw damaged(Note.projection) }
    let axes = words.dropFirst(2).map { Float(bitPattern: $0) }
    guard axes.allSatisfy(\.isFinite) else { throw damaged(Note.projection) }
    return TokenProjection(axes: axes, inputDimension: input, outputDimension: output)
  }

  private static func append(_ value: UInt32, to bytes: inout [UInt8]) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  private static func checksum(of bytes: [UInt8]) -> [UInt8] {
    let digest = contentDigest(of: bytes)
    return ContentHash(high: digest.high, low: digest.low).bytes
  }
}
