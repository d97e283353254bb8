import Glibc
import SystemPackage

@testable import FilipEncoders
@testable import FilipLateInteraction
@testable import FilipQuery
@testable import FilipStore

/// The decoders of bytes that outlive the program: those of an index, and files that are imported; and
/// the parser of what is typed as a query.
///
/// None may crash, whatever the bytes; each either decodes them or throws. What was decoded is used
/// as readers use it.
enum PersistentDecoder: String, CaseIterable, Sendable {
  case record, patchTokens, tokens, pooled, segment, place, deadOrdinals, screen, codebook, layout
  case reduction, projection, recallCurve, formatMarker, safetensors, numpy, itemLines, tokenArchive
  case facts, tagKey, metaValue, current, torch, compiledTokenizer, sentencePiece
  case query

  /// Decodes bytes, and the same bytes with the checksum that they should have, so that what lies
  /// behind a checksum is reached.
  /// - Returns: whether either was accepted.
  func decode(_ bytes: [UInt8]) -> Bool {
    let isAccepted = accepts(bytes)
    guard let sealed = sealed(bytes) else { return isAccepted }
    return accepts(sealed) || isAccepted
  }

  private func accepts(_ bytes: [UInt8]) -> Bool {
    do {
      return try use(bytes)
    } catch {
      // A message is made of every error.
      return "\(error)".isEmpty
    }
  }

  private func use(_ bytes: [UInt8]) throws -> Bool {
    switch self {
    case .record: try useRecord(bytes)
    case .patchTokens: _ = try PatchTokenCodec.decode(bytes, tokenCount: 1 << 20)
    case .tokens:
      var decoder = TokenDecoder()
      _ = try decoder.decode(bytes.span, of: .first)
    case .pooled:
      var values: [Float] = []
      _ = try PooledCodec.decode(bytes.span, into: &values, at: 0)
    case .segment: try useSegment(bytes)
    case .place: _ = try PlanePlace(bytes.span)
    case .deadOrdinals: _ = try DeadOrdinals.decode(bytes.span)
    case .screen: try useScreen(bytes)
    case .codebook: _ = try ScreenCodebook(bytes.span).bytes()
    case .layout: return PlaneLayout(bytes: bytes) != nil
    case .reduction:
      let setting = try? TokenReduction.setting(bytes)
      return try setting != nil || TokenReduction.recall(bytes).queryCount > 0
    case .projection: _ = try TokenReduction.projection(bytes)
    case .recallCurve:
      guard let curve = RecallCurve(bytes) else { return false }
      _ = (curve.candidateCount(forRecall: 0.99), curve.estimate(candidateCount: 500), curve.note)
    case .formatMarker: try StoreFormat.check(marker: bytes, path: "/index")
    case .safetensors:
      try withFile(bytes) { path in
        let file = try SafetensorsFile(path: path)
        for name in file.tensors.keys { _ = try? file.stored(name).map(readAll) }
      }
    case .torch:
      try withFile(bytes) { path in
        for tensor in try TorchFile(path: path).tensors {
          _ = (try? tensor.matrix(), tensor.edges(byteCount: 64))
          if tensor.shape.count == 2, tensor.shape[0] > 0 {
            _ = try? tensor.transposed().rows(0..<min(tensor.shape[1], 2)).matrix()
          }
        }
      }
    case .numpy: try withFile(bytes) { try readAll(NumPyFile.open($0)) }
    case .itemLines:
      try withFile(bytes) { path in
        var items = try ImportedItems(FilePath(path))
        while let item = try items.next() { _ = item.record(name: item.name ?? [1], tokenCount: 4) }
      }
    case .tokenArchive: try withFile(bytes) { try readArchive($0) }
    case .facts:
      var block = try FactBlock(bytes.span)
      for row in 0..<FactBlock.rowCount { block[row] = block[row] }
      _ = block.sealed()
    case .tagKey:
      let (tag, id) = try StoreLayout.tagged(bytes.span)
      return StoreLayout.key(tag, id) == bytes
    case .metaValue:
      _ = (try MetaValue.open(bytes), try? MetaValue.number(bytes), try? MetaValue.text(bytes))
    case .current: return try IndexFolder.generation(inCurrent: bytes, path: "/index") != nil
    case .compiledTokenizer: return try useTokenizer(bytes)
    case .sentencePiece: return useSentencePiece(bytes)
    case .query: try useQuery(bytes)
    }
    return true
  }
}

// MARK: - What readers do

extension PersistentDecoder {
  /// What was typed leads back from every stretch of the text, and to phrases that are in it.
  private func useQuery(_ bytes: [UInt8]) throws {
    let query = try QueryParser.parse(String(decoding: bytes, as: UTF8.self))
    let (text, typed) = (Array(query.text.utf8), Array(query.typed.utf8))
    for place in text.indices {
      let origin = query.typedRange(of: place..<place + 1)
      precondition(typed[origin].elementsEqual([text[place]]), "a byte of what was typed")
    }
    var end = 0
    for mark in query.marks {
      precondition(mark.range.lowerBound >= end && !mark.range.isEmpty, "marks in order")
      end = mark.range.upperBound
    }
    precondition(end <= text.count, "marks within the text")
    for phrase in Phrase.phrases(of: query.text, marked: query.marks.map(\.range)) {
      precondition(text[phrase.sourceRange].elementsEqual(phrase.text.utf8), "a phrase of the text")
    }
  }

  private func useRecord(_ bytes: [UInt8]) throws {
    let item = try ItemCodec.decode(bytes, id: .first, fingerprints: [1: "tower"])
    _ = ItemCodec.encode(item, fingerprint: 1)
    _ = item.tiles.map(\.grid.patchCount)
    for token in 0..<min(item.tokenCount, 3) {
      _ = (item.region(ofToken: token), item.patch(ofToken: token))
    }
    for patch in 0..<min(item.patchCount, 3) {
      _ = (item.region(ofPatch: patch), item.token(ofPatch: patch))
    }
  }

