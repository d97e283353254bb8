internal import Glibc

/// How large a picture may be, so that one file cannot take all memory.
///
/// Checked against the file's header, before anything of that size is allocated.
public struct DecodingLimits: Sendable, Hashable {
  /// The largest width × height.
  public var maximumPixelCount: Int
  /// The largest file. No real picture takes more bytes than it takes in memory.
  public var maximumByteCount: Int

  /// Limits for pictures up to `maximumPixelCount`.
  ///
  /// Files may have eight bytes per pixel, and 64 MiB in any case.
  public init(maximumPixelCount: Int) {
    precondition(maximumPixelCount > 0, "pixel limit")
    self.maximumPixelCount = maximumPixelCount
    let (byteCount, overflow) = maximumPixelCount.multipliedReportingOverflow(
      by: Self.byteCountPerPixel)
    maximumByteCount = max(overflow ? Int.max : byteCount, 64 << 20)
  }

  /// A quarter of physical memory, shared by `threadCount` decoders; at least 16 megapixels.
  public static func scaledToMemory(threadCount: Int) -> DecodingLimits {
    precondition(threadCount > 0, "thread count")
    let memory = max(sysconf(Int32(_SC_PHYS_PAGES)), 0) * max(sysconf(Int32(_SC_PAGESIZE)), 0)
    let perThread = memory / 4 / byteCountPerPixel / threadCount
    return DecodingLimits(maximumPixelCount: max(perThread, 16_000_000))
  }

  /// What a picture takes at its worst moment: four bytes as decoded, three as RGB, and room for
  /// a library's own rows.
  private static let byteCountPerPixel = 8

  /// Resampling weights grow with the length of a side, whatever the area.
  private static let maximumSide = 1_000_000

  /// The product, unless the picture is empty or exceeds the limit.
  func pixelCount(width: Int, height: Int, of format: ImageFormat) throws(ImageDecodingError) -> Int
  {
    guard width > 0, height > 0 else { throw .damaged(format, "it has no pixels") }
    guard max(width, height) <= Self.maximumSide else {
      throw .tooLarge(width: width, height: height, maximumSide: Self.maximumSide)
    }
    let (pixelCount, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, pixelCount <= maximumPixelCount, pixelCount <= Int.max / 16 else {
      throw .tooLarge(width: width, height: height, limit: maximumPixelCount)
    }
    return pixelCount
  }
}
