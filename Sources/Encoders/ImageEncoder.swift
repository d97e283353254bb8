public import FilipLateInteraction
internal import FilipLinearAlgebra

/// What an image looks like to a model.
public struct EncodedImage: Sendable, Equatable {
  /// One row per patch, tile after tile.
  public var tokens: TokenMatrix
  /// One vector for the whole image, L2-normalised, `tokens.dimension` floats.
  public var pooled: [Float]
  /// Where the patches lie on the upright original.
  public var tiles: [ImageTile]

  /// An encoded image of these parts.
  public init(tokens: TokenMatrix, pooled: [Float], tiles: [ImageTile]) {
    self.tokens = tokens
    self.pooled = pooled
    self.tiles = tiles
  }
}

/// The vision tower of a model: pixels to tokens.
///
/// Immutable and shared freely. Each task that encodes makes its own workspace; one call uses one
/// thread.
public final class ImageEncoder: Sendable {
  /// How patch vectors are taken.
  public let tokenMode: TokenMode
  /// Layout of an image's patches.
  public let grid: PatchGrid
  /// Width of the joint space.
  public var dimension: Int { transformer.dimension }

  private let transformer: VisionTransformer

  /// Loads the vision tower of `model`. Default mode: the family's.
  ///
  /// Where the weights must be made anew for `format`, they are kept in `cacheDirectory`, if one is
  /// given, for the next program; it need not exist.
  /// - Throws: `.unsupportedTokenMode`; `.missingTensor`, `.wrongShape` or
  ///   `.unsupportedElementType` when the weights do not fit the configuration.
  public init(
    model: ModelDirectory, tokenMode: TokenMode? = nil, format: ComputeFormat = .float32,
    cacheDirectory: String? = nil
  ) throws(EncoderError) {
    self.tokenMode = try model.tokenMode(tokenMode)
    let checkpoint = model.checkpoint.computing(
      in: format, part: model.family.visionNames.part, cacheDirectory: cacheDirectory)
    transformer = try VisionTransformer(model.configuration, in: checkpoint)
    checkpoint.preparation.keep()
    let side = model.configuration.vision.gridSide
    grid = PatchGrid(rowCount: side, columnCount: side)
  }

  /// Memory for `encode`; one per task.
  public func makeWorkspace() -> EncoderWorkspace { EncoderWorkspace() }

  /// Encodes a batch; larger batches are a little faster an image, and need more memory.
  ///
  /// - Throws: `.invalidInput` when an image is not of the model's size; `.nonFiniteOutput` when
  ///   the weights, or an image's values, make infinities or NaN.
  /// - Complexity: one run of the vision tower an image.
  public func encode(
    _ images: [PreparedImage], workspace: EncoderWorkspace
  ) throws(EncoderError) -> [EncodedImage] {
    guard !images.isEmpty else { return [] }
    let side = transformer.configuration.imageSize
    for image in images where image.width != side || image.height != side {
      throw EncoderError(
        .invalidInput,
        "an image of \(image.width) × \(image.height) pixels for a model that takes "
          + "\(side) × \(side); preprocessor_config.json and config.json disagree")
    }
    for image in images where image.values.count != transformer.valueCount {
      throw EncoderError(
        .invalidInput,
        "an image of \(image.values.count) values for a model that takes "
          + "\(transformer.valueCount)")
    }
    let output = transformer.run(
      on: images.map(\.values), variant: tokenMode.lastBlock, workspace: workspace)
    var encoded: [EncodedImage] = []
    for (index, image) in images.enumerated() {
      let rows = index * grid.patchCount..<(index + 1) * grid.patchCount
      encoded.append(
        EncodedImage(
          tokens: try .normalizing(output.patches.rows(rows)),
          pooled: try .normalizing(output.pooled.rows(index..<index + 1)),
          tiles: [ImageTile(grid: grid, region: image.region)]))
    }
    return encoded
  }
}
