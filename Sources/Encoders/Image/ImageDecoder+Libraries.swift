internal import CGIF
internal import CImageShims
internal import CPNG
internal import CWebP

extension ImageDecoder {
  /// The library behind each format, with its version; a format that cannot be read is missing.
  public static var available: [ImageFormat: String] {
    var libraries: [ImageFormat: String] = [
      .jpeg: String(cString: filip_jpeg_version()),
      .png: "libpng \(png_access_version_number().decimalVersion)",
      .webp: "libwebp \(UInt32(WebPGetDecoderVersion()).packedVersion)",
      .gif: "giflib \(GIFLIB_MAJOR).\(GIFLIB_MINOR).\(GIFLIB_RELEASE)",
      .bmp: "stb_image \(String(cString: filip_bmp_version()))",
    ]
    // "LIBTIFF, Version 4.5.0", then a copyright on further lines.
    let tiff = String(cString: filip_tiff_version()).prefix { $0 != "\n" }
    libraries[.tiff] = "libtiff \(tiff.split(separator: " ").last ?? "")"
    if let heif = filip_heif_load(), let version = heif.pointee.heif_get_version() {
      let name = "libheif \(String(cString: version))"
      if heif.pointee.heif_have_decoder_for_format(heif_compression_HEVC) != 0 {
        libraries[.heic] = name
      }
      if heif.pointee.heif_have_decoder_for_format(heif_compression_AV1) != 0 {
        libraries[.avif] = name
      }
    }
    return libraries
  }
}

extension UInt32 {
  /// 10639 as 1.6.39.
  fileprivate var decimalVersion: String { "\(self / 10000).\(self / 100 % 100).\(self % 100)" }

  /// 0x010204 as 1.2.4.
  fileprivate var packedVersion: String { "\(self >> 16).\(self >> 8 & 255).\(self & 255)" }
}
