/// What one image takes in an index.
public struct ImageFootprint: Sendable, Hashable {
  /// Tokens of an image before any reduction, at most.
  public var patchCount: Int
  /// Dimensions of the model's tokens.
  public var dimension: Int

  /// An image of a model.
  public init(patchCount: Int, dimension: Int) {
    self.patchCount = patchCount
    self.dimension = dimension
  }

  /// Bytes at most: fp16 tokens and pooled vector, the map of patches, and a record.
  public func byteCount(under reduction: ReductionSetting = .none) -> Int64 {
    let tokenCount = (patchCount + reduction.poolFactor - 1) / reduction.poolFactor
    let tokens = tokenCount * (reduction.dimension ?? dimension) * 2
    let bitsPerPatch = Int.bitWidth - tokenCount.leadingZeroBitCount
    let map = reduction.mergesPatches ? patchCount * bitsPerPatch / 8 : 0
    return Int64(tokens + dimension * 2 + map + 512)
  }

  /// Whether an image takes so much room that a reduction is worth a word: more than 64 KiB at one
  /// byte a component.
  public var isWide: Bool { patchCount * dimension > 64 << 10 }

  /// The sizes that reductions by half would leave: of tokens, of dimensions, of both.
  public var halves: [(reduction: ReductionSetting, byteCount: Int64)] {
    let settings = [
      ReductionSetting(poolFactor: 2), ReductionSetting(dimension: dimension / 2),
      ReductionSetting(poolFactor: 2, dimension: dimension / 2),
    ]
    return settings.map { ($0, byteCount(under: $0)) }
  }
}
