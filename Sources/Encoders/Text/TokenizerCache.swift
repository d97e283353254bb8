#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A folder of compiled tokenizers: `$XDG_CACHE_HOME/filip/tokenizers`, or the same in `~/.cache`.
///
/// It may be deleted at any time. Where it cannot be read or written, every start parses the
/// tokenizer's own file.
struct TokenizerCache {
  /// Smaller files are parsed each time, which takes some ten milliseconds at most.
  static let sourceByteMinimum = 256 << 10

  private let folder: String

  /// A cache in a folder, which is made when something is written.
  init(folder: String) { self.folder = folder }

  /// The user's cache; `nil` when there is no place for one.
  static var standard: TokenizerCache? {
    func variable(_ name: String) -> String? {
      // Safe because the string is copied before the environment can change.
      getenv(name).map { String(cString: $0) }
    }
    // The specification has relative paths ignored.
    if let path = variable("XDG_CACHE_HOME"), path.hasPrefix("/") {
      return TokenizerCache(folder: path + "/filip/tokenizers")
    }
    return variable("HOME").flatMap { home in
      home.hasPrefix("/") ? TokenizerCache(folder: home + "/.cache/filip/tokenizers") : nil
    }
  }

  /// The document of a file: the compiled one, or else what `parse` returns, which is kept.
  ///
  /// - Throws: `.unreadableFile`, and what `parse` throws.
  static func document(
    of path: String, in cache: TokenizerCache?,
    parse: () throws(TokenizerError) -> TokenizerDocument
  ) throws(TokenizerError) -> TokenizerDocument {
    guard let cache, let file = try? MappedFile(path: path),
      file.bytes.count >= sourceByteMinimum, file.bytes.count <= TokenizerFile.byteLimit
    else { return try parse() }
    let source = TokenizerDocument.Source(file)
    if let document = cache.document(from: source) { return document }
    let document = try parse()
    cache.keep(document, from: source)
    return document
  }

  private func path(of source: TokenizerDocument.Source) -> String {
    func digits(_ number: UInt64) -> String {
      let text = String(number, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }
    return folder + "/" + digits(source.high) + digits(source.low)
  }

  private func document(from source: TokenizerDocument.Source) -> TokenizerDocument? {
    guard let file = try? MappedFile(path: path(of: source)) else { return nil }
    return TokenizerDocument(compiled: file.bytes, from: source)
  }

  /// Writes a document beside its place and moves it there, so that readers see all or nothing.
  private func keep(_ document: TokenizerDocument, from source: TokenizerDocument.Source) {
    var made = ""
    for part in folder.split(separator: "/") {
      made += "/" + part
      mkdir(made, 0o700)
    }
    let path = path(of: source)
    let unfinished = path + ".\(getpid())-\(UInt32.random(in: 0 ... .max))"
    guard let file = fopen(unfinished, "wbx") else { return }
    let bytes = document.compiled(from: source)
    let isWritten = fwrite(bytes, 1, bytes.count, file) == bytes.count
    let isClosed = fclose(file) == 0
    if !isWritten || !isClosed || rename(unfinished, path) != 0 { unlink(unfinished) }
  }
}
