/// A model in a folder, in Hugging Face's layout: `config.json`, weights in safetensors files,
/// `tokenizer.json` and `preprocessor_config.json`.
///
/// Opening reads the configuration and the table of tensors. The towers are loaded by the encoders:
/// searching needs the text tower alone, indexing the vision tower.
public final class ModelDirectory: Sendable {
  /// The folder.
  public let path: String
  package let configuration: ModelConfiguration
  package let checkpoint: Checkpoint

  /// Opens the model in the folder `path`.
  ///
  /// - Throws: `.unreadableFile`, `.malformedFile`, `.unsupportedModel`, `.invalidConfiguration`.
  public init(path: String) throws(EncoderError) {
    self.path = path
    configuration = try ModelConfiguration(path: path + "/config.json")
    checkpoint = try Checkpoint(directory: path)
  }

  /// The kind of model.
  public var family: ModelFamily { configuration.family }

  /// Width of the joint space.
  public var dimension: Int { configuration.projectionDimension }

  /// `mode`, or the default; checked against the family.
  ///
  /// - Throws: `.unsupportedTokenMode`.
  func tokenMode(_ mode: TokenMode?) throws(EncoderError) -> TokenMode {
    let modes = family.tokenModes
    let mode = mode ?? modes[0]
    guard modes.contains(mode) else {
      let names = modes.map(\.rawValue).joined(separator: ", ")
      throw EncoderError(
        .unsupportedTokenMode,
        "token mode \(mode.rawValue) is not one of a \(family.rawValue) model; use \(names)")
    }
    return mode
  }
}
