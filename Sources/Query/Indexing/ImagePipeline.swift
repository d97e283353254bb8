public import FilipEncoders
import FilipLateInteraction
public import SystemPackage

/// The way of an image from its file to its tokens: read, decode, prepare, encode.
///
/// Immutable but for the work spaces, which are lent to one caller at a time; use it from as many
/// tasks as you like.
public final class ImagePipeline: Sendable {
  /// File content to upright pixels.
  public let decoder: ImageDecoder
  /// Pixels to the encoder's input.
  public let preprocessor: ImagePreprocessor
  /// Input to tokens.
  public let encoder: ImageEncoder
  /// Identity of the tokens: image tower, projection, preprocessing and token mode.
  public let fingerprint: String
  /// How the image tower computes.
  public let format: ComputeFormat
  private let workspaces = WorkspacePool()

  /// The pipeline of a model; for `format` and `cacheDirectory` see `ImageEncoder`.
  /// - Throws: `EncoderError` when the image tower cannot be loaded.
  public init(
    model: IndexModel, limits: DecodingLimits, format: ComputeFormat = .float32,
    cacheDirectory: String? = nil
  ) throws {
    encoder = try ImageEncoder(
      model: model.directory, tokenMode: model.tokenMode, format: format,
      cacheDirectory: cacheDirectory)
    guard let preprocessing = model.directory.preprocessing(for: model.tokenMode) else {
      preconditionFailure("a model with a vision tower says how it wants its pictures")
    }
    self.format = format
    decoder = ImageDecoder(limits: limits)
    preprocessor = ImagePreprocessor(configuration: preprocessing)
    fingerprint = model.imageFingerprint
  }

  /// The whole content of a file.
  /// - Throws: `Errno`, or `ImageDecodingError` when it is larger than the limits allow.
  func read(_ path: FilePath) throws -> [UInt8] {
    let size = try path.stat().size
    guard size <= Int64(decoder.limits.maximumByteCount) else {
      throw QueryError(
        .unreadable,
        "the file has \(size) bytes and the limit is \(decoder.limits.maximumByteCount); raise it: "
          + "--max-megapixels")
    }
    return try path.read()
  }

  /// The tokens of several prepared images, in one pass of the encoder.
  public func encode(_ images: [PreparedImage]) throws -> [EncodedImage] {
    try workspaces.withWorkspace { try encoder.encode(images, workspace: $0) }
  }

  /// The tokens of one image file.
  /// - Throws: `Errno`, `ImageDecodingError` or `EncoderError`.
  public func encode(contentsOf path: FilePath) throws -> (image: DecodedImage, EncodedImage) {
    let image = try decoder.decode(try read(path))
    return (image, try encode([preprocessor.prepare(image)])[0])
  }

  /// The tokens of an image file that the user named.
  /// - Throws: `QueryError` that names the file, or `EncoderError`.
  func encodeNamed(_ path: FilePath) throws -> (image: DecodedImage, tokens: EncodedImage) {
    do {
      return try encode(contentsOf: path)
    } catch let error as Errno {
      throw QueryError(
        error == .noSuchFileOrDirectory ? .notFound : .unreadable, "\(path): \(error)")
    } catch let error as ImageDecodingError {
      throw QueryError(.unreadable, "\(path): \(error)")
    }
  }

  /// What one image takes in an index.
  public var footprint: ImageFootprint {
    ImageFootprint(patchCount: encoder.maximumTokenCount, dimension: encoder.dimension)
  }
}
