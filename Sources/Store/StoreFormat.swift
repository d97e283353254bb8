/// The format of an index as a whole, written into it as a line of text.
///
/// A reader refuses every format but its own and says what to do. It deletes nothing.
enum StoreFormat {
  /// The marker of the format that this program reads and writes.
  static let marker = "filip-index draft 2"
  private static let family = "filip-index"
  private static let draft = 2

  /// Refuses an index whose format is not ours.
  static func check(marker bytes: [UInt8]?, path: String) throws(StoreError) {
    guard let bytes, let found = String(validating: bytes, as: UTF8.self) else {
      throw notAnIndex(path: path)
    }
    guard found != marker else { return }
    let words = found.split(separator: " ")
    guard words.first == Substring(family) else { throw notAnIndex(path: path) }
    if words.count == 3, words[1] == "draft", let number = Int(words[2]), number < draft {
      throw StoreError(
        .formatTooOld,
        "the index at \(path) has the old format \"\(found)\", which this program no longer "
          + "reads; rebuild it with `filip index --force`")
    }
    throw StoreError(
      .formatTooNew,
      "the index at \(path) has the format \"\(found)\", which is newer than this program; update "
        + "filip, or rebuild the index with `filip index --force`")
  }

  /// A database that some other program made, or one that lost its marker.
  static func notAnIndex(path: String) -> StoreError {
    StoreError(
      .notAnIndex,
      "the database at \(path) has no mark of a filip index; choose another folder, or rebuild "
        + "the index with `filip index --force`")
  }
}
