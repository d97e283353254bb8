internal import CImageShims

/// Reads the first page of a TIFF with libtiff.
///
/// Strips and tiles, 1 to 16 bits, grey, palette, RGB, YCbCr, CMYK, planes together or apart.
func decodeTIFF(_ bytes: [UInt8], limits: DecodingLimits) throws(ImageDecodingError) -> Raster {
  var message = LibraryMessage()
  // Safe because the reader is closed before the bytes go away.
  return try bytes.withUnsafeBufferPointer { (file) throws(ImageDecodingError) -> Raster in
    // Eight bytes per pixel hold a strip or tile of 16-bit RGBA that covers a picture at the limit.
    let (largest, overflow) = limits.maximumPixelCount.multipliedReportingOverflow(by: 8)
    guard let start = file.baseAddress,
      let reader = message.collect({
        filip_tiff_open(start, file.count, overflow ? Int.max : max(largest, 1 << 20), $0)
      })
    else { throw .damaged(.tiff, message.text) }
    defer { filip_tiff_close(reader) }

    var (width, height): (UInt32, UInt32) = (0, 0)
    filip_tiff_size(reader, &width, &height)
    let pixelCount = try limits.pixelCount(width: Int(width), height: Int(height), of: .tiff)
    guard message.collect({ filip_tiff_is_supported(reader, $0) }) else {
      throw .unsupported(.tiff, message.text)
    }
    var raster = [UInt32](repeating: 0, count: pixelCount)
    let isDecoded = message.collect { message in
      raster.withUnsafeMutableBufferPointer { target in
        target.baseAddress.map { filip_tiff_decode(reader, $0, message) } ?? false
      }
    }
    guard isDecoded else { throw .damaged(.tiff, message.text) }
    // Four bytes R, G, B, A on little-endian machines, the only ones we build for.
    let pixels = raster.withUnsafeBytes {
      compositedOnWhite(
        $0.bindMemory(to: UInt8.self), isPremultiplied: filip_tiff_is_premultiplied(reader))
    }
    return Raster(
      width: Int(width), height: Int(height), pixels: pixels, metadata: metadata(of: reader))
  }
}

/// Reads the tags that EXIF shares with TIFF. Leaves the reader at another directory.
private func metadata(of reader: OpaquePointer) -> ImageMetadata {
  func text(_ tag: EXIFTag) -> String? {
    filip_tiff_text(reader, UInt32(tag.rawValue)).flatMap { EXIFTag.cleaned(String(cString: $0)) }
  }
  var metadata = ImageMetadata(
    orientation: EXIFTag.validOrientation(Int(filip_tiff_orientation(reader))),
    cameraMake: text(.make), cameraModel: text(.model))
  let dateChanged = text(.dateTime)
  let hasEXIF = filip_tiff_enter_exif(reader)
  if hasEXIF, let date = text(.dateTimeOriginal).flatMap(EXIFTag.isoDate) {
    metadata.dateTaken = date
    metadata.secondFraction = text(.fractionOriginal).flatMap(EXIFTag.validFraction)
    metadata.utcOffset = text(.offsetTimeOriginal).flatMap(EXIFTag.validOffset)
  } else {
    metadata.dateTaken = dateChanged.flatMap(EXIFTag.isoDate)
  }
  if hasEXIF { metadata.lens = text(.lensModel) }
  metadata.place = place(of: reader)
  return metadata
}

/// Reads the GPS directory.
private func place(of reader: OpaquePointer) -> ImageMetadata.Place? {
  var gps = filip_gps()
  guard filip_tiff_read_gps(reader, &gps) else { return nil }
  return ImageMetadata.Place(
    latitude: [gps.latitude.0, gps.latitude.1, gps.latitude.2], reference: gps.latitude_reference,
    longitude: [gps.longitude.0, gps.longitude.1, gps.longitude.2],
    reference: gps.longitude_reference,
    altitude: gps.has_altitude ? (gps.is_below_sea ? -gps.altitude : gps.altitude) : nil)
}
