public import FilipLateInteraction

/// A model on disk: a folder in Hugging Face's layout (`config.json`, weights in safetensors files
/// or `pytorch_model.bin`, `tokenizer.json` and `preprocessor_config.json`), one of open_clip's, or
/// a weight file.
///
/// Opening reads the configurations and the table of tensors. The towers are loaded by the
/// encoders: searching needs the text tower alone, indexing the vision tower.
public final class ModelDirectory: Sendable {
  /// The folder; of a weight file, the one that it lies in.
  public let path: String
  /// What was opened: the folder, or the weight file.
  public let source: String
  /// How the model wants its pictures; `nil` for a model of texts alone.
  public let preprocessing: PreprocessorConfiguration?
  package let configuration: ModelConfiguration
  package let checkpoint: Checkpoint

  /// Opens the model at `path`, a folder or a weight file.
  ///
  /// A weight file is `.safetensors`, or what `torch.save` or `torch.jit.save` wrote. Beside it lie
  /// its tokenizer, and `config.json` or `open_clip_config.json`; without these two, it has the
  /// tensor names of OpenAI's CLIP.
  /// - Throws: `.unreadableFile`, `.malformedFile`, `.unsupportedModel`, `.invalidConfiguration`,
  ///   `.missingTensor`, `.wrongShape`.
  public init(path: String) throws(EncoderError) {
    let parts = try ModelSource(path)
    source = path
    self.path = parts.folder
    var configuration = try ModelConfiguration(parts.configuration)
    if let vision = configuration.vision {
      let file = parts.folder + "/preprocessor_config.json"
      switch parts.preprocessing {
      case .given(let preprocessing): self.preprocessing = preprocessing
      case .fileOrCLIP where !fileExists(file):
        preprocessing = .clip(imageSize: vision.imageSize)
      case .file, .fileOrCLIP:
        preprocessing = try Self.preprocessing(
          in: parts.folder, for: vision, of: configuration.family)
      }
    } else {
      preprocessing = nil
    }
    if configuration.family.isSentenceEncoder {
      configuration.adopt(try SentenceModules(directory: parts.folder))
    }
    self.configuration = configuration
    checkpoint = parts.checkpoint
    guard maximumPatchCount <= configuration.text.lengthLimit || configuration.page == nil else {
      throw EncoderError(
        .invalidConfiguration,
        "\(parts.folder): pages become up to \(maximumPatchCount) vectors, the text tower takes "
          + "\(configuration.text.lengthLimit) tokens; copy all files from the same model")
    }
  }

  /// The endings of names that weight files have.
  package static var weightFileEndings: [String] { WeightFile.nameEndings }

  /// Whether a model may lie at `path`: a folder with a configuration, or a weight file.
  public static func isModel(at path: String) -> Bool { ModelSource.isModel(at: path) }

  private static func preprocessing(
    in folder: String, for vision: VisionConfiguration, of family: ModelFamily
  ) throws(EncoderError) -> PreprocessorConfiguration {
    var (path, member): (String, String?) = (folder + "/preprocessor_config.json", nil)
    // Newer versions of the library write one file for pictures and texts.
    let shared = folder + "/processor_config.json"
    if !fileExists(path), fileExists(shared) { (path, member) = (shared, "image_processor") }
    guard fileExists(path) else {
      // The first checkpoints of TIPSv2 have their preprocessing in Python.
      if family == .tips { return .tips(side: vision.imageSize) }
      throw EncoderError(
        .unreadableFile,
        "\(path) is missing: it says how the model wants its pictures; copy it from the same model")
    }
    let bytes = try readFile(path)
    let configuration: PreprocessorConfiguration
    do throws(PreprocessorConfigurationError) {
      configuration = try PreprocessorConfiguration(json: bytes, member: member)
    } catch {
      throw EncoderError(
        .invalidConfiguration, "\(path): \(error); copy the file again from its source")
    }
    guard !configuration.fits(vision) else { return configuration }
    let made = configuration.madeSize.map { "\($0.width) × \($0.height)" } ?? "varying"
    let wanted =
      switch vision.input {
      case .square: "\(vision.imageSize) × \(vision.imageSize)"
      case .anyGrid: "whole patches of \(vision.patchSize)"
      }
    throw EncoderError(
      .invalidConfiguration,
      "\(path) makes images of \(made) pixels, config.json wants \(wanted); "
        + "copy both from the same model")
  }

  /// Whether the model takes images.
  public var hasVisionTower: Bool { configuration.vision != nil }

