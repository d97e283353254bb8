/// How the tokens of an index are reduced: chosen when the index is made, the same for all images.
public struct ReductionSetting: Sendable, Hashable {
  /// Patches per token on average; 1 merges nothing. At least 1.
  public var poolFactor: Int
  /// Dimensions that tokens are projected to; `nil` keeps the model's.
  public var dimension: Int?

  /// Merging by `poolFactor`, then a projection to `dimension`.
  public init(poolFactor: Int = 1, dimension: Int? = nil) {
    precondition(poolFactor >= 1 && dimension ?? 1 >= 1, "pool factor and dimension")
    self.poolFactor = poolFactor
    self.dimension = dimension
  }

  /// Every patch keeps a token of all dimensions.
  public static let none = ReductionSetting()

  /// Whether nothing is reduced.
  public var isNone: Bool { self == .none }

  /// Whether merged tokens stand for several patches.
  public var mergesPatches: Bool { poolFactor > 1 }
}

extension ReductionSetting: CustomStringConvertible {
  /// The flags that ask for it, as in `--pool 2 --dimension 96`.
  public var description: String {
    var flags: [String] = []
    if poolFactor > 1 { flags.append("--pool \(poolFactor)") }
    if let dimension { flags.append("--dimension \(dimension)") }
    return flags.isEmpty ? "no reduction" : flags.joined(separator: " ")
  }
}

/// What somebody asks for who makes or extends an index; `nil` leaves it to the index.
public struct ReductionRequest: Sendable, Hashable {
  /// Patches per token; 1 asks for none merged.
  public var poolFactor: Int?
  /// Dimensions; the model's own number asks for no projection.
  public var dimension: Int?

  /// A request; by default for whatever the index has, which is no reduction in a new one.
  public init(poolFactor: Int? = nil, dimension: Int? = nil) {
    self.poolFactor = poolFactor
    self.dimension = dimension
  }

  /// The flags that say the same.
  var flags: String {
    [poolFactor.map { "--pool \($0)" }, dimension.map { "--dimension \($0)" }]
      .compactMap(\.self).joined(separator: " ")
  }

  /// The request on top of what an index has, for a model of `modelDimension`.
  /// - Throws: `QueryError.unusableReduction` when that is no reduction.
  public func setting(
    over stored: ReductionSetting, modelDimension: Int
  ) throws(QueryError) -> ReductionSetting {
    var setting = stored
    if let poolFactor {
      guard poolFactor >= 1 else {
        throw QueryError(.unusableReduction, "--pool \(poolFactor): give 1 or more")
      }
      setting.poolFactor = poolFactor
    }
    if let dimension { setting.dimension = dimension }
    if let dimension = setting.dimension {
      guard (1...modelDimension).contains(dimension) else {
        throw QueryError(
          .unusableReduction,
          "--dimension \(dimension): the model's tokens have \(modelDimension) dimensions; give "
            + "fewer, or \(modelDimension) to keep them all")
      }
      if dimension == modelDimension { setting.dimension = nil }
    }
    return setting
  }
}
