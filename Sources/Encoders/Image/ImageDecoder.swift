internal import CImageShims

/// Turns the bytes of an image file into upright RGB.
///
/// The content decides which library reads it, never a file's name. No file, however damaged,
/// makes it trap or print. It is synchronous and may be used from several threads at once.
public struct ImageDecoder: Sendable {
  /// How large a picture may be.
  public let limits: DecodingLimits

  /// A decoder that refuses what exceeds `limits`.
  public init(limits: DecodingLimits) { self.limits = limits }

  /// Decodes a file.
  ///
  /// Of files with several pictures, the first is taken; of HEIC and AVIF, the primary one.
  /// - Throws: `ImageDecodingError` with `.empty`, `.notAnImage`, `.unsupported` or `.noDecoder` by
  ///   the kind of file, `.tooLarge` by its header, `.damaged` when it contradicts itself or ends
  ///   early.
  public func decode(_ bytes: [UInt8]) throws(ImageDecodingError) -> DecodedImage {
    guard !bytes.isEmpty else { throw .empty }
    guard let format = ImageFormat(contentOf: bytes) else {
      if let name = ImageFormat.unreadableKind(of: bytes) { throw .unsupportedKind(name) }
      throw .notAnImage
    }
    guard bytes.count <= limits.maximumByteCount else {
      throw .tooLarge(byteCount: bytes.count, limit: limits.maximumByteCount)
    }
    let raster =
      switch format {
      case .jpeg: try decodeJPEG(bytes, limits: limits)
      case .png: try decodePNG(bytes, limits: limits)
      case .webp: try decodeWebP(bytes, limits: limits)
      case .gif: try decodeGIF(bytes, limits: limits)
      case .tiff: try decodeTIFF(bytes, limits: limits)
      case .bmp: try decodeBMP(bytes, limits: limits)
      case .heic, .avif: try decodeHEIF(bytes, format: format, limits: limits)
      }
    return raster.upright(format: format)
  }
}

/// What a format's decoder hands back: opaque RGB, not yet turned.
struct Raster {
  var width: Int
  var height: Int
  /// `(height, width, 3)`.
  var pixels: [UInt8]
  var metadata = ImageMetadata()
  /// Whether the library has applied the orientation already.
  var isUpright = false

  /// Applies the orientation.
  consuming func upright(format: ImageFormat) -> DecodedImage {
    if isUpright || metadata.orientation == 1 {
      return DecodedImage(
        width: width, height: height, pixels: pixels, format: format, metadata: metadata)
    }
    let isTurned = metadata.orientation >= 5
    return DecodedImage(
      width: isTurned ? height : width, height: isTurned ? width : height,
      pixels: oriented(pixels, width: width, height: height, orientation: metadata.orientation),
      format: format, metadata: metadata)
  }
}
