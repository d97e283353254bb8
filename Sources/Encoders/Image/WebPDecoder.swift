internal import CWebP

/// Reads a WebP with libwebp: lossy, lossless, with alpha; the first frame of an animation.
func decodeWebP(_ bytes: [UInt8], limits: DecodingLimits) throws(ImageDecodingError) -> Raster {
  // Safe because libwebp reads `bytes` only inside, and is told the size of what it writes.
  try bytes.withUnsafeBufferPointer { (file) throws(ImageDecodingError) -> Raster in
    var features = WebPBitstreamFeatures()
    let status = WebPGetFeatures(file.baseAddress, file.count, &features)
    guard status == VP8_STATUS_OK else { throw .damaged(.webp, status.reason) }
    let (width, height) = (Int(features.width), Int(features.height))
    let pixelCount = try limits.pixelCount(width: width, height: height, of: .webp)
    let pixels =
      features.has_animation != 0
      ? try firstFrame(file, pixelCount: pixelCount)
      : try stillPicture(
        file, width: width, pixelCount: pixelCount, hasAlpha: features.has_alpha != 0)
    return Raster(width: width, height: height, pixels: pixels, metadata: metadata(in: file))
  }
}

private func stillPicture(
  _ file: UnsafeBufferPointer<UInt8>, width: Int, pixelCount: Int, hasAlpha: Bool
) throws(ImageDecodingError) -> [UInt8] {
  let channelCount = hasAlpha ? 4 : 3
  var pixels = [UInt8](repeating: 0, count: pixelCount * channelCount)
  var configuration = WebPDecoderConfig()
  guard WebPInitDecoderConfig(&configuration) != 0 else {
    throw .unsupported(.webp, "libwebp is of another version than its header")
  }
  // Safe because the output buffer is used only inside, with its true size.
  let status = pixels.withUnsafeMutableBufferPointer { target in
    configuration.output.colorspace = hasAlpha ? MODE_RGBA : MODE_RGB
    configuration.output.is_external_memory = 1
    configuration.output.u.RGBA.rgba = target.baseAddress
    configuration.output.u.RGBA.stride = CInt(width * channelCount)
    configuration.output.u.RGBA.size = target.count
    return WebPDecode(file.baseAddress, file.count, &configuration)
  }
  WebPFreeDecBuffer(&configuration.output)
  guard status == VP8_STATUS_OK else { throw .damaged(.webp, status.reason) }
  return hasAlpha ? pixels.withUnsafeBufferPointer { compositedOnWhite($0) } : pixels
}

private func firstFrame(
  _ file: UnsafeBufferPointer<UInt8>, pixelCount: Int
) throws(ImageDecodingError) -> [UInt8] {
  var data = WebPData(bytes: file.baseAddress, size: file.count)
  guard let decoder = WebPAnimDecoderNewInternal(&data, nil, WEBP_DEMUX_ABI_VERSION) else {
    throw .damaged(.webp, "the animation cannot be read")
  }
  defer { WebPAnimDecoderDelete(decoder) }
  var frame: UnsafeMutablePointer<UInt8>?
  var milliseconds: CInt = 0
  // Safe because the decoder owns the frame, of the canvas's size, until it is deleted.
  guard WebPAnimDecoderGetNext(decoder, &frame, &milliseconds) != 0, let frame else {
    throw .damaged(.webp, "the first frame cannot be read")
  }
  return compositedOnWhite(UnsafeBufferPointer(start: frame, count: pixelCount * 4))
}

/// Reads the `EXIF` chunk.
private func metadata(in file: UnsafeBufferPointer<UInt8>) -> ImageMetadata {
  var data = WebPData(bytes: file.baseAddress, size: file.count)
  guard let demuxer = WebPDemuxInternal(&data, 0, nil, WEBP_DEMUX_ABI_VERSION) else {
    return ImageMetadata()
  }
  defer { WebPDemuxDelete(demuxer) }
  var chunk = WebPChunkIterator()
  guard WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk) != 0 else { return ImageMetadata() }
  defer { WebPDemuxReleaseChunkIterator(&chunk) }
  return readEXIF(UnsafeBufferPointer(start: chunk.chunk.bytes, count: chunk.chunk.size))
}

extension VP8StatusCode {
  /// What the status means; libwebp has no texts.
  fileprivate var reason: String {
    switch self {
    case VP8_STATUS_OUT_OF_MEMORY: "out of memory"
    case VP8_STATUS_BITSTREAM_ERROR: "invalid bit stream"
    case VP8_STATUS_UNSUPPORTED_FEATURE: "unsupported feature"
    case VP8_STATUS_SUSPENDED, VP8_STATUS_NOT_ENOUGH_DATA: "the file ends early"
    default: "status \(rawValue)"
    }
  }
}
