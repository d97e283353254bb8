internal import FilipEncoders
public import FilipLateInteraction

/// The reduction of an index, ready for use: what becomes of an image's tokens before they are
/// stored, and of a query's before they are compared.
///
///     let reduction = try TokenReduction(snapshot)
///     let words = reduction.project(query: text.tokens)
///
/// Merging touches images only; the projection touches both. Pooled vectors are never reduced.
/// Scores are exact for the reduced tokens.
public struct TokenReduction: Sendable, Equatable {
  /// What was chosen.
  public let setting: ReductionSetting
  /// The axes, learnt from the index's first images; `nil` where none are wanted, and until then.
  public internal(set) var projection: TokenProjection?
  /// How much of a search without reduction is found; `nil` where nothing is reduced, and until
  /// it was measured.
  public internal(set) var recall: ReductionRecall?

  init(
    setting: ReductionSetting, projection: TokenProjection? = nil, recall: ReductionRecall? = nil
  ) {
    self.setting = setting
    self.projection = projection
    self.recall = recall
  }

  /// Leaves tokens as they are.
  public static let none = TokenReduction(setting: .none)

  /// Whether nothing is reduced.
  public var isNone: Bool { setting.isNone }

  /// Whether tokens can be reduced: `false` until a wanted projection is learnt.
  public var isReady: Bool { setting.dimension == nil || projection != nil }

  /// What is stored for an image with the given tokens.
  /// - Precondition: `isReady`.
  public func reduce(_ tokens: TokenMatrix) -> ReducedTokens {
    precondition(isReady, "projection that is learnt")
    var reduced = ReducedTokens(tokens: tokens)
    if setting.mergesPatches {
      let pooled = TokenPooling(factor: setting.poolFactor).pool(tokens)
      reduced = ReducedTokens(tokens: pooled.tokens, patchTokens: pooled.tokenOfPatch)
    }
    if let projection { reduced.tokens = projection.project(image: reduced.tokens) }
    return reduced
  }

  /// The tokens of a query as they are compared with those of the index: of its dimension, and no
  /// longer than 1.
  public func project(query tokens: TokenMatrix) -> TokenMatrix {
    guard let projection, tokens.dimension == projection.inputDimension else { return tokens }
    return projection.project(query: tokens)
  }

  // MARK: - Learning

  /// Learns the projection that is wanted from the tokens of some images.
  mutating func learn(from images: [TokenMatrix]) {
    guard let dimension = setting.dimension, !images.isEmpty else { return }
    projection = TokenProjection(learningFrom: images, outputDimension: dimension)
  }

  /// Measures what the reduction loses on the tokens of some images, if they are enough.
  mutating func measure(on images: [TokenMatrix]) {
    guard !isNone, isReady else { return }
    recall = ReductionRecall(full: images, reduced: images.map { reduce($0).tokens }) {
      project(query: $0)
    }
  }
}

/// An image's tokens as they are stored.
public struct ReducedTokens: Sendable, Equatable {
  /// The tokens, unit rows.
  public var tokens: TokenMatrix
  /// For each of the model's tokens the one that stands for it; `nil` where each has its own.
  public var patchTokens: [UInt32]?

  /// For each patch of the image that these are the tokens of, the one that stands for it; `nil`
  /// where every patch has its own.
  func patchTokens(of image: EncodedImage) -> [UInt32]? {
    guard let own = image.patchTokens else { return patchTokens }
    return own.map { token in patchTokens?[Int(token)] ?? token }
  }
}
