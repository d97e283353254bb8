/// What the files of sentence-transformers add to a text encoder: `modules.json` with the modules that
/// follow it, the folder of the pooling module, `sentence_bert_config.json`, and the prompts of
/// `config_sentence_transformers.json`.
struct SentenceModules: Sendable, Hashable {
  /// How one vector is made of the tokens; `nil` when that is not said.
  private(set) var pooling: TextConfiguration.Pooling?
  /// The longest text in tokens; `nil` when that is not said.
  private(set) var lengthLimit: Int?
  /// What is put before texts.
  private(set) var prompts = TextPrompts()

  /// Reads the files in a model's folder, as far as they are there.
  ///
  /// Without `modules.json` the library takes the mean of the tokens, and so do we.
  /// - Throws: `.malformedFile`; `.unsupportedModel` for a module or a way of pooling that is not
  ///   computed here; `.invalidConfiguration`.
  init(directory: String) throws(EncoderError) {
    let settings = directory + "/config_sentence_transformers.json"
    if fileExists(settings) { prompts = try TextPrompts(path: settings) }
    let list = directory + "/modules.json"
    if fileExists(list) {
      for module in try Self.modules(list) { try add(module, directory: directory, list: list) }
    }
    let limits = directory + "/sentence_bert_config.json"
    guard fileExists(limits) else { return }
    let reader = try ConfigurationReader(path: limits)
    if reader.contains("max_seq_length") {
      lengthLimit = try reader.count(
        "max_seq_length", default: 0, in: 3...ConfigurationLimit.positions)
    }
    guard try !reader.flag("do_lower_case", default: false) else {
      throw reader.invalid("do_lower_case", "is true, which only the tokenizer's files may say")
    }
  }

  /// A line of `modules.json`.
  private struct Module {
    var type: String
    var path: String
  }

  private static func modules(_ path: String) throws(EncoderError) -> [Module] {
    let bytes = try readFile(path)
    do throws(JSONError) {
      guard let elements = try JSONValue(parsing: bytes).array else {
        throw JSONError(.wrongType, at: 0)
      }
      var modules: [Module] = []
      for element in elements {
        guard let type = element["type"]?.string, let path = element["path"]?.string else {
          throw JSONError(.wrongType, at: 0)
        }
        modules.append(Module(type: type, path: path))
      }
      return modules
    } catch {
      throw EncoderError.malformed(path, "no list of modules could be read (\(error))")
    }
  }

  private mutating func add(
    _ module: Module, directory: String, list: String
  ) throws(EncoderError) {
    switch module.type.split(separator: ".").last {
    case "Transformer" where module.path.isEmpty: break
    // Vectors are normalised whether a module says so or not.
    case "Normalize": break
    case "Pooling":
      guard !module.path.split(separator: "/", omittingEmptySubsequences: false).contains("..")
      else { throw EncoderError.malformed(list, "the path \(module.path) leads out of the folder") }
      let reader = try ConfigurationReader(path: directory + "/" + module.path + "/config.json")
      pooling = try Self.pooling(reader)
      prompts.isPooled = try reader.flag("include_prompt", default: true)
    default:
      throw EncoderError(
        .unsupportedModel,
        "\(list): the module \(module.type) in \"\(module.path)\" is not supported; supported are "
          + "Transformer (in the folder itself), Pooling and Normalize")
    }
  }

  /// The way of pooling that a module's file names: in one member, or with a flag for each way.
  private static func pooling(
    _ reader: ConfigurationReader
  ) throws(EncoderError) -> TextConfiguration.Pooling {
    var modes: [String] = []
    if let list = reader.list("pooling_mode") {
      modes = list.compactMap(\.string)
    } else if let mode = try reader.text("pooling_mode") {
      modes = [mode]
    } else {
      for (flag, mode) in flags where try reader.flag(flag, default: false) { modes.append(mode) }
      if modes.isEmpty { modes = ["mean"] }
    }
    switch modes {
    case ["cls"]: return .first
    case ["lasttoken"]: return .last
    // They differ in length only, and vectors are normalised.
    case ["mean"], ["mean_sqrt_len_tokens"]: return .mean
    default:
      throw EncoderError(
        .unsupportedModel,
        "\(reader.path): pooling by \(modes.joined(separator: " and ")) is not supported; supported are "
          + "mean, cls and lasttoken")
    }
  }

  private static let flags = [
    ("pooling_mode_cls_token", "cls"), ("pooling_mode_max_tokens", "max"),
    ("pooling_mode_mean_tokens", "mean"),
    ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"),
    ("pooling_mode_weightedmean_tokens", "weightedmean"),
    ("pooling_mode_lasttoken", "lasttoken"),
  ]
}

extension ModelConfiguration {
  /// Takes over what the files of sentence-transformers say, for a model of texts alone.
  mutating func adopt(_ modules: SentenceModules) {
    if let pooling = modules.pooling { text.pooling = pooling }
    if let limit = modules.lengthLimit { text.lengthLimit = min(limit, text.positionCount) }
    prompts = modules.prompts
  }
}
