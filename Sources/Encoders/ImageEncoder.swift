public import FilipLateInteraction
internal import FilipLinearAlgebra

/// What an image looks like to a model.
public struct EncodedImage: Sendable, Equatable {
  /// One row per patch, tile after tile; or the tokens that stand for them, and those of a text that
  /// a page's picture stands in.
  public var tokens: TokenMatrix
  /// One vector for the whole image, L2-normalised, `tokens.dimension` floats.
  public var pooled: [Float]
  /// Where the patches lie on the upright original.
  public var tiles: [ImageTile]
  /// For each patch, tile after tile, the row of the token that stands for it, where a model makes
  /// fewer or more tokens than patches; `nil` where these are the patches' own.
  public var patchTokens: [UInt32]?

  /// An encoded image of these parts.
  public init(
    tokens: TokenMatrix, pooled: [Float], tiles: [ImageTile], patchTokens: [UInt32]? = nil
  ) {
    self.tokens = tokens
    self.pooled = pooled
    self.tiles = tiles
    self.patchTokens = patchTokens
  }
}

/// The vision tower of a model: pixels to tokens.
///
/// Immutable and shared freely. Each task that encodes makes its own workspace; one call uses one
/// thread.
public final class ImageEncoder: Sendable {
  /// How patch vectors are taken.
  public let tokenMode: TokenMode
  /// Layout of an image's patches; `nil` when every image has its own.
  public let grid: PatchGrid?
  /// The largest number of patches that an image has.
  public let maximumPatchCount: Int
  /// The largest number of tokens that an image has.
  public let maximumTokenCount: Int
  /// Width of the joint space.
  public let dimension: Int

  private let transformer: VisionTransformer
  /// What reads the tower's patches on, where a model has it.
  private let pages: PageReader?

  /// Loads the vision tower of `model`. Default mode: the family's.
  ///
  /// Where the weights must be made anew for `format`, they are kept in `cacheDirectory`, if one is
  /// given, for the next program; it need not exist.
  /// - Throws: `.unsupportedTokenMode`; `.unsupportedModel` for a model of texts alone;
  ///   `.missingTensor`, `.wrongShape` or `.unsupportedElementType` when the weights do not fit the
  ///   configuration; `.unusableTokenizer` for a model that reads pages.
  public init(
    model: ModelDirectory, tokenMode: TokenMode? = nil, format: ComputeFormat = .float32,
    cacheDirectory: String? = nil
  ) throws(EncoderError) {
    let vision = try model.requireVision()
    let mode = try model.tokenMode(tokenMode)
    self.tokenMode = mode
    let checkpoint = model.checkpoint.computing(
      in: format, part: model.family.visionNames.part, cacheDirectory: cacheDirectory)
    transformer = try VisionTransformer(vision, of: model.configuration, in: checkpoint)
    grid = model.grid
    maximumPatchCount = model.maximumPatchCount(mode)
    dimension = model.dimension
    if let page = model.configuration.page {
      let pages = try PageReader(
        page, of: model.configuration, prompt: model.pagePrompt(page, vision),
        vision: transformer, tokenizer: model.tokenizer(), in: checkpoint)
      let side = model.maximumPartCount(mode)
      maximumTokenCount = pages.tokenCount(rowCount: side, columnCount: side)
      self.pages = pages
    } else {
      maximumTokenCount = transformer.tokenCount(patchCount: maximumPatchCount)
      pages = nil
    }
    checkpoint.preparation.keep()
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
    for image in images {
      try check(image)
      for part in image.parts?.images ?? [] { try check(part) }
    }
    if let pages {
      return try images.map { (image) throws(EncoderError) in
        try pages.encode(image, workspace: workspace)
      }
    }
    let output = transformer.run(on: images, mode: tokenMode, workspace: workspace)
    var encoded: [EncodedImage] = []
    for (index, image) in images.enumerated() {
      encoded.append(
        EncodedImage(
          tokens: try .normalizing(output.tokens.rows(output.ranges[index])),
          pooled: try .normalizing(output.pooled.rows(index..<index + 1)),
          tiles: [ImageTile(grid: transformer.grid(of: image), region: image.region)],
          patchTokens: output.patchTokens?[index]))
    }
    return encoded
  }

  private func check(_ image: PreparedImage) throws(EncoderError) {
    let vision = transformer.configuration
    let (side, patch) = (vision.imageSize, vision.patchSize)
    switch vision.input {
    case .square:
      guard image.width == side, image.height == side else {
        throw EncoderError(
          .invalidInput,
          "an image of \(image.width) × \(image.height) pixels for a model that takes "
            + "\(side) × \(side); preprocessor_config.json and config.json disagree")
      }
    case .anyGrid:
      let isWhole = image.width % patch == 0 && image.height % patch == 0
      let patchCount = transformer.grid(of: image).patchCount
      guard isWhole, patchCount > 0, patchCount <= ConfigurationLimit.patches else {
        throw EncoderError(
          .invalidInput,
          "an image of \(image.width) × \(image.height) pixels for a model that takes whole "
            + "patches of \(patch); preprocessor_config.json and config.json disagree")
      }
    }
    let valueCount = vision.channelCount * image.width * image.height
    guard image.values.count == valueCount else {
      throw EncoderError(
        .invalidInput,
        "an image of \(image.values.count) values where its size makes \(valueCount)")
    }
  }
}
