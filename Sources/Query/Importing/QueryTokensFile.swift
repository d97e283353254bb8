import FilipEncoders
public import FilipLateInteraction
public import SystemPackage

/// A file with the tokens of one query or of several, made by `filip embed --text` or by another
/// program.
///
/// `.safetensors` as `TokenArchive` reads it, or `.npy` with one matrix (words, d) or a batch
/// (queries, words, d).
public struct QueryTokensFile: Sendable {
  private let archive: TokenArchive

  /// Opens and checks the file.
  /// - Throws: `EncoderError` for a missing or damaged file, `QueryError` for one whose parts do
  ///   not fit.
  public init(_ path: FilePath) throws {
    archive = try TokenArchive.openQueries(path)
  }

  /// Number of queries.
  public var count: Int { archive.count }

  /// Columns of every token.
  public var dimension: Int { archive.dimension }

  /// The tokens of one query, normalised; queries are counted from 0.
  /// - Throws: `QueryError` when there is no such query, or it has no tokens or values that are no
  ///   numbers.
  public func tokens(of number: Int) throws -> TokenMatrix {
    guard number >= 0, number < count else {
      throw QueryError(
        .notFound,
        "\(archive.path) has \(count) queries, counted from 0; there is no number \(number)")
    }
    let (elements, tokenCount) = try archive.rows(of: number)
    guard tokenCount > 0 else {
      throw QueryError(.unreadable, "\(archive.path): query \(number) has no tokens")
    }
    do throws(TokenMatrixError) {
      return try TokenMatrix(
        normalizing: elements, tokenCount: tokenCount, dimension: archive.dimension)
    } catch {
      throw QueryError(.unreadable, "\(archive.path): query \(number): \(error)")
    }
  }

  /// The text of one query where a line beside the file gives it, else the file and the number.
  public func name(of number: Int) throws -> String {
    if let names = archive.namesPath {
      var items = try ImportedItems(names)
      for _ in 0..<number { _ = try items.next() }
      if let name = try items.next()?.name { return String(decoding: name, as: UTF8.self) }
    }
    return "\(archive.path.lastComponent?.string ?? archive.path.string)#\(number)"
  }
}
