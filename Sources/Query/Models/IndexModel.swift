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
  /// Identity of the image tower, its projection, preprocessing and the token mode; for a model of
  /// texts alone, that of the text tower.
  public let imageFingerprint: String

  /// Opens the model for an index: the one that is asked for, else the index's own, else
  /// `fallback`, else the bundled one.
  ///
  /// `store` is `nil` when there is no index yet.
  /// - Throws: `QueryError.modelMismatch` when the index was made by another model, unless
  ///   `replacesModel`, or holds tokens that were imported under another name than the
  ///   model's fingerprint and no model is asked for; `EncoderError` for a
  ///   damaged checkpoint.
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
    imageFingerprint =
      directory.hasVisionTower
      ? try directory.imageFingerprint(tokenMode: self.tokenMode) : directory.textFingerprint
    if let recorded, let store, !replacesModel { try check(recorded, indexPath: store.path) }
    if requested == nil, recorded == nil, !replacesModel, let store,
      let fingerprint = try ImportedOrigin.fingerprint(of: store), !isOwn(fingerprint)
    {
      throw ImportedOrigin.noModel(fingerprint, indexPath: store.path)
    }
  }

  /// Identity of the tower that makes the tokens of such items.
  public func fingerprint(of kind: ItemRecord.Kind) -> String {
    kind == .text ? directory.textFingerprint : imageFingerprint
  }

  /// Whether one of this model's towers makes tokens of that identity.
  private func isOwn(_ fingerprint: String) -> Bool {
    fingerprint == imageFingerprint || fingerprint == directory.textFingerprint
  }

  /// Name and the first digits of the fingerprint, as in `filip-drawn@4f2c91aa`.
  public var label: String {
    "\(location.shortName)@\(imageFingerprint.prefix(8))"
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
    static let imageFingerprint = "image-fingerprint"
    static let all = ["model", "token-mode", imageFingerprint, "text-fingerprint"]
  }

  /// Writes the model into the index, replacing what was there.
  private func record(in writer: inout Writer) throws {
    let values = [
      location.name, tokenMode.rawValue, imageFingerprint, directory.textFingerprint,
    ]
    for (name, value) in zip(NoteName.all, values) {
      try writer.setNote(name, to: Array(value.utf8))
    }
    try ImportedOrigin.record(nil, in: &writer)
  }

  /// The names of the notes.
  static var noteNames: [String] { NoteName.all }

  /// The image tower's fingerprint that an index records, whatever became of the other notes.
  static func recordedImageFingerprint(of store: TokenStore) throws -> String? {
    try store.read { snapshot in
      try snapshot.note(NoteName.imageFingerprint).map { String(decoding: $0, as: UTF8.self) }
    }
  }

  /// Writes the notes of an index anew, if this model made its tokens.
  /// - Returns: whether it did.
  func mendNotes(of store: TokenStore) throws -> Bool {
    let isOwn = try store.read { snapshot in
      var isOwn: Bool?
      try snapshot.forEachItem { item in
        guard item.unreadableReason == nil else { return }
        isOwn = isOwn ?? true && item.encoderFingerprint == fingerprint(of: item.kind)
      }
      return isOwn ?? false
    }
    if isOwn { try store.write { writer in try record(in: &writer) } }
    return isOwn
  }

  /// Removes from the index what it says about its model.
  static func forget(in writer: inout Writer) throws {
    for name in NoteName.all { try writer.setNote(name, to: nil) }
  }

  /// The fingerprint of the model that the index records, if it records one.
  static func recordedFingerprint(of store: TokenStore) throws -> String? {
    try Recorded(store)?.imageFingerprint
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

  /// The reduction for an index: what is asked for, else the index's own.
  ///
  /// `store` is `nil` when there is no index yet. An index without images takes any.
  /// - Throws: `QueryError.reductionMismatch` when the index was made with another one, unless
  ///   `replacesModel`; `.unusableReduction` when it does not fit the model.
  public func reduction(
    for store: TokenStore?, request: ReductionRequest, replacesModel: Bool = false
  ) throws -> ReductionSetting {
    let stored = try storedReduction(store, replacesModel: replacesModel)?.setting ?? .none
    let setting = try request.setting(
      over: stored, modelDimension: directory.configuration.projectionDimension)
    guard let store, setting != stored, !replacesModel else { return setting }
    guard try store.read({ try $0.readableCount }) > 0 else { return setting }
    throw QueryError(
      .reductionMismatch,
      "the index at \(store.path) was made with \(stored), not \(setting); drop --pool and "
        + "--dimension, choose another --index, or rebuild: filip index --force \(request.flags)")
  }

  /// The reduction in an index; `nil` when it cannot be read and is to be replaced.
  private func storedReduction(
    _ store: TokenStore?, replacesModel: Bool
  ) throws -> TokenReduction? {
    guard let store else { return TokenReduction.none }
    do {
      return try store.read { try TokenReduction($0) }
    } catch let error as QueryError {
      guard replacesModel else { throw error }
      return nil
    }
  }

  /// Opens the index for writing, or makes it, and records the model and the reduction.
  ///
  /// `pipeline` is the model's: what the index needs of the model is loaded before anything is
  /// changed. It is `nil` for an index of texts, which are computed in `format`. With
  /// `replacesModel`, the items of another model or reduction keep their ids and wait to be encoded
  /// again (they are listed as unreadable until then), and an index that cannot be read is put
  /// aside: its files keep their names with `.old` added. `layout` is that of an index that is
  /// made. A projection that is asked for by name is learnt anew then.
  public func openForWriting(
    at path: String, pipeline: ImagePipeline?, format: ComputeFormat = .float32,
    reduction request: ReductionRequest = ReductionRequest(),
    replacesModel: Bool = false, layout: PlaneLayout = PlaneLayout(),
    options: TokenStore.Options = []
  ) throws -> TokenStore {
    precondition(
      pipeline.map { $0.fingerprint == imageFingerprint } ?? true, "the pipeline of this model")
    let store = try Self.store(
      at: path, replacesFormat: replacesModel, layout: layout, options: options)
    let recorded = try Recorded(store)
    let setting = try reduction(for: store, request: request, replacesModel: replacesModel)
    let stored = try storedReduction(store, replacesModel: replacesModel)
    let keepsReduction =
      setting == stored?.setting && !(replacesModel && request.dimension != nil)
    let keepsModel =
      recorded?.imageFingerprint == imageFingerprint
      && recorded?.textFingerprint == directory.textFingerprint && recorded?.name == location.name
    guard !(keepsModel && keepsReduction) else {
      try (pipeline?.format ?? format).record(in: store)
      return store
    }
    if let recorded, !replacesModel { try check(recorded, indexPath: path) }
    if !replacesModel, let imported = try ImportedOrigin.fingerprint(of: store),
      !isOwn(imported)
    {
      throw QueryError(
        .modelMismatch,
        "the index at \(path) holds tokens imported as \(imported), not those of \(label); choose "
          + "another --index, or rebuild: filip index --force")
    }
    // Imported tokens may be this model's own.
    let maker = try recorded?.imageFingerprint ?? ImportedOrigin.fingerprint(of: store)
    let keepsTokens = keepsReduction && (maker.map(isOwn) ?? false)
    _ = try TextEncoder(model: directory)
    var outdated: [ItemRecord] = []
    try store.read { snapshot in
      try snapshot.forEachItem { item in
        guard item.unreadableReason == nil else { return }
        if !keepsTokens || item.encoderFingerprint != fingerprint(of: item.kind) {
          outdated.append(item)
        }
      }
    }
    try store.write { writer in
      for var item in outdated {
        item.id = .unassigned
        try writer.insertUnreadable(
          item, reason: "waits to be encoded by \(label): filip index its folder")
      }
      try record(in: &writer)
      // What was learnt from other tokens, and measured on them, is not kept.
      let fresh = TokenReduction(setting: setting)
      try (keepsTokens ? stored ?? fresh : fresh).record(in: &writer)
    }
    try (pipeline?.format ?? format).record(in: store)
    return store
  }

  /// The index in the folder, made if need be; one that cannot be read is put aside if asked to.
  private static func store(
    at path: String, replacesFormat: Bool, layout: PlaneLayout, options: TokenStore.Options
  ) throws -> TokenStore {
    let program = "filip \(filipVersion)"
    do throws(StoreError) {
      return try TokenStore.open(
        at: path, mode: .create, program: program, layout: layout, options: options)
    } catch {
      guard replacesFormat, error.asksForRebuild else { throw error }
    }
    try TokenStore.putAside(at: path, program: program)
    return try TokenStore.open(
      at: path, mode: .create, program: program, layout: layout, options: options)
  }
}

extension StoreError {
  /// Whether nothing helps but to build the index anew.
  package var asksForRebuild: Bool {
    [.formatTooOld, .formatTooNew, .damaged, .incompatibleLibrary].contains(code)
  }
}
