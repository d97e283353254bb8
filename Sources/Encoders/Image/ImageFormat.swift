/// The kinds of image file that can be read.
public enum ImageFormat: String, Sendable, Hashable, CaseIterable {
  case jpeg, png, webp, gif, tiff, bmp, heic, avif

  /// The kind of file that begins with `bytes`, by content; `nil` when it is none of these.
  public init?(contentOf bytes: [UInt8]) {
    if let format = Self.signatures.first(where: { bytes.starts(with: $0.signature) })?.format {
      self = format
    } else if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
      self = .webp
    } else if let format = Self.formatOfBrands(in: bytes) {
      self = format
    } else {
      return nil
    }
  }

  private static let signatures: [(signature: [UInt8], format: ImageFormat)] = [
    ([0xFF, 0xD8, 0xFF], .jpeg),
    ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], .png),
    (Array("GIF87a".utf8), .gif),
    (Array("GIF89a".utf8), .gif),
    ([0x49, 0x49, 42, 0], .tiff),
    ([0x4D, 0x4D, 0, 42], .tiff),
    ([0x49, 0x49, 43, 0], .tiff),
    ([0x4D, 0x4D, 0, 43], .tiff),
    (Array("BM".utf8), .bmp),
  ]

  /// HEIC and AVIF share a container; the brands in its first box tell them apart.
  private static func formatOfBrands(in bytes: [UInt8]) -> ImageFormat? {
    guard bytes.count >= 16, bytes[4..<8].elementsEqual("ftyp".utf8) else { return nil }
    let boxByteCount = bytes[0..<4].reduce(0) { $0 << 8 | Int($1) }
    // The major brand, its version, then compatible brands: four bytes each.
    let end = min(boxByteCount, bytes.count, 512)
    let brands = stride(from: 8, to: end - 3, by: 4).filter { $0 != 12 }
      .map { String(decoding: bytes[$0..<$0 + 4], as: UTF8.self) }
    if brands.contains(where: ["avif", "avis"].contains) { return .avif }
    let highEfficiency = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"]
    return brands.contains(where: highEfficiency.contains) ? .heic : nil
  }

  /// The name of a kind of image that we recognise but cannot read.
  static func unreadableKind(of bytes: [UInt8]) -> String? {
    unreadableSignatures.first { bytes.dropFirst($0.offset).starts(with: $0.signature) }?.name
  }

  private static let unreadableSignatures: [(offset: Int, signature: [UInt8], name: String)] = [
    (0, [0xFF, 0x0A], "JPEG XL"),
    (0, [0, 0, 0, 12] + Array("JXL ".utf8), "JPEG XL"),
    (0, [0, 0, 0, 12] + Array("jP  ".utf8), "JPEG 2000"),
    (0, [0xFF, 0x4F, 0xFF, 0x51], "JPEG 2000"),
    (0, Array("8BPS".utf8), "Photoshop"),
    (0, Array("%PDF".utf8), "PDF"),
    (0, Array("<svg".utf8), "SVG"),
    (0, [0, 0, 1, 0], "Windows icon"),
    (0, Array("FUJIFILMCCD-RAW".utf8), "camera raw"),
    (4, Array("ftypcrx ".utf8), "camera raw"),
  ]
}
