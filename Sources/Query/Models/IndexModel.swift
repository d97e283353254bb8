public import FilipEncoders
public import FilipStore
import SystemPackage

/// The model of an index: where it lies, and which of its vectors are the tokens.
///
/// An index records the name of its model, its token mode, and the fingerprints of both towers.
/// Whoever searches or extends it gets the same model without naming it, and another one is
/// refused.
public struct IndexModel: Sendable {
  /// Where the model lies.
  public let location: ModelLocation
  /// The opened checkpoint.
  public let directory: ModelDirectory
  /// Which vectors become an image's tokens.
  public let tokenMode: TokenMode
  /// Identity of the image tower, its projection, preprocessing and the token mode.
  public let imageFingerprint: String

  /// Opens the model for an index: the one that is asked for, else the index's own, else
  /// `fallback`, else the bundled one.
  ///
  /// `store` is `nil` when there is no index yet.
  /// - Throws: `QueryError.modelMismatch` when the index was made by another model, unless
  ///   `replacesModel`; `EncoderError` for a damaged checkpoint.
  public init(
    for store: TokenStore?, requested: String? = nil, fallback: String? = nil,
    tokenMode: TokenMode? = nil, replacesModel: Bool = false
  ) throws {
    let recorded = try store.flatMap { try Recorded($0) }
    location = try ModelLocation(requested ?? recorded?.name ?? fallback)
    directory = try ModelDirectory(path: location.path.string)
    let ownMode = requested == nil || recorded?.name == location.name ? recorded?.tokenMode : nil
    self.tokenMode =
      tokenMode ?? ownMode.flatMap(TokenMode.init(rawValue:)) ?? directory.defaultTokenMode
    imageFingerprint = try directory.imageFingerprint(tokenMode: self.tokenMode)
    if let recorded, let store, !replacesModel { try check(recorded, indexPath: store.path) }
  }

  /// Name and the first digits of the fingerprint, as in `filip-drawn@4f2c91aa`.
  public var label: String {
    let name = location.isBundled ? location.name : location.path.lastComponent?.string ?? "model"
    return "\(name)@\(imageFingerprint.prefix(8))"
  }

  // MARK: - What the index records

  private struct Recorded {
    let name: String
    let tokenMode: String
    let imageFingerprint: String
    let textFingerprint: String

    init?(_ store: TokenStore) throws {
      let notes = try store.read { snapshot in
        try NoteName.all.map { name in
          try snapshot.note(name).map { String(decoding: $0, as: UTF8.self) }
        }
      }
      guard let name = notes[0], let tokenMode = notes[1], let image = notes[2],
        let text = notes[3]
      else { return nil }
      self.name = name
      self.tokenMode = tokenMode
      imageFingerprint = image
      textFingerprint = text
    }
  }

  private enum NoteName {
    static let all = ["model", "token-mode", "image-fingerprint", "text-fingerprint"]
  }

  /// Writes the model into the index, replacing what was there.
  private func record(in writer: inout Writer) throws {
    let values = [
      location.name, tokenMode.rawValue, imageFingerprint, directory.textFingerprint,
    ]
    for (name, value) in zip(NoteName.all, values) {
      try writer.setNote(name, to: Array(value.utf8))
    }
  }

  private func check(_ recorded: Recorded, indexPath: String) throws {
    guard
      recorded.imageFingerprint == imageFingerprint,
      recorded.textFingerprint == directory.textFingerprint
    else {
      let isSameName = recorded.name == location.name
      let isOnlyMode = isSameName && recorded.tokenMode != tokenMode.rawValue
      throw QueryError(
        .modelMismatch,
        isOnlyMode
          ? "the index at \(indexPath) was made with --token-mode \(recorded.tokenMode), not "
            + "\(tokenMode.rawValue); drop --token-mode, choose another --index, or rebuild: "
            + "filip index --force --token-mode \(tokenMode.rawValue)"
          : isSameName
            ? "the model \(recorded.name) has changed since the index at \(indexPath) was made; "
              + "restore it, choose another --index, or rebuild: filip index --force"
            : "the index at \(indexPath) was made with the model \(recorded.name)"
              + "@\(recorded.imageFingerprint.prefix(8)), not \(label); drop --model, choose "
              + "another --index, or rebuild: filip index --force --model …")
    }
  }

  // MARK: - Opening for writing

  /// Opens the index for writing, or makes it, and records the model.
  ///
  /// With `replacesModel`, an index of another model or of another format is emptied first; the
  /// data file of another format is kept beside the new one as `data.mdb.old`.
  public func openForWriting(at path: String, replacesModel: Bool = false) throws -> TokenStore {
    let store = try Self.store(at: path, replacesFormat: replacesModel)
    let recorded = try Recorded(store)
    let isCurrent =
      recorded?.imageFingerprint == imageFingerprint
      && recorded?.textFingerprint == directory.textFingerprint && recorded?.name == location.name
    if let recorded, !isCurrent, !replacesModel { try check(recorded, indexPath: path) }
    if !isCurrent {
      var outdated: [ItemID] = []
      if let recorded, recorded.imageFingerprint != imageFingerprint {
        try store.read { snapshot in try snapshot.forEachItem { outdated.append($0.id) } }
      }
      try store.write { writer in
        for id in outdated { try writer.remove(id) }
        try record(in: &writer)
      }
    }
    return store
  }

  /// The index in the folder, made if need be; one of another format is put aside if asked to.
  private static func store(at path: String, replacesFormat: Bool) throws -> TokenStore {
    do throws(StoreError) {
      return try TokenStore.open(at: path, mode: .create)
    } catch {
      guard replacesFormat, error.isOtherFormat else { throw error }
    }
    let file = FilePath(path).appending("data.mdb")
    try file.rename(to: FilePath(path).appending("data.mdb.old"))
    return try TokenStore.open(at: path, mode: .create)
  }
}

extension StoreError {
  /// Whether the index is one of ours in a format that this program does not read.
  package var isOtherFormat: Bool { code == .formatTooOld || code == .formatTooNew }
}
