/// The format of an index as a whole, written into it as a line of text: `filip-index 1`.
///
/// A change that older programs of the same major number may not see raises a minor number,
/// `filip-index 1.2`. A reader opens its own major number with every minor number up to its own. It
/// refuses everything else and says what to do. It deletes nothing.
enum StoreFormat {
  /// The marker of the format that this program writes.
  static let marker = "filip-index 1"
  /// The first word of every marker.
  static let family = "filip-index"
  private static let version = (major: 1, minor: 0)

  /// Refuses an index whose format this program does not read.
  static func check(marker bytes: [UInt8]?, path: String) throws(StoreError) {
    guard let bytes, let found = String(validating: bytes, as: UTF8.self) else {
      throw notAnIndex(path: path)
    }
    let words = found.split(separator: " ")
    guard words.first == Substring(family) else { throw notAnIndex(path: path) }
    if words.count == 3, words[1] == "draft" {
      throw StoreError(
        .formatTooOld,
        "the index at \(path) has the draft format \"\(found)\", which this program no longer "
          + "reads; rebuild it with `filip index --force`")
    }
    let numbers = words.count == 2 ? Self.numbers(words[1]) : nil
    if let numbers, numbers.major == version.major, numbers.minor <= version.minor { return }
    throw StoreError(
      .formatTooNew,
      "the index at \(path) has format \(words.dropFirst().joined(separator: " ")), and this "
        + "program reads up to format \(version.major).\(version.minor); update filip, or rebuild "
        + "the index with `filip index --force`")
  }

  /// The numbers of `1` or `1.2`; `nil` for anything else.
  private static func numbers(_ text: Substring) -> (major: Int, minor: Int)? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let major = Int(parts[0]) else { return nil }
    guard parts.count == 2 else { return (major, 0) }
    guard let minor = Int(parts[1]), minor >= 0 else { return nil }
    return (major, minor)
  }

  /// A database that some other program made, or one that lost its marker.
  static func notAnIndex(path: String) -> StoreError {
    StoreError(
      .notAnIndex,
      "the database at \(path) has no mark of a filip index; choose another folder, or rebuild "
        + "the index with `filip index --force`")
  }
}
