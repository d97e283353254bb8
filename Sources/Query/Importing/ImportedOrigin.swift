public import FilipStore

/// Who made the tokens of an index that was filled by `filip import`: a name instead of a model.
public enum ImportedOrigin {
  private static let noteName = "imported-fingerprint"

  /// The name under which tokens were imported, or `nil` for an index that has a model or nothing.
  public static func fingerprint(of store: TokenStore) throws -> String? {
    try store.read { snapshot in
      try snapshot.note(noteName).map { String(decoding: $0, as: UTF8.self) }
    }
  }

  /// Writes the name into the index; `nil` removes it.
  static func record(_ fingerprint: String?, in writer: inout Writer) throws {
    try writer.setNote(noteName, to: fingerprint.map { Array($0.utf8) })
  }

  /// The index has no model, and none was named.
  static func noModel(_ fingerprint: String, indexPath: String) -> QueryError {
    QueryError(
      .modelMismatch,
      "the index at \(indexPath) holds tokens imported as \(fingerprint) and has no model; search "
        + "it with --query-tokens FILE, name the model that made the tokens with --model DIR, or "
        + "choose another --index")
  }
}
