/// Why a model could not be fetched.
///
/// One line that names the thing and the way out; `code` decides the exit status.
package struct HubError: Error, Sendable, CustomStringConvertible {
  /// Kinds of failure that callers may want to tell apart.
  package enum Code: Sendable {
    /// The hub has no such model, revision or file.
    case notFound
    /// The hub wants a token, or does not take this one.
    case notAllowed
    /// The hub cannot be reached, or this program was told to stay offline.
    case unavailable
    /// What came is not what the hub said would come.
    case damaged
    /// The cache cannot be written.
    case unwritable
    /// A setting or a name is malformed.
    case usage
  }

  /// Kind of failure.
  package var code: Code
  /// What happened and what to do, in one line.
  package var message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The one line.
  package var description: String { message }
}
