/// Why a file could not be turned into pixels.
public struct ImageDecodingError: Error, Equatable, CustomStringConvertible {
  /// What kind of problem it is.
  public let code: Code
  /// What happened, in one line, without the file's name.
  public let message: String

  /// The message.
  public var description: String { message }

  /// Kinds of problem.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Value: String { case empty, notAnImage, damaged, tooLarge, unsupported, noDecoder }
    private let value: Value

    /// The file has no bytes.
    public static let empty = Code(value: .empty)
    /// The content is of no kind that we know.
    public static let notAnImage = Code(value: .notAnImage)
    /// The file ends early or contradicts itself.
    public static let damaged = Code(value: .damaged)
    /// The picture or the file exceeds `DecodingLimits`.
    public static let tooLarge = Code(value: .tooLarge)
    /// An image, but of a kind or with features that no decoder here reads.
    public static let unsupported = Code(value: .unsupported)
    /// The library that reads this kind is not installed.
    public static let noDecoder = Code(value: .noDecoder)

    /// The code's name, such as `damaged`.
    public var description: String { value.rawValue }
  }

  static let empty = ImageDecodingError(code: .empty, message: "it is an empty file")
  static let notAnImage = ImageDecodingError(
    code: .notAnImage, message: "it is not an image, or of an unknown kind")

  /// Damage that a library reported as `reason`.
  static func damaged(_ format: ImageFormat, _ reason: String) -> ImageDecodingError {
    ImageDecodingError(
      code: .damaged,
      message: "the \(format.displayName) data is damaged or incomplete: \(oneLine(reason))")
  }

  /// A picture with features that the decoder does not know.
  static func unsupported(_ format: ImageFormat, _ reason: String) -> ImageDecodingError {
    ImageDecodingError(
      code: .unsupported,
      message: "this kind of \(format.displayName) cannot be read: \(oneLine(reason))")
  }

  /// A whole kind of file that has no decoder here.
  static func unsupportedKind(_ name: String) -> ImageDecodingError {
    ImageDecodingError(code: .unsupported, message: "\(name) files cannot be read")
  }

  /// A library that is loaded on demand and was not found.
  static func noDecoder(_ format: ImageFormat, package: String) -> ImageDecodingError {
    ImageDecodingError(
      code: .noDecoder, message: "no \(format.displayName) decoder: install \(package)")
  }

  /// Too many pixels for the limit.
  static func tooLarge(width: Int, height: Int, limit: Int) -> ImageDecodingError {
    let pixelCount = Double(width) * Double(height)
    return ImageDecodingError(
      code: .tooLarge,
      message: "the picture is \(width) x \(height) (\(millions(pixelCount)) megapixels), "
        + "the limit is \(millions(Double(limit))); raise it with --max-megapixels")
  }

  /// A side too long, whatever the limit of pixels.
  static func tooLarge(width: Int, height: Int, maximumSide: Int) -> ImageDecodingError {
    ImageDecodingError(
      code: .tooLarge,
      message: "the picture is \(width) x \(height), no side may exceed \(maximumSide) pixels")
  }

  /// Too many bytes for the limit.
  static func tooLarge(byteCount: Int, limit: Int) -> ImageDecodingError {
    ImageDecodingError(
      code: .tooLarge,
      message: "the file is \(millions(Double(byteCount))) MB, the limit is "
        + "\(millions(Double(limit))); raise it with --max-megapixels")
  }

  /// One decimal below ten, none above.
  private static func millions(_ count: Double) -> String {
    let tenths = (count / 100_000).rounded()
    if tenths >= 100 { return String(Int((tenths / 10).rounded())) }
    return String(tenths / 10)
  }

  /// Messages of libraries may hold line breaks and whatever a damaged file put into them.
  private static func oneLine(_ text: String) -> String {
    let visible = text.unicodeScalars.map { scalar in
      scalar.value < 32 || scalar.value == 127 ? " " : Character(scalar)
    }
    let words = String(visible).split(separator: " ")
    return words.isEmpty ? "no reason given" : words.joined(separator: " ")
  }
}

extension ImageFormat {
  /// The name as people write it.
  public var displayName: String {
    switch self {
    case .webp: "WebP"
    default: rawValue.uppercased()
    }
  }
}
