internal import CPNG

extension DecodedImage {
  /// The picture as a PNG file of 8 bits a channel, without metadata: every pixel as it is.
  /// - Throws: `ImageDecodingError` when the picture exceeds what the library can hold.
  public func pngData() throws(ImageDecodingError) -> [UInt8] {
    guard width * 3 <= Int(Int32.max) / max(1, height) else {
      throw ImageDecodingError(
        code: .unsupported, message: "a picture of \(width) x \(height) does not fit a PNG file")
    }
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    image.width = png_uint_32(width)
    image.height = png_uint_32(height)
    image.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
    defer { png_image_free(&image) }
    // What libpng says it can come to (PNG_IMAGE_PNG_SIZE_MAX): an eighth and a 64th more.
    let rowByteCount = pixels.count + height
    var file = [UInt8](repeating: 0, count: rowByteCount + rowByteCount / 7 + 4_096)
    var byteCount = png_alloc_size_t(file.count)
    // Safe because `pixels` holds width * height * 3 bytes by construction, and libpng writes
    // `byteCount` bytes at most.
    let isWritten = pixels.withUnsafeBufferPointer { source in
      file.withUnsafeMutableBufferPointer { target in
        png_image_write_to_memory(
          &image, target.baseAddress, &byteCount, 0, source.baseAddress, 0, nil) != 0
      }
    }
    guard isWritten else {
      throw ImageDecodingError(
        code: .unsupported, message: "no PNG file: \(image.messageText)")
    }
    file.removeLast(file.count - Int(byteCount))
    return file
  }
}
