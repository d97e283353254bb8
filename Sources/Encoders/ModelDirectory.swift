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
  /// How the model wants its pictures.
  public let preprocessing: PreprocessorConfiguration
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
    configuration = try ModelConfiguration(parts.configuration)
    let file = parts.folder + "/preprocessor_config.json"
    let imageSize = configuration.vision.imageSize
    switch parts.preprocessing {
    case .given(let preprocessing): self.preprocessing = preprocessing
    case .fileOrCLIP where !fileExists(file): preprocessing = .clip(imageSize: imageSize)
    case .file, .fileOrCLIP:
      preprocessing = try Self.preprocessing(path: file, imageSize: imageSize)
    }
    checkpoint = parts.checkpoint
  }

  /// The endings of names that weight files have.
  package static var weightFileEndings: [String] { WeightFile.nameEndings }

  /// Whether a model may lie at `path`: a folder with a configuration, or a weight file.
  public static func isModel(at path: String) -> Bool { ModelSource.isModel(at: path) }

  private static func preprocessing(
    path: String, imageSize: Int
  ) throws(EncoderError) -> PreprocessorConfiguration {
    guard fileExists(path) else {
      throw EncoderError(
        .unreadableFile,
        "\(path) is missing: it says how the model wants its pictures; copy it from the same model")
    }
    let bytes = try readFile(path)
    let configuration: PreprocessorConfiguration
    do throws(PreprocessorConfigurationError) {
      configuration = try PreprocessorConfiguration(json: bytes)
    } catch {
      throw EncoderError(
        .invalidConfiguration, "\(path): \(error); copy the file again from its source")
    }
    guard let size = configuration.outputSize, size.width == imageSize, size.height == imageSize
    else {
      let made = configuration.outputSize.map { "\($0.width) × \($0.height)" } ?? "varying"
      throw EncoderError(
        .invalidConfiguration,
        "\(path) makes images of \(made) pixels, config.json wants \(imageSize) × \(imageSize); "
          + "copy both from the same model")
    }
    return configuration
  }

  /// Makes sure that there is a tokenizer beside the weights, where people forget it.
  ///
  /// - Throws: `.unusableTokenizer`, saying what to copy.
  func requireTokenizer() throws(EncoderError) {
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

  // MARK: - Fingerprints

  /// What the vectors of images depend on, as 32 hexadecimal digits: preprocessing, vision tower,
  /// projection and token mode. Vectors of different fingerprints must not be compared.
  ///
  /// Of each tensor the name, type, shape and both ends are hashed, not all of it.
  /// - Throws: `.unsupportedTokenMode`.
  public func imageFingerprint(tokenMode: TokenMode? = nil) throws(EncoderError) -> String {
    let vision = configuration.vision
    var fingerprint = Fingerprint()
    fingerprint.add("filip image fingerprint", 1)
    fingerprint.add("mode", try self.tokenMode(tokenMode).rawValue)
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
    fingerprint.add(preprocessing)
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
    switch text.endRule {
    case .firstToken(let end): fingerprint.add("end", end)
    case .largestToken: fingerprint.add("end", "largest")
    }
    fingerprint.add("special tokens", configuration.scoresSpecialTokens)
    fingerprint.add(family.textNames.part, of: checkpoint)
    return fingerprint.hexadecimal
  }
}
