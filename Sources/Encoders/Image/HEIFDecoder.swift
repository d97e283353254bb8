internal import CImageShims

/// Reads the primary picture of a HEIC or AVIF file with libheif, which applies rotation itself.
func decodeHEIF(
  _ bytes: [UInt8], format: ImageFormat, limits: DecodingLimits
) throws(ImageDecodingError) -> Raster {
  guard let library = filip_heif_load() else {
    throw .noDecoder(format, package: "libheif1")
  }
  filip_heif_set_silenced(true)
  defer { filip_heif_set_silenced(false) }
  // Safe because handle and context are released, in this order, before the bytes go away.
  return try bytes.withUnsafeBufferPointer { (file) throws(ImageDecodingError) -> Raster in
    let heif = HEIF(functions: library.pointee, format: format)
    guard let context = heif.functions.heif_context_alloc() else {
      throw .damaged(format, "out of memory")
    }
    defer { heif.functions.heif_context_free(context) }
    // On this thread alone: it is the one that is silenced, and parallelism lies above.
    heif.functions.heif_context_set_max_decoding_threads?(context, 0)
    // A limit for each side; the area is checked below.
    heif.functions.heif_context_set_maximum_image_size_limit(
      context, CInt(min(limits.maximumPixelCount, 65535)))
    try heif.check(
      heif.functions.heif_context_read_from_memory_without_copy(
        context, file.baseAddress, file.count, nil))
    var handle: OpaquePointer?
    try heif.check(heif.functions.heif_context_get_primary_image_handle(context, &handle))
    guard let handle else { throw .damaged(format, "it holds no picture") }
    defer { heif.functions.heif_image_handle_release(handle) }
    _ = try limits.pixelCount(
      width: Int(heif.functions.heif_image_handle_get_width(handle)),
      height: Int(heif.functions.heif_image_handle_get_height(handle)), of: format)
    var raster = try heif.pixels(of: handle, limits: limits)
    raster.metadata = heif.metadata(of: handle)
    return raster
  }
}

/// libheif's functions, with its errors as ours.
private struct HEIF {
  let functions: filip_heif
  let format: ImageFormat

  func check(_ error: heif_error) throws(ImageDecodingError) {
    guard error.code != heif_error_Ok else { return }
    let reason = error.message.map { String(cString: $0) } ?? "error \(error.code.rawValue)"
    if error.code == heif_error_Unsupported_filetype || error.code == heif_error_Unsupported_feature
    {
      throw .unsupported(format, reason)
    }
    throw .damaged(format, reason)
  }

  func pixels(
    of handle: OpaquePointer, limits: DecodingLimits
  ) throws(ImageDecodingError) -> Raster {
    let hasAlpha = functions.heif_image_handle_has_alpha_channel(handle) != 0
    let options = functions.heif_decoding_options_alloc()
    defer { functions.heif_decoding_options_free(options) }
    // Structures before version 3 end before this member.
    if let options, options.pointee.version >= 3 { options.pointee.strict_decoding = 1 }
    var decoded: OpaquePointer?
    // The interleaved 8-bit layouts make libheif convert colours and depth.
    try check(
      functions.heif_decode_image(
        handle, &decoded, heif_colorspace_RGB,
        hasAlpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, options))
    guard let decoded else { throw .damaged(format, "it holds no picture") }
    defer { functions.heif_image_release(decoded) }
    let width = Int(functions.heif_image_get_width(decoded, heif_channel_interleaved))
    let height = Int(functions.heif_image_get_height(decoded, heif_channel_interleaved))
    let pixelCount = try limits.pixelCount(width: width, height: height, of: format)
    var stride = CInt(0)
    let plane = functions.heif_image_get_plane_readonly(decoded, heif_channel_interleaved, &stride)
    let rowByteCount = width * (hasAlpha ? 4 : 3)
    guard let plane, Int(stride) >= rowByteCount else { throw .damaged(format, "no pixels") }
    // Safe because libheif's plane has `height` rows, `stride` bytes apart.
    var pixels: [UInt8] = []
    pixels.reserveCapacity(rowByteCount * height)
    for y in 0..<height {
      pixels.append(
        contentsOf: UnsafeBufferPointer(start: plane + y * Int(stride), count: rowByteCount))
    }
    precondition(pixels.count == rowByteCount * height && rowByteCount * height >= pixelCount)
    if hasAlpha {
      let isPremultiplied = functions.heif_image_handle_is_premultiplied_alpha(handle) != 0
      pixels = pixels.withUnsafeBufferPointer {
        compositedOnWhite($0, isPremultiplied: isPremultiplied)
      }
    }
    return Raster(width: width, height: height, pixels: pixels, isUpright: true)
  }

  func metadata(of handle: OpaquePointer) -> ImageMetadata {
    var block = heif_item_id(0)
    guard
      functions.heif_image_handle_get_list_of_metadata_block_IDs(handle, "Exif", &block, 1) == 1
    else { return ImageMetadata() }
    let byteCount = functions.heif_image_handle_get_metadata_size(handle, block)
    guard byteCount > 4, byteCount < 16 << 20 else { return ImageMetadata() }
    var bytes = [UInt8](repeating: 0, count: byteCount)
    let error = bytes.withUnsafeMutableBufferPointer {
      functions.heif_image_handle_get_metadata(handle, block, $0.baseAddress)
    }
    guard error.code == heif_error_Ok else { return ImageMetadata() }
    // Four bytes say how far behind them the TIFF header lies.
    let offset = bytes[0..<4].reduce(0) { $0 << 8 | Int($1) } + 4
    guard offset < bytes.count else { return ImageMetadata() }
    return bytes[offset...].withUnsafeBufferPointer { readEXIF($0) }
  }
}
