#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Reads whole files of tokenizers, without Foundation.
enum TokenizerFile {
  /// Larger files are refused.
  static let byteLimit = 64 << 20

  /// All bytes of a file.
  ///
  /// - Throws: `.unreadableFile`.
  static func read(_ path: String) throws(TokenizerError) -> [UInt8] {
    guard let file = fopen(path, "rb") else { throw failure(path) }
    defer { fclose(file) }
    guard fseek(file, 0, SEEK_END) == 0 else { throw failure(path) }
    let size = ftell(file)
    guard size >= 0, size <= byteLimit else {
      throw TokenizerError(
        .unreadableFile, file: path, problem: "larger than \(byteLimit >> 20) MiB, or no file")
    }
    rewind(file)
    var bytes = [UInt8](repeating: 0, count: size)
    let count = fread(&bytes, 1, size, file)
    guard count == size else { throw failure(path) }
    return bytes
  }

  private static func failure(_ path: String) -> TokenizerError {
    let reason = strerror(errno).map { String(cString: $0) } ?? "unknown reason"
    return TokenizerError(.unreadableFile, file: path, problem: "cannot be read: \(reason)")
  }
}
