public import FilipLateInteraction

/// A picture in the form in which a model takes it.
public struct PreparedImage: Sendable {
  /// Pixels from left to right.
  public let width: Int
  /// Pixels from top to bottom.
  public let height: Int
  /// Normalised samples by channel, `(3, height, width)`.
  public let values: [Float]
  /// The part of the upright original that the model sees.
  ///
  /// It reaches over the picture's edges where the crop is larger than the resized picture and
  /// black was added.
  public let region: PixelRegion
  /// Parts of the same picture at a larger size, for models that read pages; `nil` where there are
  /// none.
  public internal(set) var parts: Parts?

  /// A picture cut into parts, each prepared as the whole is.
  public struct Parts: Sendable {
    /// Parts from top to bottom.
    public let rowCount: Int
    /// Parts from left to right.
    public let columnCount: Int
    /// The parts, row by row; none has parts of its own.
    public let images: [PreparedImage]
  }
}

/// Makes pictures ready for a model: resize, cut the middle, rescale, normalise.
///
/// Every step gives what Hugging Face's processors with Pillow give: the resized bytes are the same
/// and the values differ by rounding of the last bit at most.
public struct ImagePreprocessor: Sendable {
  /// What the model wants.
  public let configuration: PreprocessorConfiguration

  /// For each channel and sample, the value.
  private let values: [[Float]]

  /// A preprocessor for a model.
  /// - Precondition: three means and three deviations, sizes of 1 to 16384; a configuration that
  ///   was read from JSON has them.
  public init(configuration: PreprocessorConfiguration) {
    precondition(
      configuration.mean.count == 3 && configuration.standardDeviation.count == 3, "channels")
    self.configuration = configuration
    values = (0..<3).map { channel in
      (0..<256).map { sample in
        let rescaled = configuration.rescaleFactor.map { Float(Double(sample) * $0) }
        return ((rescaled ?? Float(sample)) - configuration.mean[channel])
          / configuration.standardDeviation[channel]
      }
    }
  }

  /// Prepares a picture.
  public func prepare(_ image: DecodedImage) -> PreparedImage {
    if case .page(let side, let longestSide, let isCut) = configuration.resizing {
      return preparePage(image, side: side, longestSide: longestSide, isCut: isCut)
    }
    let size = resizedSize(of: image)
    let crop = configuration.centerCrop ?? size
    let columns = MiddlePart(of: crop.width, inMiddleOf: size.width)
    let rows = MiddlePart(of: crop.height, inMiddleOf: size.height)
    let pixels = resampled(
      image, toWidth: size.width, height: size.height, columns: columns.source, rows: rows.source,
      filter: configuration.filter)
    let (horizontal, vertical) = (
      Double(image.width) / Double(size.width), Double(image.height) / Double(size.height)
    )
    return PreparedImage(
      width: crop.width, height: crop.height,
      values: planes(of: pixels, columns: columns, rows: rows, size: crop),
      region: PixelRegion(
        x: Double(columns.start) * horizontal, y: Double(rows.start) * vertical,
        width: Double(crop.width) * horizontal, height: Double(crop.height) * vertical))
  }

  private func resizedSize(of image: DecodedImage) -> PreprocessorConfiguration.Size {
    switch configuration.resizing {
    case .none, .page: return .init(width: image.width, height: image.height)
    case .exact(let width, let height): return .init(width: width, height: height)
    case .shorterSide(let shorter):
      // The longer side is rounded down, as in Python's int(size * long / short).
      let longer = Int(
        Double(shorter * max(image.width, image.height)) / Double(min(image.width, image.height)))
      return image.width <= image.height
        ? .init(width: shorter, height: longer) : .init(width: longer, height: shorter)
    case .patches(let side, let counts):
      let own = (image.width / side) * (image.height / side)
      let maximum = counts.first { $0 >= own } ?? counts.last ?? 1
      return Self.patchedSize(
        width: image.width, height: image.height, side: side, maximumCount: maximum)
    }
  }

  /// The size of whole patches that `Siglip2ImageProcessor` finds for a picture: the scale is
  /// halved in until it is known to 1e-5, and both sides are rounded up to whole patches.
  static func patchedSize(
    width: Int, height: Int, side: Int, maximumCount: Int
  ) -> PreprocessorConfiguration.Size {
    func count(_ length: Int, _ scale: Double) -> Int {
      max(1, Int((Double(length) * scale / Double(side)).rounded(.up)))
    }
    var (low, high) = (1e-6, 100.0)
    while high - low >= 1e-5 {
      let scale = (low + high) / 2
      if count(width, scale) * count(height, scale) <= maximumCount {
        low = scale
      } else {
        high = scale
      }
    }
    return .init(width: count(width, low) * side, height: count(height, low) * side)
  }

  /// The samples of a square, normalised, one channel after the other.
  func planes(of pixels: [UInt8], side: Int) -> [Float] {
    let whole = MiddlePart(of: side, inMiddleOf: side)
    return planes(of: pixels, columns: whole, rows: whole, size: .init(width: side, height: side))
  }

  /// Normalises, and puts samples of one channel side by side. What no pixel covers is black.
  private func planes(
    of pixels: [UInt8], columns: MiddlePart, rows: MiddlePart, size: PreprocessorConfiguration.Size
  ) -> [Float] {
    let planeCount = size.width * size.height
    var result: [Float] = []
    result.reserveCapacity(3 * planeCount)
    for channel in 0..<3 {
      let table = values[channel]
      result.append(contentsOf: repeatElement(table[0], count: planeCount))
      for row in 0..<rows.source.count {
        var target =
          channel * planeCount + (rows.targetStart + row) * size.width + columns.targetStart
        var source = row * columns.source.count * 3 + channel
        for _ in columns.source {
          result[target] = table[Int(pixels[source])]
          target += 1
          source += 3
        }
      }
    }
    return result
  }
}

/// Where the middle of one side lies: cut when the side is longer than wanted, padded when shorter.
private struct MiddlePart {
  /// First pixel of the cut in the resized picture; negative when padded.
  let start: Int
  /// Pixels of the resized picture that are seen.
  let source: Range<Int>

  /// Where the first of them comes in the result.
  var targetStart: Int { max(-start, 0) }

  init(of wanted: Int, inMiddleOf side: Int) {
    // Rounded down also when negative, as Python's // does.
    start = (side - wanted) >> 1
    source = max(start, 0)..<min(start + wanted, side)
  }
}
