/// An image as models and people see it: upright, 8 bit sRGB, opaque.
public struct DecodedImage: Sendable {
  /// Pixels from left to right, of the upright picture.
  public let width: Int
  /// Pixels from top to bottom, of the upright picture.
  public let height: Int
  /// Red, green, blue, `(height, width, 3)`. What was transparent is mixed with white.
  public let pixels: [UInt8]
  /// The kind of file it came from.
  public let format: ImageFormat
  /// What the file says about the picture.
  public let metadata: ImageMetadata

  /// An image of the given pixels.
  /// - Precondition: sizes are positive and `pixels.count == width * height * 3`.
  public init(
    width: Int, height: Int, pixels: [UInt8], format: ImageFormat,
    metadata: ImageMetadata = ImageMetadata()
  ) {
    precondition(width > 0 && height > 0, "image size")
    precondition(pixels.count == width * height * 3, "pixel count of image")
    self.width = width
    self.height = height
    self.pixels = pixels
    self.format = format
    self.metadata = metadata
  }
}

/// What a file says about its picture, besides the pixels.
public struct ImageMetadata: Sendable, Hashable {
  /// The EXIF orientation, 1 to 8, as found; already applied to the pixels.
  public var orientation: Int
  /// Local time of exposure, `YYYY-MM-DDTHH:MM:SS`.
  public var dateTaken: String?
  /// The offset of `dateTaken` from UTC, such as `+02:00`; seldom present.
  public var utcOffset: String?
  /// Who made the camera.
  public var cameraMake: String?
  /// Which camera it was.
  public var cameraModel: String?

  /// Metadata of an upright picture about which nothing else is known.
  public init(
    orientation: Int = 1, dateTaken: String? = nil, utcOffset: String? = nil,
    cameraMake: String? = nil, cameraModel: String? = nil
  ) {
    self.orientation = orientation
    self.dateTaken = dateTaken
    self.utcOffset = utcOffset
    self.cameraMake = cameraMake
    self.cameraModel = cameraModel
  }
}
