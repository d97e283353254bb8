public import FilipEncoders
public import FilipStore

/// How the images of an index were computed, in its notes: the names of the formats, with blanks
/// between, in the order in which they were first used. An index without the note was made in f32.
///
/// It is for people: tokens of all formats are compared alike.
extension ComputeFormat {
  /// The note that can be done without.
  static let dispensableNoteName = "compute"

  /// The formats in which images of an index were computed.
  public static func recorded(in snapshot: borrowing Snapshot) throws -> [ComputeFormat] {
    guard let note = try snapshot.note(dispensableNoteName) else { return [.float32] }
    return String(decoding: note, as: UTF8.self).split(separator: " ")
      .compactMap { ComputeFormat(rawValue: String($0)) }
  }

  /// Adds this format to those that an index records; it is the only one of an index without images.
  func record(in store: TokenStore) throws {
    let formats = try store.read { snapshot in
      try snapshot.readableCount == 0 ? [] : Self.recorded(in: snapshot)
    }
    // An index that never had another format needs no note.
    let isPlain = formats.isEmpty && self == .float32
    let hasNote = try store.read { try $0.note(Self.dispensableNoteName) != nil }
    guard !formats.contains(self), hasNote || !isPlain else { return }
    let text = (formats + [self]).map(\.rawValue).joined(separator: " ")
    try store.write { writer in
      try writer.setNote(Self.dispensableNoteName, to: isPlain ? nil : Array(text.utf8))
    }
  }
}