  private func useSegment(_ bytes: [UInt8]) throws {
    try SegmentSeal.read(bytes.span) { segment in
      var rows: [Float] = []
      for image in 0..<min(segment.imageCount, 4) where segment.tokens(of: image).count < 4096 {
        _ = (segment.id(image), segment.largestError8(image))
        segment.decode(image, bits: segment.bits, into: &rows)
        segment.decode(image, bits: .four, into: &rows)
      }
      if segment.tokenCount < 4096, segment.dimension < 4096 {
        _ = PlaneSegmentBuilder(resuming: segment).bytes()
      }
    }
  }

  private func useScreen(_ bytes: [UInt8]) throws {
    _ = try ScreenCodec.verify(bytes.span)
    let header = try ScreenCodec.Header(bytes.span)
    ScreenCodec.withParts(bytes.span, header) { bounds, codes in
      _ = (0..<bounds.count).map { bounds[$0] }
      _ = (0..<codes.count).map { codes[$0] }
    }
  }

  /// What lies behind the checksum of a compiled tokenizer.
  private func useTokenizer(_ bytes: [UInt8]) throws -> Bool {
    guard let document = bytes.withUnsafeBytes({ TokenizerDocument(sections: $0) }) else {
      return false
    }
    let tokenizer = try SubwordTokenizer(document, file: "tokenizer", settings: nil)
    _ = tokenizer.tokenize("a Red cat, 12 é <s> 猫", limit: 20)
    return true
  }

  private func useSentencePiece(_ bytes: [UInt8]) -> Bool {
    guard let file = SentencePieceFile(bytes: bytes) else { return false }
    let text = SourceScalar.scalars(of: " a  ab ﬁ")
    if let map = CharsMap(bytes: file.charsMap) { _ = TextNormalizer.apply(map, to: text) }
    let normalization = SentencePieceNormalization(
      charsMap: CharsMap(bytes: file.charsMap), addsPrefix: file.addsPrefix,
      removesExtraSpaces: file.removesExtraSpaces, escapesSpaces: file.escapesSpaces)
    _ = normalization.normalize(text)
    return true
  }

  private func readAll(_ tensor: StoredTensor) throws {
    let rows = 0..<min(tensor.rowCount, 3)
    if (try? tensor.requireFloats()) != nil {
      _ = try tensor.floats(rows)
    } else {
      _ = try tensor.integers(rows)
    }
  }

  private func readArchive(_ path: String) throws {
    // Whether a file is a `.npy` is told by its name; this one has none.
    for archive in try TokenArchive.open([FilePath(path)]) {
      for item in 0..<min(archive.count, 3) {
        let (elements, tokenCount) = try archive.rows(of: item)
        _ = try TokenMatrix(
          normalizing: elements, tokenCount: tokenCount, dimension: archive.dimension)
        _ = try archive.pooledVector(of: item)
      }
    }
  }

  /// Calls `body` with the path of a file that has no name any more.
  private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
    var template = Array("/tmp/filip-decoder-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    precondition(file >= 0, "a temporary file")
    unlink(&template)
    defer { close(file) }
    let count = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    precondition(count == bytes.count, "room for an input")
    try body("/proc/self/fd/\(file)")
  }
}

// MARK: - Checksums

extension PersistentDecoder {
  /// The bytes with the right checksum in its place, where there is one.
  private func sealed(_ bytes: [UInt8]) -> [UInt8]? {
    var bytes = bytes
    switch self {
    case .record, .pooled:
      guard bytes.count >= 4 else { return nil }
      bytes.replaceChecksum(at: bytes.count - 4, of: bytes.count - 4)
    case .tokens:
      guard bytes.count >= TokenCodec.headerByteCount else { return nil }
      bytes.replaceChecksum(at: 16, of: 16)
    case .segment:
      guard bytes.count >= 40 else { return nil }
      SegmentSeal.seal(&bytes)
    case .screen:
      guard bytes.count >= 40 else { return nil }
      Checksum.seal(&bytes, at: 32)
    case .codebook:
      guard bytes.count >= 32 else { return nil }
      bytes.replaceHash(at: 24)
    case .facts:
      guard bytes.count == FactBlock.byteCount else { return nil }
      Checksum.seal(&bytes, at: FactBlock.checksumOffset)
    case .metaValue:
      guard bytes.count >= 4 else { return nil }
      bytes.replaceChecksum(at: bytes.count - 4, of: bytes.count - 4)
    case .projection:
      guard bytes.count > 16 else { return nil }
      let digest = contentDigest(of: Array(bytes.dropLast(16)))
      bytes.replaceSubrange(
        (bytes.count - 16)..., with: ContentHash(high: digest.high, low: digest.low).bytes)
    default: return nil
    }
    return bytes
  }
}

extension [UInt8] {
  fileprivate mutating func replaceChecksum(at offset: Int, of count: Int) {
    let checksum = Checksum.crc32(span, count: count)
    for index in 0..<4 {
      self[offset + index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(index)))
    }
  }

  /// The hash of a codebook, as `ScreenCodebook` describes it.
  fileprivate mutating func replaceHash(at offset: Int) {
    var hash = UInt64(count)
    for start in stride(from: 0, to: count, by: 8) {
      var word: UInt64 = 0
      for index in start..<Swift.min(start + 8, count) where start != offset {
        word |= UInt64(self[index]) << (8 * UInt64(index - start))
      }
      hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 32
    }
    for index in 0..<8 {
      self[offset + index] = UInt8(truncatingIfNeeded: hash >> (8 * UInt64(index)))
    }
  }
}
