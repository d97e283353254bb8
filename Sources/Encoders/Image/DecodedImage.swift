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
  /// Where on Earth a picture was taken (WGS 84).
  public struct Place: Sendable, Hashable {
    /// Degrees north of the equator, −90…90.
    public var latitude: Double
    /// Degrees east of Greenwich, −180…180.
    public var longitude: Double
    /// Metres above the sea; seldom exact.
    public var altitude: Double?

    /// A place.
    public init(latitude: Double, longitude: Double, altitude: Double? = nil) {
      self.latitude = latitude
      self.longitude = longitude
      self.altitude = altitude
    }
  }

  /// The EXIF orientation, 1 to 8, as found; already applied to the pixels.
  public var orientation: Int
  /// Local time of exposure, `YYYY-MM-DDTHH:MM:SS`.
  public var dateTaken: String?
  /// Digits behind the point of the seconds of `dateTaken`, one to nine.
  public var secondFraction: String?
  /// The offset of `dateTaken` from UTC, such as `+02:00`; seldom present.
  public var utcOffset: String?
  /// Who made the camera.
  public var cameraMake: String?
  /// Which camera it was.
  public var cameraModel: String?
  /// Which lens it was.
  public var lens: String?
  /// Where it was taken.
  public var place: Place?

  /// Metadata of an upright picture about which nothing else is known.
  public init(
    orientation: Int = 1, dateTaken: String? = nil, secondFraction: String? = nil,
    utcOffset: String? = nil, cameraMake: String? = nil, cameraModel: String? = nil,
    lens: String? = nil, place: Place? = nil
  ) {
    self.orientation = orientation
    self.dateTaken = dateTaken
    self.secondFraction = secondFraction
    self.utcOffset = utcOffset
    self.cameraMake = cameraMake
    self.cameraModel = cameraModel
    self.lens = lens
    self.place = place
  }

  /// Date, fraction of the second and offset in one text, such as `2024-06-01T12:30:00.25+02:00`,
  /// with what is known of it.
  public var timestamp: String? {
    dateTaken.map { $0 + (secondFraction.map { "." + $0 } ?? "") + (utcOffset ?? "") }
  }

  /// Maker and model in one text, the maker once.
  public var camera: String? {
    guard let model = cameraModel else { return cameraMake }
    guard let make = cameraMake, !model.lowercased().hasPrefix(make.lowercased()) else {
      return model
    }
    return "\(make) \(model)"
  }
}
