internal import CImageShims
internal import Glibc

extension DecodedImage {
  /// The picture as a JPEG file, upright and without metadata.
  /// - Parameter quality: 1 to 100; 80 suits thumbnails.
  /// - Throws: `ImageDecodingError` when the picture exceeds what JPEG can hold, 65500 pixels a
  ///   side.
  public func jpegData(quality: Int = 80) throws(ImageDecodingError) -> [UInt8] {
    precondition((1...100).contains(quality), "JPEG quality")
    guard width <= 65500, height <= 65500 else {
      throw ImageDecodingError(
        code: .unsupported, message: "a picture of \(width) x \(height) does not fit a JPEG file")
    }
    var message = LibraryMessage()
    var byteCount = 0
    // Safe because `pixels` holds width * height * 3 bytes by construction, and the result is
    // copied before it is freed.
    let file = message.collect { message in
      pixels.withUnsafeBufferPointer { source in
        source.baseAddress.flatMap {
          filip_jpeg_encode(
            $0, UInt32(width), UInt32(height), CInt(quality), &byteCount, message)
        }
      }
    }
    guard let file else {
      throw ImageDecodingError(code: .unsupported, message: "no thumbnail: \(message.text)")
    }
    defer { free(file) }
    return Array(UnsafeBufferPointer(start: file, count: byteCount))
  }

  /// A copy that fits a square of `side` pixels, in the same proportions; never enlarged.
  public func reduced(toFit side: Int) -> DecodedImage {
    precondition(side > 0, "side of thumbnail")
    guard max(width, height) > side else { return self }
    let scale = Double(side) / Double(max(width, height))
    let size = [width, height].map { min(max(Int((Double($0) * scale).rounded()), 1), side) }
    return DecodedImage(
      width: size[0], height: size[1],
      pixels: resampled(self, toWidth: size[0], height: size[1], filter: .bicubic),
      format: format, metadata: metadata)
  }
}
