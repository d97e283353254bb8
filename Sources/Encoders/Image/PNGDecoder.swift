internal import CPNG

/// Reads a PNG with libpng's simplified interface.
///
/// All colour types and depths, interlaced or not. Alpha is mixed with white here, as the interface
/// would do it in linear light, which no trained model has seen.
func decodePNG(_ bytes: [UInt8], limits: DecodingLimits) throws(ImageDecodingError) -> Raster {
  var image = png_image()
  image.version = png_uint_32(PNG_IMAGE_VERSION)
  defer { png_image_free(&image) }
  // Safe because libpng reads `bytes` only inside, and `pixels` is as large as the row stride says.
  return try bytes.withUnsafeBufferPointer { (file) throws(ImageDecodingError) -> Raster in
    guard png_image_begin_read_from_memory(&image, file.baseAddress, file.count) != 0 else {
      throw .damaged(.png, image.messageText)
    }
    let (width, height) = (Int(image.width), Int(image.height))
    let pixelCount = try limits.pixelCount(width: width, height: height, of: .png)
    let hasAlpha = image.format & png_uint_32(PNG_FORMAT_FLAG_ALPHA) != 0
    // 16-bit samples without a gamma chunk are sRGB, as nearly all are, not linear.
    image.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
    let color = png_uint_32(PNG_FORMAT_FLAG_COLOR)
    image.format = hasAlpha ? color | png_uint_32(PNG_FORMAT_FLAG_ALPHA) : color
    let channelCount = hasAlpha ? 4 : 3
    guard width * channelCount <= Int(Int32.max) else {
      throw .tooLarge(width: width, height: height, limit: limits.maximumPixelCount)
    }
    var pixels = [UInt8](repeating: 0, count: pixelCount * channelCount)
    let isDecoded = pixels.withUnsafeMutableBufferPointer {
      png_image_finish_read(
        &image, nil, $0.baseAddress, png_int_32(width * channelCount), nil) != 0
    }
    guard isDecoded else { throw .damaged(.png, image.messageText) }
    if hasAlpha { pixels = pixels.withUnsafeBufferPointer { compositedOnWhite($0) } }
    return Raster(width: width, height: height, pixels: pixels, metadata: metadata(in: file))
  }
}

extension png_image {
  /// The first warning or error.
  var messageText: String {
    withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

/// Reads the `eXIf` chunk, which the simplified interface passes over.
private func metadata(in file: UnsafeBufferPointer<UInt8>) -> ImageMetadata {
  var chunk = 8
  // A chunk is a length, a name of four letters, so many bytes, and a checksum.
  while chunk + 12 <= file.count {
    let byteCount = file[chunk..<chunk + 4].reduce(0) { $0 << 8 | Int($1) }
    guard byteCount <= file.count - chunk - 12 else { break }
    if file[chunk + 4..<chunk + 8].elementsEqual("eXIf".utf8) {
      return readEXIF(UnsafeBufferPointer(rebasing: file[chunk + 8..<chunk + 8 + byteCount]))
    }
    chunk += 12 + byteCount
  }
  return ImageMetadata()
}
