/// Why indexing or searching could not be done.
///
/// One line that names the thing and the way out; `code` decides the exit status.
public struct QueryError: Error, Sendable, CustomStringConvertible {
  /// Kinds of failure that callers may want to tell apart.
  public enum Code: Sendable {
    /// A folder, image, index or model is not there.
    case notFound
    /// The index was made by another model.
    case modelMismatch
    /// A cascade was asked of an index without a screen.
    case noScreen
    /// The query has no tokens.
    case emptyQuery
    /// The query is not written as queries are.
    case malformedQuery
    /// What is asked for cannot be had together.
    case contradictoryQuery
    /// The index was made with another reduction of its tokens.
    case reductionMismatch
    /// The reduction that is asked for does not fit the model.
    case unusableReduction
    /// What an index says of its reduction cannot be read.
    case damagedReduction
    /// A file could not be read or is not an image.
    case unreadable
  }

  /// Kind of failure.
  public var code: Code
  /// What happened and what to do, in one line; of a malformed query two more show the place.
  public var message: String

  /// An error with its one line.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The one line.
  public var description: String { message }
}
