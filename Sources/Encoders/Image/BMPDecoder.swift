internal import CImageShims
internal import Glibc

/// Reads a BMP with stb_image: 1, 4, 8, 16, 24 and 32 bits, without run-length coding.
func decodeBMP(_ bytes: [UInt8], limits: DecodingLimits) throws(ImageDecodingError) -> Raster {
  var message = LibraryMessage()
  // Safe because stb_image reads `bytes` only inside; it returns width * height * 4 bytes, which
  // are copied before they are freed.
  return try bytes.withUnsafeBufferPointer { (file) throws(ImageDecodingError) -> Raster in
    guard let start = file.baseAddress else { throw .empty }
    var (width, height): (UInt32, UInt32) = (0, 0)
    guard message.collect({ filip_bmp_info(start, file.count, &width, &height, $0) }) else {
      throw problem(message.text)
    }
    let pixelCount = try limits.pixelCount(width: Int(width), height: Int(height), of: .bmp)
    guard let rgba = message.collect({ filip_bmp_decode(start, file.count, $0) }) else {
      throw problem(message.text)
    }
    defer { free(rgba) }
    let pixels = compositedOnWhite(UnsafeBufferPointer(start: rgba, count: pixelCount * 4))
    return Raster(width: Int(width), height: Int(height), pixels: pixels)
  }
}

private func problem(_ reason: String) -> ImageDecodingError {
  reason.hasPrefix("BMP type not supported")
    ? .unsupported(.bmp, reason) : .damaged(.bmp, reason)
}
