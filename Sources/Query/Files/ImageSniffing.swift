import SystemPackage

/// Which files are worth opening as images.
///
/// A file with an image's extension is always tried, so that a broken one, or one of a kind that
/// cannot be decoded, is reported. A file without one is tried when its first bytes are those of an image. Whatever the name says, the
/// content decides how it is decoded.
enum ImageSniffing {
  /// Extensions, lower case.
  private static let extensions: Set<String> = [
    "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "tif", "tiff", "bmp", "dib",
    "heic", "heif", "hif", "avif",
    // Kinds that are reported as unsupported rather than passed over in silence.
    "jxl", "jp2", "svg", "psd", "ppm", "pgm", "pbm", "ico", "tga", "qoi",
  ]
  /// Extensions of files that are never images: their first bytes are not read. Raw camera files
  /// are among them: some begin like a TIFF and hold nothing but a thumbnail in it.
  private static let otherExtensions: Set<String> = [
    "txt", "md", "json", "jsonl", "xml", "html", "css", "js", "csv", "tsv", "pdf", "zip", "gz",
    "xz", "zst", "tar", "mp4", "mov", "avi", "mkv", "mp3", "wav", "flac", "swift", "py", "c", "h",
    "cpp", "rs", "go", "java", "o", "so", "xmp", "db", "sqlite", "mdb",
    "dng", "cr2", "cr3", "nef", "arw", "raf", "orf", "rw2", "pef", "srw",
  ]

  /// Whether to try `path`.
  static func isCandidate(_ path: FilePath) -> Bool {
    if let name = path.extension?.lowercased() {
      if extensions.contains(name) { return true }
      if otherExtensions.contains(name) { return false }
    }
    guard let head = try? path.read(upTo: 16) else { return false }
    return looksLikeImage(head)
  }

  /// Whether `head`, the first 16 bytes of a file, begins like an image.
  static func looksLikeImage(_ head: [UInt8]) -> Bool {
    func has(_ text: StaticString, at offset: Int = 0) -> Bool {
      text.withUTF8Buffer { wanted in
        head.count >= offset + wanted.count
          && head[offset..<offset + wanted.count].elementsEqual(wanted)
      }
    }
    if head.starts(with: [0xFF, 0xD8, 0xFF]) || head.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
      return true
    }
    if has("GIF87a") || has("GIF89a") { return true }
    if has("RIFF"), has("WEBP", at: 8) { return true }
    if head.starts(with: [0x49, 0x49, 0x2A, 0]) || head.starts(with: [0x4D, 0x4D, 0, 0x2A]) {
      return true
    }
    if has("BM"), head.count >= 14, head[6..<10].allSatisfy({ $0 == 0 }) { return true }
    if has("ftyp", at: 4) {
      return has("heic", at: 8) || has("heix", at: 8) || has("mif1", at: 8) || has("avif", at: 8)
        || has("msf1", at: 8)
    }
    return false
  }
}
