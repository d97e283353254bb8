internal import CGIF

/// Reads the first frame of a GIF with giflib.
///
/// A frame smaller than the canvas lies on white; one that exceeds it widens it.
func decodeGIF(_ bytes: [UInt8], limits: DecodingLimits) throws(ImageDecodingError) -> Raster {
  // Safe because the file is closed before the bytes and the cursor go away.
  try bytes.withUnsafeBufferPointer { (file) throws(ImageDecodingError) -> Raster in
    var cursor = Cursor(rest: file[...])
    return try withUnsafeMutablePointer(to: &cursor) {
      (cursor) throws(ImageDecodingError) -> Raster in
      var status = CInt(0)
      guard let gif = DGifOpen(cursor, readBytes, &status) else {
        throw .damaged(.gif, reason(of: status))
      }
      defer { DGifCloseFile(gif, nil) }
      _ = try limits.pixelCount(
        width: max(Int(gif.pointee.SWidth), 1), height: max(Int(gif.pointee.SHeight), 1), of: .gif)
      let transparent = try advanceToImage(gif)
      return try frame(of: gif, transparent: transparent, limits: limits)
    }
  }
}

/// What giflib has not read yet.
private struct Cursor {
  var rest: Slice<UnsafeBufferPointer<UInt8>>
}

private func readBytes(
  _ gif: UnsafeMutablePointer<GifFileType>?, _ buffer: UnsafeMutablePointer<UInt8>?, _ count: CInt
) -> CInt {
  guard let cursor = gif?.pointee.UserData?.assumingMemoryBound(to: Cursor.self), let buffer,
    count > 0
  else { return 0 }
  let taken = cursor.pointee.rest.prefix(Int(count))
  for (offset, byte) in taken.enumerated() { buffer[offset] = byte }
  cursor.pointee.rest = cursor.pointee.rest.dropFirst(taken.count)
  return CInt(taken.count)
}

/// Reads up to the first image descriptor and returns its transparent colour, if it has one.
private func advanceToImage(
  _ gif: UnsafeMutablePointer<GifFileType>
) throws(ImageDecodingError) -> Int? {
  var transparent: Int?
  while true {
    var kind = UNDEFINED_RECORD_TYPE
    try check(DGifGetRecordType(gif, &kind), gif)
    switch kind {
    case IMAGE_DESC_RECORD_TYPE:
      try check(DGifGetImageDesc(gif), gif)
      return transparent
    case EXTENSION_RECORD_TYPE:
      var code = CInt(0)
      var block: UnsafeMutablePointer<UInt8>?
      try check(DGifGetExtension(gif, &code, &block), gif)
      while let content = block {
        var control = GraphicsControlBlock()
        // The first byte of a block is its length.
        if code == GRAPHICS_EXT_FUNC_CODE,
          DGifExtensionToGCB(Int(content[0]), content + 1, &control) == GIF_OK
        {
          transparent = control.TransparentColor < 0 ? nil : Int(control.TransparentColor)
        }
        try check(DGifGetExtensionNext(gif, &block), gif)
      }
    case TERMINATE_RECORD_TYPE: throw .damaged(.gif, "it holds no picture")
    default: throw .damaged(.gif, "unknown record")
    }
  }
}

private func frame(
  of gif: UnsafeMutablePointer<GifFileType>, transparent: Int?, limits: DecodingLimits
) throws(ImageDecodingError) -> Raster {
  let frame = gif.pointee.Image
  let (left, top) = (Int(frame.Left), Int(frame.Top))
  let (frameWidth, frameHeight) = (Int(frame.Width), Int(frame.Height))
  guard frameWidth > 0, frameHeight > 0 else { throw .damaged(.gif, "it has no pixels") }
  let width = max(Int(gif.pointee.SWidth), left + frameWidth)
  let height = max(Int(gif.pointee.SHeight), top + frameHeight)
  let pixelCount = try limits.pixelCount(width: width, height: height, of: .gif)
  guard let map = frame.ColorMap ?? gif.pointee.SColorMap, map.pointee.ColorCount > 0 else {
    throw .damaged(.gif, "it has no colours")
  }
  // Safe because giflib allocates `ColorCount` colours.
  let colors = UnsafeBufferPointer(start: map.pointee.Colors, count: Int(map.pointee.ColorCount))

  var pixels = [UInt8](repeating: 255, count: pixelCount * 3)
  var line = [UInt8](repeating: 0, count: frameWidth)
  for row in rowOrder(height: frameHeight, isInterlaced: frame.Interlace) {
    let status = line.withUnsafeMutableBufferPointer {
      DGifGetLine(gif, $0.baseAddress, CInt(frameWidth))
    }
    try check(status, gif)
    var target = ((top + row) * width + left) * 3
    for index in line {
      // Damaged files name colours that are not there; those stay white as well.
      if Int(index) != transparent, Int(index) < colors.count {
        let color = colors[Int(index)]
        pixels[target] = color.Red
        pixels[target + 1] = color.Green
        pixels[target + 2] = color.Blue
      }
      target += 3
    }
  }
  return Raster(width: width, height: height, pixels: pixels)
}

/// The rows in the order in which they are stored.
private func rowOrder(height: Int, isInterlaced: Bool) -> [Int] {
  guard isInterlaced else { return Array(0..<height) }
  let passes = [(0, 8), (4, 8), (2, 4), (1, 2)]
  return passes.flatMap { Array(stride(from: $0.0, to: height, by: $0.1)) }
}

private func check(
  _ status: CInt, _ gif: UnsafeMutablePointer<GifFileType>
) throws(ImageDecodingError) {
  guard status == GIF_OK else { throw .damaged(.gif, reason(of: gif.pointee.Error)) }
}

private func reason(of status: CInt) -> String {
  GifErrorString(status).map { String(cString: $0) } ?? "error \(status)"
}