  /// The vision tower's configuration.
  ///
  /// - Throws: `.unsupportedModel` for a model of texts alone.
  func requireVision() throws(EncoderError) -> VisionConfiguration {
    guard let vision = configuration.vision else {
      throw EncoderError(
        .unsupportedModel,
        "\(path): a \(family.rawValue) model has no vision tower: it takes texts, not images; "
          + "index texts with filip index --text FILE.jsonl, or give another --model")
    }
    return vision
  }

  /// The tokenizer of the model.
  ///
  /// - Throws: `.unusableTokenizer`.
  func tokenizer() throws(EncoderError) -> any TextTokenizer {
    try requireTokenizer()
    do throws(TokenizerError) {
      return try loadTokenizer(directory: path)
    } catch {
      throw EncoderError(.unusableTokenizer, error.description)
    }
  }

  /// Makes sure that there is a tokenizer beside the weights, where people forget it.
  ///
  /// - Throws: `.unusableTokenizer`, saying what to copy.
  private func requireTokenizer() throws(EncoderError) {
    let names = ["tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model"]
    guard source != path, !names.contains(where: { fileExists(path + "/" + $0) }) else { return }
    throw EncoderError(
      .unusableTokenizer,
      "\(path) has no tokenizer for \(source): copy tokenizer.json of the same model there "
        + "(all English CLIP models have that of openai/clip-vit-base-patch32)")
  }

  /// The kind of model.
  public var family: ModelFamily { configuration.family }

  /// Width of the joint space.
  public var dimension: Int { configuration.projectionDimension }

  /// Layout of an image's patches; `nil` when every image has its own, or the model takes none.
  public var grid: PatchGrid? {
    guard let vision = configuration.vision else { return nil }
    return preprocessing?.outputSize.map { size in
      PatchGrid(
        rowCount: size.height / vision.patchSize, columnCount: size.width / vision.patchSize)
    }
  }

  /// The largest number of patches that an image has in the default token mode; 0 for a model of
  /// texts alone.
  public var maximumPatchCount: Int { maximumPatchCount(defaultTokenMode) }

  /// The largest number of patches that an image has.
  func maximumPatchCount(_ mode: TokenMode) -> Int {
    if let page = configuration.page, let vision = configuration.vision {
      let side = maximumPartCount(mode)
      return (side * side + 1) * page.tokenCount(vision)
    }
    if case .patches(_, let counts) = preprocessing?.resizing { return counts.max() ?? 0 }
    return grid?.patchCount ?? configuration.vision?.patchCount ?? 0
  }

  // MARK: - Token modes

  /// The ways to take patch vectors that this model has; the first is the default.
  public var tokenModes: [TokenMode] { family.tokenModes }

  /// The way that is taken unless another is asked for.
  public var defaultTokenMode: TokenMode { tokenModes[0] }

  /// `mode`, or the default; checked against the family.
  ///
  /// - Throws: `.unsupportedTokenMode`.
  func tokenMode(_ mode: TokenMode?) throws(EncoderError) -> TokenMode {
    let mode = mode ?? defaultTokenMode
    guard tokenModes.contains(mode) else {
      let names = tokenModes.map(\.rawValue).joined(separator: ", ")
      throw EncoderError(
        .unsupportedTokenMode,
        "token mode \(mode.rawValue) is not one of a \(family.rawValue) model; use \(names)")
    }
    return mode
  }

  // MARK: - Pages

  /// How pictures are prepared in a token mode; `nil` for a model of texts alone.
  public func preprocessing(for mode: TokenMode) -> PreprocessorConfiguration? {
    guard mode == .single, case .page(let side, let longestSide, _) = preprocessing?.resizing else {
      return preprocessing
    }
    var single = preprocessing
    single?.resizing = .page(side: side, longestSide: longestSide, isCut: false)
    return single
  }

  /// The largest number of parts, along either side, that a page is cut into; 0 where it is not cut.
  func maximumPartCount(_ mode: TokenMode) -> Int {
    guard case .page(let side, let longestSide, true) = preprocessing(for: mode)?.resizing else {
      return 0
    }
    let square = ImagePreprocessor.pageSize(
      width: longestSide, height: longestSide, longestSide: longestSide)
    let count = ImagePreprocessor.squares(of: square, side: side).rowCount
    return count > 1 ? count : 0
  }

  /// The text in which the picture of a page stands.
  ///
  /// - Throws: as `PagePrompt`.
  func pagePrompt(
    _ page: PageConfiguration, _ vision: VisionConfiguration
  ) throws(EncoderError) -> PagePrompt {
    try PagePrompt(directory: path, tokenCount: page.tokenCount(vision))
  }

  // MARK: - Fingerprints

