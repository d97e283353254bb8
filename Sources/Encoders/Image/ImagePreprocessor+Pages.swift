internal import FilipLateInteraction

/// Pages of documents, as transformers' `Idefics3ImageProcessor` makes them with Pillow.
extension ImagePreprocessor {
  /// Prepares the picture of a page: the whole, and parts of it at a larger size.
  ///
  /// Its longer side becomes `longestSide`, and then both sides are stretched to whole squares of
  /// `side`: the parts. The whole is that picture once more, squeezed into one such square; without
  /// parts, it is made of the first one.
  func preparePage(
    _ image: DecodedImage, side: Int, longestSide: Int, isCut: Bool
  ) -> PreparedImage {
    let filter = configuration.filter
    let size = Self.pageSize(width: image.width, height: image.height, longestSide: longestSide)
    let scaled = image.resized(to: size, filter)
    guard isCut else { return square(scaled, of: image, side: side) }
    let squares = Self.squares(of: size, side: side)
    let stretched = scaled.resized(
      to: .init(width: squares.columnCount * side, height: squares.rowCount * side), filter)
    var whole = square(stretched, of: image, side: side)
    guard squares.patchCount > 1 else { return whole }
    let (width, height) = (
      Double(image.width) / Double(squares.columnCount),
      Double(image.height) / Double(squares.rowCount)
    )
    var images: [PreparedImage] = []
    for row in 0..<squares.rowCount {
      for column in 0..<squares.columnCount {
        let pixels = resampled(
          stretched, toWidth: stretched.width, height: stretched.height,
          columns: column * side..<(column + 1) * side, rows: row * side..<(row + 1) * side,
          filter: filter)
        images.append(
          PreparedImage(
            width: side, height: side, values: planes(of: pixels, side: side),
            region: PixelRegion(
              x: Double(column) * width, y: Double(row) * height, width: width, height: height)))
      }
    }
    whole.parts = .init(
      rowCount: squares.rowCount, columnCount: squares.columnCount, images: images)
    return whole
  }

  /// All of `image` in one square.
  private func square(
    _ scaled: DecodedImage, of image: DecodedImage, side: Int
  ) -> PreparedImage {
    let pixels = resampled(scaled, toWidth: side, height: side, filter: configuration.filter)
    return PreparedImage(
      width: side, height: side, values: planes(of: pixels, side: side),
      region: PixelRegion(
        x: 0, y: 0, width: Double(image.width), height: Double(image.height)))
  }

  /// The size of a page whose longer side becomes `longestSide`: the other side is rounded up to an
  /// even number, and then neither may be longer than 4,096, as in the library.
  static func pageSize(
    width: Int, height: Int, longestSide: Int
  ) -> PreprocessorConfiguration.Size {
    let even = scaledSize(width, height, longestSide) { $0 + $0 % 2 }
    guard max(even.width, even.height) > 4096 else { return even }
    return scaledSize(even.width, even.height, 4096) { $0 }
  }

  private static func scaledSize(
    _ width: Int, _ height: Int, _ longest: Int, rounding: (Int) -> Int
  ) -> PreprocessorConfiguration.Size {
    let proportion = Double(width) / Double(height)
    return width >= height
      ? .init(width: longest, height: max(1, rounding(Int(Double(longest) / proportion))))
      : .init(width: max(1, rounding(Int(Double(longest) * proportion))), height: longest)
  }

  /// How many squares of `side` a page of `size` is stretched to.
  static func squares(of size: PreprocessorConfiguration.Size, side: Int) -> PatchGrid {
    func count(_ length: Int) -> Int { max(1, (length + side - 1) / side) }
    let proportion = Double(size.width) / Double(size.height)
    // The other side follows the longer one as that is after it was rounded up.
    if size.width >= size.height {
      let columns = count(size.width)
      return PatchGrid(
        rowCount: count(Int(Double(columns * side) / proportion)), columnCount: columns)
    }
    let rows = count(size.height)
    return PatchGrid(
      rowCount: rows, columnCount: count(Int(Double(rows * side) * proportion)))
  }
}

extension DecodedImage {
  fileprivate func resized(
    to size: PreprocessorConfiguration.Size, _ filter: ResamplingFilter
  ) -> DecodedImage {
    DecodedImage(
      width: size.width, height: size.height,
      pixels: resampled(self, toWidth: size.width, height: size.height, filter: filter),
      format: format)
  }
}
