public import FilipLateInteraction

/// What there is to know about a model without running it.
public struct ModelSummary: Sendable, Hashable {
  /// One of the model's two towers.
  public struct Tower: Sendable, Hashable {
    /// Number of blocks.
    public var layerCount: Int
    /// Floats of a token between blocks.
    public var width: Int
    /// Attention heads of a block.
    public var headCount: Int
    /// Numbers in the tower and its projections.
    public var parameterCount: Int
    /// How they are stored, by rising name.
    public var elementTypes: [TensorElementType]
  }

  /// The folder, or the weight file.
  public var path: String
  /// The kind of model.
  public var family: ModelFamily
  /// The maker's name of this version.
  public var version: String?
  /// What images the model was made for, in the words of its maker.
  public var domain: String?
  /// Width of the joint space.
  public var dimension: Int
  /// Height and width in pixels of the images that the model was made for; 0 for a model of texts
  /// alone.
  public var imageSize: Int
  /// Layout of an image's patches; `nil` when every image has its own, or the model takes none.
  public var grid: PatchGrid?
  /// The largest number of patches that an image has; 0 for a model of texts alone.
  public var maximumPatchCount: Int
  /// The longest text in tokens, start and end included.
  public var textTokenLimit: Int
  /// Number of token numbers.
  public var vocabularySize: Int
  /// The vision tower; `nil` for a model of texts alone.
  public var vision: Tower?
  /// The text tower.
  public var text: Tower
  /// How pictures become values; `nil` for a model of texts alone.
  public var preprocessing: PreprocessorConfiguration?
  /// The ways to take patch vectors.
  public var tokenModes: [TokenMode]
  /// The way that is taken unless another is asked for.
  public var defaultTokenMode: TokenMode
  /// What the vectors of images depend on, in the default token mode; `nil` for a model of texts
  /// alone.
  public var imageFingerprint: String?
  /// What the vectors of texts depend on.
  public var textFingerprint: String
}

extension ModelDirectory {
  /// What there is to know about the model without running it.
  ///
  /// Reads the ends of every tensor, not all of them, and checks no tensor's shape.
  public var summary: ModelSummary {
    get throws(EncoderError) {
      let vision = configuration.vision
      return ModelSummary(
        path: source, family: family, version: configuration.version, domain: configuration.domain,
        dimension: dimension, imageSize: vision?.imageSize ?? 0, grid: grid,
        maximumPatchCount: maximumPatchCount, textTokenLimit: configuration.text.lengthLimit,
        vocabularySize: configuration.text.vocabularySize,
        vision: vision.map { tower($0.transformer, family.visionNames.part) },
        text: tower(configuration.text.transformer, family.textNames.part),
        preprocessing: preprocessing, tokenModes: tokenModes,
        defaultTokenMode: defaultTokenMode,
        imageFingerprint: hasVisionTower ? try imageFingerprint() : nil,
        textFingerprint: textFingerprint)
    }
  }

  private func tower(
    _ configuration: TransformerConfiguration, _ part: TowerPart
  ) -> ModelSummary.Tower {
    let tensors = checkpoint.tensors(of: part)
    return ModelSummary.Tower(
      layerCount: configuration.layerCount, width: configuration.width,
      headCount: configuration.headCount,
      parameterCount: tensors.map(\.elementCount).reduce(0, +),
      elementTypes: Set(tensors.map(\.elementType)).sorted { $0.name < $1.name })
  }
}
