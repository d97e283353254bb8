/// The parts of a model in the form of the Hugging Face library, whatever form they lie in.
///
/// Nothing behind this point knows other names of tensors, or other configuration files.
struct ModelSource {
  /// The folder where tokenizer and preprocessing lie.
  let folder: String
  /// The content of `config.json`, or what it would be.
  let configuration: ConfigurationReader
  /// Where it stands how the model wants its pictures.
  let preprocessing: Preprocessing
  /// All tensors.
  let checkpoint: Checkpoint

  /// Where it stands how a model wants its pictures.
  enum Preprocessing {
    /// In `preprocessor_config.json`, which must be there.
    case file
    /// In that file if it is there; else pictures are prepared as CLIP's are.
    case fileOrCLIP
    /// Here.
    case given(PreprocessorConfiguration)
  }

  private static let configurationName = "/config.json"
  private static let openCLIPConfigurationName = "/open_clip_config.json"

  /// Whether a model may lie at `path`: a folder with a configuration, or a weight file.
  static func isModel(at path: String) -> Bool {
    fileExists(path + configurationName) || fileExists(path + openCLIPConfigurationName)
      || WeightFile.nameEndings.contains { path.hasSuffix($0) } && fileExists(path)
  }

  /// Finds the parts of the model at `path`: a folder in Hugging Face's layout, one of open_clip's,
  /// or a weight file with what belongs to it beside it.
  ///
  /// A file without a configuration beside it must have OpenAI's names; its tensors then say what
  /// the configuration is (see `DerivedConfiguration`).
  /// - Throws: `.unreadableFile`, `.malformedFile`, `.unsupportedModel`, `.invalidConfiguration`,
  ///   `.missingTensor`, `.wrongShape`.
  init(_ path: String) throws(EncoderError) {
    if fileExists(path) {
      self = try ModelSource(file: path)
      return
    }
    let isHuggingFace =
      fileExists(path + Self.configurationName) && WeightFolder.hasWeights(path)
    let weights: WeightFolder
    if !isHuggingFace, fileExists(path + Self.openCLIPConfigurationName) {
      let openCLIP = try OpenCLIPConfiguration(path: path + Self.openCLIPConfigurationName)
      configuration = openCLIP.reader
      preprocessing = .given(openCLIP.preprocessing)
      weights = try WeightFolder(path, names: WeightFolder.openCLIPNames)
    } else {
      configuration = try ConfigurationReader(path: path + Self.configurationName)
      preprocessing = .file
      weights = try WeightFolder(path)
    }
    folder = path
    let naming = try OpenAINaming(of: weights.tensors, path: weights.path)
    checkpoint = Checkpoint(
      path: weights.path,
      tensors: try naming?.translate(weights.tensors, path: weights.path) ?? weights.tensors)
  }

  private init(file: String) throws(EncoderError) {
    let folder = Self.folder(of: file)
    self.folder = folder
    var tensors = try WeightFile.tensors(at: file)
    let naming = try OpenAINaming(of: tensors, path: file)
    if let naming { tensors = try naming.translate(tensors, path: file) }
    checkpoint = Checkpoint(path: file, tensors: tensors)
    if naming != nil, fileExists(folder + Self.openCLIPConfigurationName) {
      let openCLIP = try OpenCLIPConfiguration(path: folder + Self.openCLIPConfigurationName)
      configuration = openCLIP.reader
      preprocessing = .given(openCLIP.preprocessing)
      return
    }
    preprocessing = .fileOrCLIP
    if fileExists(folder + Self.configurationName) {
      configuration = try ConfigurationReader(path: folder + Self.configurationName)
      return
    }
    guard let naming else {
      throw EncoderError(
        .unreadableFile,
        "\(folder) has no config.json for \(file), whose tensors have other names than OpenAI's; "
          + "copy it from where the model came from")
    }
    // Sizes do not tell which GELU it is, and open_clip's models have either.
    guard !file.dropFirst(folder.count).contains("open_clip") else {
      throw EncoderError(
        .unreadableFile,
        "\(folder) has no open_clip_config.json for \(file); copy it from where the model came from"
      )
    }
    let derived = DerivedConfiguration(tensors, path: file)
    let object = naming.textTower == .wukong ? try derived.wukong() : try derived.clip()
    configuration = ConfigurationReader(object.object ?? JSONObject(), path: file)
  }

  private static func folder(of file: String) -> String {
    guard let slash = file.lastIndex(of: "/") else { return "." }
    return slash == file.startIndex ? "/" : String(file[..<slash])
  }
}
