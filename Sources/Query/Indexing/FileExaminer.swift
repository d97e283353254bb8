import FilipEncoders
import FilipLateInteraction
import FilipStore
import SystemPackage

/// What a file means for the index.
struct ExaminedFile: Sendable {
  enum Outcome: Sendable {
    /// Not an image, and not named like one.
    case ignored
    /// Size and time, and the reason if it is unreadable, are those of the record.
    case unchanged(reason: String?)
    /// It could not be read this time; the record of a readable image stays.
    case unreachable(reason: String)
    /// Size or time differ from the record; the content does not.
    case touched
    /// Another record, with these tokens, holds this content already.
    case sameContent(as: ItemRecord, tokens: TokenMatrix, pooled: [Float]?)
    /// Went through the encoder.
    case encoded(EncodedFile)
    /// A text that went through the encoder.
    case encodedText(EncodedDocument)
    /// Holds no usable image.
    case unreadable(reason: String)
  }

  var file: FoundFile
  var root: FilePath
  /// The record of this path, if there is one.
  var known: ItemID?
  /// Hash of the content, unless the file was not read.
  var contentHash: ContentHash?
  var outcome: Outcome
  /// The line of a text, as it was read.
  var document: [UInt8]?
  /// Why the record with this very content is unreadable, if it is.
  var knownReason: String?

  /// Whether it went through the encoder.
  var isEncoded: Bool {
    switch outcome {
    case .encoded, .encodedText: true
    case .ignored, .unchanged, .unreachable, .touched, .sameContent, .unreadable: false
    }
  }

  /// The tokens that the encoder made of it, all of them.
  var encodedTokens: TokenMatrix? {
    switch outcome {
    case .encoded(let image): image.encoded.tokens
    case .encodedText(let text): text.encoded.tokens
    case .ignored, .unchanged, .unreachable, .touched, .sameContent, .unreadable: nil
    }
  }
}

/// An image's tokens and what its file says.
struct EncodedFile: Sendable {
  var width: Int
  var height: Int
  var format: String
  var metadata: ImageMetadata
  /// With all tokens.
  var encoded: EncodedImage
  /// As they are stored; `nil` when that was not known yet.
  var reduced: ReducedTokens?
}

/// Files in, outcomes out: looks each file up, reads, hashes, decodes and encodes it if needed.
///
/// Writes nothing, so any number of tasks may examine at once.
struct FileExaminer: Sendable {
  let store: TokenStore
  /// Identity of the encoder; tokens of another one are no use.
  let fingerprint: String
  let pipeline: ImagePipeline
  let reduction: SharedReduction
  let encodesUnchanged: Bool

  /// Settles every file of `batch`; images that need it are encoded together.
  func examine(_ batch: [FoundFile], root: FilePath) throws -> [ExaminedFile] {
    var results: [ExaminedFile] = []
    var prepared: [(position: Int, file: EncodedFileDraft)] = []
    for file in batch {
      if Task.isCancelled { throw CancellationError() }
      let step = try settle(file, root: root)
      if let draft = step.draft { prepared.append((results.count, draft)) }
      results.append(step.file)
    }
    guard !prepared.isEmpty else { return results }
    let encoded = try pipeline.encode(prepared.map(\.file.prepared))
    for ((position, draft), image) in zip(prepared, encoded) {
      results[position].outcome = .encoded(
        EncodedFile(
          width: draft.width, height: draft.height, format: draft.format,
          metadata: draft.metadata, encoded: image, reduced: reduction.reduce(image.tokens)))
    }
    return results
  }

  /// A decoded image that waits for the encoder.
  private struct EncodedFileDraft {
    var width: Int
    var height: Int
    var format: String
    var metadata: ImageMetadata
    var prepared: PreparedImage
  }

  /// Everything but the encoding.
  private func settle(
    _ file: FoundFile, root: FilePath
  ) throws -> (file: ExaminedFile, draft: EncodedFileDraft?) {
    let known = try store.read { snapshot in try snapshot.item(forPath: file.path.bytes) }
    var result = ExaminedFile(file: file, root: root, known: known?.id, outcome: .ignored)
    let isUntouched =
      known?.fileSize == file.status.size
      && known?.modificationTime == file.status.modificationTime
    // A file that could not be read is tried again: limits, libraries and permissions change.
    let isSettled =
      known?.unreadableReason == nil && known?.encoderFingerprint == fingerprint
      && !encodesUnchanged
    if isUntouched, isSettled {
      result.outcome = .unchanged(reason: nil)
      return (result, nil)
    }
    func unreadable(_ reason: String) -> ExaminedFile.Outcome {
      isUntouched && known?.unreadableReason == reason && known?.contentHash == result.contentHash
        ? .unchanged(reason: reason) : .unreadable(reason: reason)
    }
    guard known != nil || ImageSniffing.isCandidate(file.path) else { return (result, nil) }

    let bytes: [UInt8]
    do {
      bytes = try pipeline.read(file.path)
    } catch {
      let reason = readingReason(error)
      let hadTokens = known != nil && known?.unreadableReason == nil
      // What the system refuses today it may give tomorrow; what the limits refuse has changed.
      result.outcome =
        hadTokens && error is Errno ? .unreachable(reason: reason) : unreadable(reason)
      return (result, nil)
    }
    let digest = contentDigest(of: bytes)
    let hash = ContentHash(high: digest.high, low: digest.low)
    result.contentHash = hash
    if !encodesUnchanged {
      if isSettled, known?.contentHash == hash {
        result.outcome = .touched
        return (result, nil)
      }
      if let twin = try twin(withContentHash: hash) {
        result.outcome = twin
        return (result, nil)
      }
    }
    do {
      let image = try pipeline.decoder.decode(bytes)
      let draft = EncodedFileDraft(
        width: image.width, height: image.height, format: image.format.rawValue,
        metadata: image.metadata, prepared: pipeline.preprocessor.prepare(image))
      return (result, draft)
    } catch {
      result.outcome = unreadable("\(error)")
      return (result, nil)
    }
  }

  /// The first readable item with the content, with what was made of it.
  private func twin(withContentHash hash: ContentHash) throws -> ExaminedFile.Outcome? {
    try store.read { snapshot in
      for item in try snapshot.items(withContentHash: hash) {
        guard item.encoderFingerprint == fingerprint,
          let tokens = try snapshot.tokens(of: item.id)
        else { continue }
        return .sameContent(as: item, tokens: tokens, pooled: try snapshot.pooled(of: item.id))
      }
      return nil
    }
  }

  private func readingReason(_ error: any Error) -> String {
    switch error {
    case Errno.noSuchFileOrDirectory: "the file vanished while it was being read"
    case Errno.permissionDenied: "no permission to read the file"
    case let error as Errno: "the file cannot be read: \(error)"
    default: "\(error)"
    }
  }
}
