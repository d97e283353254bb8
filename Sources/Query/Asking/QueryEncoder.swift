public import FilipEncoders
import FilipLateInteraction
import SystemPackage

/// Turns a query into tokens, with the towers of one model.
///
/// The text tower reads the sentence as it was typed, without operators: what a word means depends
/// on the others. Weights and quotes only say what is made of the rows. A word of weight 0 is part of
/// the sentence and is not scored.
public struct QueryEncoder: Sendable {
  /// A picture with more patches than this is merged to so many tokens: 64 rows say what a picture
  /// shows, and searching costs as much as there are rows.
  static let mostImageRows = 64

  private let text: TextEncoder?
  private let images: ImagePipeline?

  /// An encoder with either tower, or both; they belong to one model.
  public init(text: TextEncoder?, images: ImagePipeline? = nil) {
    self.text = text
    self.images = images
  }

  /// The tokens of a query.
  /// - Throws: `EncoderError` for a text without words, `QueryError` where a tower is missing, where
  ///   nothing is asked for, where weights have no meaning, or for a picture that cannot be read.
  /// - Complexity: one run of a tower for each text or picture.
  public func encode(_ query: Query) throws -> EncodedQuery {
    var rows = QueryRows()
    let clauses = [Query.Clause(query.content)] + query.added
    let encodings = try clauses.map { try encode($0.content) }
    // A picture has many more rows than a text: together they count as much as all words do.
    let textWeight = zip(clauses, encodings).reduce(0.0) { sum, pair in
      pair.0.isText ? sum + pair.0.weight * pair.1.rows.weights.reduce(0, +) : sum
    }
    for (clause, encoding) in zip(clauses, encodings) {
      let rowCount = Double(encoding.rows.weights.count)
      let share = clause.isText ? 1 : rowCount / (textWeight > 0 ? textWeight : 1)
      rows.append(encoding.rows, weight: clause.weight, sharedAmong: share)
    }
    if query.combination != .mean {
      guard !rows.isWeighted else {
        throw QueryError(
          .contradictoryQuery,
          "weights say how much each word counts in the mean, and --words "
            + "\(query.combination.rawValue) takes one word's score; drop the weights or --words")
      }
      rows.removeRowsOfNoPart()
    }
    rows.removeRowsWithoutWeight()
    guard var encoded = rows.query else {
      throw QueryError(.emptyQuery, "no word of the query counts; give one a weight above 0")
    }
    encoded.combination = query.combination
    encoded.pooled = query.added.isEmpty ? encodings[0].pooled : nil
    encoded.exclusions = try query.excluded.map(exclusion)
    return encoded
  }

  // MARK: - Texts and pictures

  private struct Encoded {
    var rows: QueryRows
    /// One vector for all; a part of a picture has none.
    var pooled: [Float]?
  }

  private func encode(_ content: Query.Content) throws -> Encoded {
    switch content {
    case .text(let text): try encode(text)
    case .image(let path, let region): try encode(path, region)
    }
  }

  private func encode(_ query: QueryText) throws -> Encoded {
    guard let text else {
      throw QueryError(
        .modelMismatch, "this index has no text encoder; give the query as tokens (--query-tokens)")
    }
    let encoded = try text.encode(query.text, marked: query.marks.map(\.range))
    return Encoded(rows: QueryRows(encoded, of: query), pooled: encoded.pooled)
  }

  /// A picture asks with each of its patches; what else the other picture shows does not matter. So
  /// a part of a picture finds the whole, and a region is asked for in the same way.
  private func encode(_ path: FilePath, _ region: PixelRegion?) throws -> Encoded {
    guard let images else {
      throw QueryError(
        .modelMismatch, "the model of this index has no image encoder; ask with words")
    }
    let encoded = try images.encodeNamed(path)
    let all = encoded.tokens.tokens
    var kept = all
    if let region {
      kept = all.rows(
        try encoded.tokens.tokenRows(
          in: region, width: encoded.image.width, height: encoded.image.height, path: path))
    }
    let factor = (kept.tokenCount + Self.mostImageRows - 1) / Self.mostImageRows
    kept = TokenPooling(factor: max(1, factor)).pool(kept).tokens
    let name = path.lastComponent?.string ?? path.string
    return Encoded(
      rows: QueryRows(kept, term: ScoredTerm(text: name, sourceRange: nil)),
      pooled: region == nil ? encoded.tokens.pooled : nil)
  }

  /// One thing that must not be there: all words of a text together.
  private func exclusion(_ clause: Query.Clause) throws -> EncodedQuery.Exclusion {
    var rows = try encode(clause.content).rows
    rows.removeRowsOfNoPart()
    rows.removeRowsWithoutWeight()
    guard let weight = rows.weights.first, let query = rows.query else {
      throw QueryError(.emptyQuery, "a word that must not be there has weight 0; leave it out")
    }
    guard rows.weights.allSatisfy({ $0 == weight }) else {
      throw QueryError(
        .contradictoryQuery,
        "what must not be there is one thing with one weight, such as snow^2 or \"red car\"^2; give "
          + "several things apart")
    }
    let text =
      if case .text(let text) = clause.content { text.text } else { query.parts[0].term.text }
    return EncodedQuery.Exclusion(
      term: ScoredTerm(text: text, sourceRange: nil, weight: weight * clause.weight),
      tokens: query.tokens)
  }
}
