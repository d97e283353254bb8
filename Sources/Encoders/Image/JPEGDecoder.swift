internal import CImageShims

/// Reads a JPEG with libjpeg-turbo.
///
/// Baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK. A file that ends early is an error,
/// not a picture whose lower part is grey.
func decodeJPEG(_ bytes: [UInt8], limits: DecodingLimits) throws(ImageDecodingError) -> Raster {
  var message = LibraryMessage()
  // Safe because the reader is closed before the bytes go away.
  return try bytes.withUnsafeBufferPointer { (file) throws(ImageDecodingError) -> Raster in
    guard let start = file.baseAddress,
      let reader = message.collect({ filip_jpeg_open(start, file.count, $0) })
    else { throw .damaged(.jpeg, message.text) }
    defer { filip_jpeg_close(reader) }

    var (width, height): (UInt32, UInt32) = (0, 0)
    filip_jpeg_size(reader, &width, &height)
    let pixelCount = try limits.pixelCount(width: Int(width), height: Int(height), of: .jpeg)
    var exifByteCount = 0
    let exif = filip_jpeg_exif(reader, &exifByteCount)
    let metadata = readEXIF(UnsafeBufferPointer(start: exif, count: exifByteCount))

    var pixels = [UInt8](repeating: 0, count: pixelCount * 3)
    let isDecoded = message.collect { message in
      pixels.withUnsafeMutableBufferPointer { target in
        target.baseAddress.map { filip_jpeg_decode(reader, $0, message) } ?? false
      }
    }
    guard isDecoded else { throw .damaged(.jpeg, message.text) }
    return Raster(width: Int(width), height: Int(height), pixels: pixels, metadata: metadata)
  }
}

/// The text that a C function leaves in a buffer of `FILIP_MESSAGE_SIZE` bytes.
struct LibraryMessage {
  private var buffer = [CChar](repeating: 0, count: Int(FILIP_MESSAGE_SIZE))

  /// Calls `body` with the buffer.
  mutating func collect<Result>(_ body: (UnsafeMutablePointer<CChar>) -> Result) -> Result {
    // Safe because the buffer is never empty, and the C side writes at most its size.
    buffer.withUnsafeMutableBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
  }

  /// What was left.
  var text: String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
