import FilipEncoders
import FilipLateInteraction
import FilipStore
import SystemPackage

/// A text's tokens, and which part of the text each of them stands for.
struct EncodedDocument: Sendable {
  /// With all tokens.
  var encoded: EncodedText
  /// As they are stored; `nil` when that was not known yet.
  var reduced: ReducedTokens?

  /// For each token its bytes in the UTF-8 of the text; `nil` for one that has none.
  var tokenSpans: [Range<Int>?] {
    var spans = [Range<Int>?](repeating: nil, count: encoded.tokens.tokenCount)
    for term in encoded.terms {
      for row in term.rows { spans[row] = term.sourceRange }
    }
    return spans
  }
}

/// Lines of texts in, outcomes out: looks each line up, and encodes it if needed.
///
/// Writes nothing, so any number of tasks may examine at once.
struct TextExaminer: Sendable {
  let store: TokenStore
  let encoder: TextEncoder
  /// Identity of the text tower; tokens of another one are no use.
  let fingerprint: String
  let reduction: SharedReduction
  let encodesUnchanged: Bool
  let workspaces = WorkspacePool()

  /// Settles every line of `batch`; texts that need it are encoded together.
  func examine(_ batch: [TextLine]) throws -> [ExaminedFile] {
    var results: [ExaminedFile] = []
    var texts: [(position: Int, text: String)] = []
    for line in batch {
      if Task.isCancelled { throw CancellationError() }
      let (result, text) = try settle(line)
      if let text { texts.append((results.count, text)) }
      results.append(result)
    }
    guard !texts.isEmpty else { return results }
    let encoded = try workspaces.withWorkspace {
      try encoder.encode(documents: texts.map(\.text), workspace: $0)
    }
    for ((position, _), encoded) in zip(texts, encoded) {
      guard let encoded else {
        results[position].refuse("the text has no words")
        continue
      }
      results[position].outcome = .encodedText(
        EncodedDocument(encoded: encoded, reduced: reduction.reduce(encoded.tokens)))
    }
    return results
  }

  /// Everything but the encoding: what became of a line, and its text if it is to be encoded.
  private func settle(_ line: TextLine) throws -> (file: ExaminedFile, text: String?) {
    let known = try store.read { snapshot in try snapshot.item(forPath: line.path.bytes) }
    let digest = contentDigest(of: line.bytes)
    let hash = ContentHash(high: digest.high, low: digest.low)
    var result = ExaminedFile(
      file: FoundFile(
        path: line.path,
        status: FileStatus(
          size: UInt64(line.bytes.count), modificationTime: line.modificationTime)),
      root: line.root, known: known?.id, contentHash: hash, outcome: .ignored)
    result.document = line.bytes
    result.knownReason = known?.contentHash == hash ? known?.unreadableReason : nil
    switch line.content {
    case .failure(let problem):
      result.refuse(problem.text)
      return (result, nil)
    case .success(let document):
      guard !encodesUnchanged else { return (result, document.text) }
      let isSettled =
        known?.unreadableReason == nil && known?.encoderFingerprint == fingerprint
      if isSettled, known?.contentHash == hash {
        result.outcome = .unchanged(reason: nil)
        return (result, nil)
      }
      if let twin = try twin(withContentHash: hash) {
        result.outcome = twin
        return (result, nil)
      }
      return (result, document.text)
    }
  }

  /// The first readable text with the content, with what was made of it.
  private func twin(withContentHash hash: ContentHash) throws -> ExaminedFile.Outcome? {
    try store.read { snapshot in
      for item in try snapshot.items(withContentHash: hash) {
        guard item.kind == .text, item.encoderFingerprint == fingerprint,
          let tokens = try snapshot.tokens(of: item.id)
        else { continue }
        return .sameContent(as: item, tokens: tokens, pooled: try snapshot.pooled(of: item.id))
      }
      return nil
    }
  }
}

extension ExaminedFile {
  /// Settles the line as one without a usable text.
  fileprivate mutating func refuse(_ reason: String) {
    outcome =
      knownReason == reason ? .unchanged(reason: reason) : .unreadable(reason: reason)
  }
}
