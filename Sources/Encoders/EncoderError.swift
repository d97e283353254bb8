/// Why a model could not be loaded, or an image or text not be encoded.
public struct EncoderError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kind of failure, for programs; `description` is for people.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Name: String {
      case unreadableFile, unwritableFile
      case malformedFile, missingTensor, wrongShape, unsupportedElementType
      case invalidConfiguration, unsupportedModel, unsupportedTokenMode, invalidInput, emptyQuery
      case unusableTokenizer, nonFiniteOutput
    }

    private let name: Name

    /// A file that is missing or unreadable.
    public static let unreadableFile = Code(name: .unreadableFile)
    /// A file that cannot be written.
    public static let unwritableFile = Code(name: .unwritableFile)
    /// A file that is damaged, cut short, or not what its name says.
    public static let malformedFile = Code(name: .malformedFile)
    /// A weight file without a tensor that the model needs.
    public static let missingTensor = Code(name: .missingTensor)
    /// A tensor of another shape than the configuration says.
    public static let wrongShape = Code(name: .wrongShape)
    /// A tensor of a number format that is not read, such as an integer or 8-bit one.
    public static let unsupportedElementType = Code(name: .unsupportedElementType)
    /// A configuration with a missing, impossible or contradictory value.
    public static let invalidConfiguration = Code(name: .invalidConfiguration)
    /// A tokenizer that is missing, damaged, or of a kind that is not supported.
    public static let unusableTokenizer = Code(name: .unusableTokenizer)
    /// A model of a family that is not supported.
    public static let unsupportedModel = Code(name: .unsupportedModel)
    /// A token mode that the model does not have.
    public static let unsupportedTokenMode = Code(name: .unsupportedTokenMode)
    /// An image or token sequence that does not fit the model.
    public static let invalidInput = Code(name: .invalidInput)
    /// A query without a single word.
    public static let emptyQuery = Code(name: .emptyQuery)
    /// An encoder that produced infinities or NaN: damaged weights.
    public static let nonFiniteOutput = Code(name: .nonFiniteOutput)

    /// The code's name.
    public var description: String { name.rawValue }
  }

  /// The kind of failure.
  public let code: Code
  /// One line: what happened, to which file or tensor, and what to do.
  public let description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}

extension EncoderError {
  /// The system refused `action` on a file.
  static func system(_ action: String, _ path: String, reason: String) -> EncoderError {
    EncoderError(.unreadableFile, "cannot \(action) \(path): \(reason)")
  }

  /// A file's content is not what it should be.
  static func malformed(_ path: String, _ problem: String) -> EncoderError {
    EncoderError(
      .malformedFile, "\(path): \(problem); the file is damaged or incomplete, copy it again")
  }
}
