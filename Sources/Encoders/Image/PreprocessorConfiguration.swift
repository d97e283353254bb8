/// How a model wants its pictures: the content of a Hugging Face `preprocessor_config.json`.
///
/// What a file leaves out keeps the default of the processor class that it names; without a class,
/// CLIP's.
public struct PreprocessorConfiguration: Sendable, Hashable {
  /// What size a picture gets.
  public enum Resizing: Sendable, Hashable {
    /// The original size.
    case none
    /// The shorter side gets this length, the proportions stay.
    case shorterSide(Int)
    /// Exactly this size; proportions change.
    case exact(width: Int, height: Int)
    /// As large as a number of square patches allows, the proportions stay but for whole patches.
    ///
    /// Of several numbers, which rise, the first counts that the picture's own whole patches do not
    /// exceed, else the last.
    case patches(side: Int, maximumCounts: [Int])
    /// A square of `side`. If `isCut`, also the parts of the picture at a larger size: the longer
    /// side gets the length `longestSide`, then both are stretched to whole squares of `side`.
    case page(side: Int, longestSide: Int, isCut: Bool)
  }

  /// A size in pixels.
  public struct Size: Sendable, Hashable {
    /// Pixels from left to right.
    public var width: Int
    /// Pixels from top to bottom.
    public var height: Int

    /// A size in pixels.
    public init(width: Int, height: Int) {
      self.width = width
      self.height = height
    }
  }

  /// What size a picture gets first. Default: 224 for the shorter side.
  public var resizing = Resizing.shorterSide(224)
  /// How pixels are mixed. Default: bicubic.
  public var filter = ResamplingFilter.bicubic
  /// The part that is cut from the middle; `nil` keeps all. Default: 224 × 224.
  public var centerCrop: Size? = Size(width: 224, height: 224)
  /// What samples of 0 to 255 are multiplied with; `nil` leaves them. Default: 1/255.
  public var rescaleFactor: Double? = 1.0 / 255
  /// Subtracted from red, green and blue after rescaling. Default: CLIP's.
  public var mean: [Float] = [0.48145466, 0.4578275, 0.40821073]
  /// Divides red, green and blue after that. Default: CLIP's.
  public var standardDeviation: [Float] = [0.26862954, 0.26130258, 0.27577711]

  /// The defaults of CLIP.
  public init() {}

  /// The size of what the model gets, when all pictures become the same size; else `nil`.
  public var outputSize: Size? {
    if let centerCrop { return centerCrop }
    if case .exact(let width, let height) = resizing { return Size(width: width, height: height) }
    return nil
  }
}

// MARK: - Families

extension PreprocessorConfiguration {
  /// What TIPSv2 takes: squares of values from 0 to 1.
  static func tips(side: Int) -> PreprocessorConfiguration {
    var configuration = PreprocessorConfiguration()
    configuration.resizing = .exact(width: side, height: side)
    configuration.filter = .bilinear
    configuration.centerCrop = nil
    (configuration.mean, configuration.standardDeviation) = ([0, 0, 0], [1, 1, 1])
    return configuration
  }

  /// What SigLIP 2 takes where every image has its own grid.
  static func patches(maximumCounts: [Int]) -> PreprocessorConfiguration {
    var configuration = PreprocessorConfiguration()
    configuration.resizing = .patches(side: 16, maximumCounts: maximumCounts)
    configuration.filter = .bilinear
    configuration.centerCrop = nil
    (configuration.mean, configuration.standardDeviation) = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
    return configuration
  }

  /// What Idefics 3 takes, whose processor ColModernVBERT uses with other sizes.
  static let idefics: PreprocessorConfiguration = {
    var configuration = PreprocessorConfiguration()
    configuration.resizing = .page(side: 364, longestSide: 4 * 364, isCut: true)
    configuration.filter = .lanczos
    configuration.centerCrop = nil
    (configuration.mean, configuration.standardDeviation) = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
    return configuration
  }()

  /// What FG-CLIP 2 takes: as many patches as the picture has, in steps.
  static let fgclip = patches(maximumCounts: [128, 256, 576, 784, 1024])
}
