/// Mixes RGBA with white and drops alpha.
///
/// - Parameters:
///   - rgba: `(pixelCount, 4)`.
///   - isPremultiplied: whether colours were multiplied with alpha already.
/// - Returns: `(pixelCount, 3)`.
func compositedOnWhite(_ rgba: UnsafeBufferPointer<UInt8>, isPremultiplied: Bool = false) -> [UInt8]
{
  let pixelCount = rgba.count / 4
  var rgb = [UInt8](repeating: 0, count: pixelCount * 3)
  // Safe because source and target are as long as the loop says, checked here once.
  rgb.withUnsafeMutableBufferPointer { target in
    guard let target = target.baseAddress, let source = rgba.baseAddress else { return }
    for pixel in 0..<pixelCount {
      let alpha = Int(source[pixel &* 4 &+ 3])
      for channel in 0..<3 {
        let color = Int(source[pixel &* 4 &+ channel])
        let mixed: Int
        if alpha == 255 {
          mixed = color
        } else if isPremultiplied {
          mixed = min(color &+ 255 &- alpha, 255)
        } else {
          mixed = (color &* alpha &+ 255 &* (255 &- alpha) &+ 127) / 255
        }
        target[pixel &* 3 &+ channel] = UInt8(truncatingIfNeeded: mixed)
      }
    }
  }
  return rgb
}

/// Turns and mirrors RGB as an EXIF orientation asks, so that the picture stands upright.
///
/// - Parameters:
///   - pixels: `(height, width, 3)` as stored.
///   - orientation: 1 to 8, as in EXIF 2.3, tag 0x0112.
/// - Returns: `(height, width, 3)`, or `(width, height, 3)` for orientations 5 to 8.
func oriented(_ pixels: [UInt8], width: Int, height: Int, orientation: Int) -> [UInt8] {
  precondition(pixels.count == width * height * 3, "pixel count to orient")
  precondition((1...8).contains(orientation), "orientation")
  let isTurned = orientation >= 5
  // In stored pixels, a step to the right and a step down in the upright picture, and its start.
  let (isRightMirrored, isDownMirrored): (Bool, Bool) =
    switch orientation {
    case 2: (true, false)
    case 3: (true, true)
    case 4: (false, true)
    case 6: (true, false)
    case 7: (true, true)
    case 8: (false, true)
    default: (false, false)
    }
  let (outputWidth, outputHeight) = isTurned ? (height, width) : (width, height)
  let right = (isTurned ? width : 1) * (isRightMirrored ? -1 : 1)
  let down = (isTurned ? 1 : width) * (isDownMirrored ? -1 : 1)
  let start =
    (isRightMirrored ? -right * (outputWidth - 1) : 0)
    + (isDownMirrored ? -down * (outputHeight - 1) : 0)

  var result = [UInt8](repeating: 0, count: pixels.count)
  // Safe because (x, y) of the upright picture maps one to one onto stored pixels.
  pixels.withUnsafeBufferPointer { source in
    result.withUnsafeMutableBufferPointer { target in
      guard let source = source.baseAddress, var target = target.baseAddress else { return }
      for y in 0..<outputHeight {
        var pixel = source + 3 * (start + y * down)
        for _ in 0..<outputWidth {
          target[0] = pixel[0]
          target[1] = pixel[1]
          target[2] = pixel[2]
          target += 3
          pixel += 3 &* right
        }
      }
    }
  }
  return result
}