  /// What the vectors of images depend on, as 32 hexadecimal digits: preprocessing, vision tower,
  /// projection and token mode. Vectors of different fingerprints must not be compared.
  ///
  /// Of each tensor the name, type, shape and both ends are hashed, not all of it.
  /// - Throws: `.unsupportedTokenMode`; `.unsupportedModel` for a model of texts alone.
  public func imageFingerprint(tokenMode: TokenMode? = nil) throws(EncoderError) -> String {
    let vision = try requireVision()
    let mode = try self.tokenMode(tokenMode)
    var fingerprint = Fingerprint()
    fingerprint.add("filip image fingerprint", 1)
    fingerprint.add("mode", mode.rawValue)
    fingerprint.add("family", family.rawValue)
    fingerprint.add("dimension", dimension)
    fingerprint.add(vision.transformer)
    fingerprint.add("image", vision.imageSize)
    fingerprint.add("patch", vision.patchSize)
    fingerprint.add("channels", vision.channelCount)
    fingerprint.add("class token", vision.hasClassToken)
    fingerprint.add("norm before blocks", vision.hasNormBeforeBlocks)
    fingerprint.add("patch bias", vision.hasPatchBias)
    fingerprint.add("pooling", vision.pooling.rawValue)
    if vision.input == .anyGrid { fingerprint.add("input", "any grid") }
    if vision.registerCount > 0 { fingerprint.add("registers", vision.registerCount) }
    if vision.hasLayerScale { fingerprint.add("layer scale", true) }
    if let preprocessing = preprocessing(for: mode) { fingerprint.add(preprocessing) }
    if let page = configuration.page {
      let prompt = try pagePrompt(page, vision)
      fingerprint.add("page", "\(page.imageToken) \(page.shuffleFactor)")
      fingerprint.add("prompt", "\(prompt.start)<image>\(prompt.end)")
      fingerprint.add("text", textFingerprint)
    }
    fingerprint.add(family.visionNames.part, of: checkpoint)
    return fingerprint.hexadecimal
  }

  /// What the vectors of texts depend on, as 32 hexadecimal digits: text tower and projection. The
  /// tokenizer's file is not part of it.
  public var textFingerprint: String {
    let text = configuration.text
    var fingerprint = Fingerprint()
    fingerprint.add("filip text fingerprint", 1)
    fingerprint.add("family", family.rawValue)
    fingerprint.add("dimension", dimension)
    fingerprint.add(text.transformer)
    fingerprint.add("vocabulary", text.vocabularySize)
    fingerprint.add("positions", text.positionCount)
    switch text.pooling {
    case .end(.firstToken(let end)): fingerprint.add("end", end)
    case .end(.largestToken): fingerprint.add("end", "largest")
    case .first, .last, .mean: fingerprint.add("pooling", text.pooling)
    }
    fingerprint.add("special tokens", configuration.scoresSpecialTokens)
    // Lines of their own only where a model differs from CLIP's: old fingerprints stay.
    if text.lengthLimit != text.positionCount { fingerprint.add("limit", text.lengthLimit) }
    if text.embeddingScale != 1 { fingerprint.add("scale", text.embeddingScale.bitPattern) }
    if configuration.prompts != TextPrompts() {
      let prompts = configuration.prompts
      fingerprint.add("prompts", "\(prompts.isPooled) \([prompts.query, prompts.document])")
    }
    if let long = text.longPositions {
      fingerprint.add("long positions", "\(long.count) \(long.keptCount)")
    }
    if let rotation = text.transformer.rotation { fingerprint.add("rotation", rotation) }
    fingerprint.add(family.textNames.part, of: checkpoint)
    return fingerprint.hexadecimal
  }
}

extension PreprocessorConfiguration {
  /// Whether a tower takes the images that this makes.
  fileprivate func fits(_ vision: VisionConfiguration) -> Bool {
    switch vision.input {
    case .square:
      return madeSize == Size(width: vision.imageSize, height: vision.imageSize)
    case .anyGrid:
      if case .patches(let side, _) = resizing { return side == vision.patchSize }
      guard let size = outputSize else { return false }
      return size.width % vision.patchSize == 0 && size.height % vision.patchSize == 0
    }
  }

  /// The size of the pictures that a tower gets, when all have the same.
  fileprivate var madeSize: Size? {
    if case .page(let side, _, _) = resizing { return Size(width: side, height: side) }
    return outputSize
  }
}

extension ModelFamily {
  /// Whether the folder may be one of sentence-transformers.
  fileprivate var isSentenceEncoder: Bool { self == .bert || self == .modernBERT }
}
