@testable import FilipEncoders
@testable import FilipLateInteraction
@testable import FilipQuery
@testable import FilipStore

/// What the encoders write, where fuzzing begins.
extension PersistentDecoder {
  /// A few small values of each kind.
  var seeds: [[UInt8]] {
    switch self {
    case .record: [ItemCodec.encode(Self.recordSample, fingerprint: 1), Self.plainRecordSample]
    case .patchTokens: [PatchTokenCodec.encode([0, 0, 1, 2, 2, 5]), PatchTokenCodec.encode([])]
    case .tokens: [Self.encoded(Self.matrix), Self.encoded(Self.emptyMatrix)]
    case .pooled: [PooledCodec.encode([0.5, -0.25, 1]), PooledCodec.encode([])]
    case .segment: [PlaneBits.eight, .four].map(Self.segmentSample)
    case .place: [PlanePlace(segment: 3, ordinal: 4).bytes, PlanePlace.empty(dimension: 8).bytes]
    case .deadOrdinals: [DeadOrdinals.encode([0, 3, 9]), []]
    case .screen: [Self.screenSample]
    case .codebook: [Self.codebookSample]
    case .layout: [PlaneLayout().bytes, PlaneLayout(bits: .four, originals: .none).bytes]
    case .reduction:
      ["pool 2 dimension 96", "pool 3", "0.9 0.8 0.95 100 8000"].map { Array($0.utf8) }
    case .projection:
      [
        TokenReduction.bytes(
          TokenProjection(axes: [1, 0, 0, 0, 1, 0], inputDimension: 3, outputDimension: 2))
      ]
    case .recallCurve: [Self.recallCurveSample]
    case .formatMarker: [StoreFormat.marker, "filip-index 7.1", "x"].map { Array($0.utf8) }
    case .safetensors, .tokenArchive: [Self.safetensorsSample]
    case .facts:
      [Self.factsSample]
    case .tagKey: [ItemTag("sea").map { StoreLayout.key($0, .first) } ?? []]
    case .metaValue: [MetaValue.seal(7), MetaValue.seal(Array("tower".utf8))]
    case .torch: [Self.torchSample]
    case .current: [Array("\(StoreFormat.marker)\ngeneration-12\n".utf8)]
    case .compiledTokenizer: [Self.tokenizerSample]
    case .sentencePiece: [Self.sentencePieceSample]
    case .numpy: [NumPyFile.header(.float32, shape: [2, 3]) + [UInt8](repeating: 1, count: 24)]
    case .query:
      ["a \"red balloon\"^2 on the sea^0.5", "é\\^2 5\" \\\"x", "\"红色 x\" y^3"].map {
        Array($0.utf8)
      }
    case .itemLines:
      [
        Array(
          #"""
          {"path": "a.jpg", "width": 4, "height": 2, "grid": [[2, 2]], "regions": [[0, 0, 4, 2]]}
          {"text": "a red balloon"}
          {"id": 17}
          """#.utf8)
      ]
    }
  }

  private static var tokenizerSample: [UInt8] {
    let json = #"""
      {"added_tokens": [{"id": 0, "content": "<s>", "special": true}],
       "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Metaspace"},
       "model": {"type": "BPE", "unk_token": "<s>", "fuse_unk": true, "byte_fallback": true,
         "vocab": {"<s>": 0, "a": 1, "▁": 2, "▁a": 3, "c": 4}, "merges": ["▁ a"]}}
      """#
    let document = try? TokenizerDocument(parsing: Array(json.utf8), file: "tokenizer.json")
    return Array(document?.compiled(from: .init(size: 0, high: 0, low: 0)).dropFirst(64) ?? [])
  }

  /// Four pieces, a word for the kind of model, and one that leaves spaces as they are.
  private static var sentencePieceSample: [UInt8] {
    func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
      [number << 3 | 2, UInt8(content.count)] + content
    }
    let pieces = ["<unk>", "a", "▁", "▁a"].enumerated().flatMap { id, text in
      field(1, field(1, Array(text.utf8)) + [0x15, 0, 0, 0, 0xC0, 0x18, id == 0 ? 2 : 1])
    }
    return pieces + field(2, [0x18, 1]) + field(3, [0x18, 1, 0x20, 1, 0x28, 0])
  }

  private static var recordSample: ItemRecord {
    var item = ItemRecord(
      kind: .image, path: Array("/a.jpg".utf8), fileSize: 9, modificationTime: 8)
    item.root = Array("/".utf8)
    item.contentHash = ContentHash(high: 1, low: 2)
    (item.format, item.dateTaken) = ("JPEG", "2022:03:03 10:00:00")
    (item.width, item.height, item.tokenCount) = (4, 2, 2)
    item.tiles = [
      ImageTile(
        grid: PatchGrid(rowCount: 1, columnCount: 4),
        region: PixelRegion(x: 0, y: 0, width: 4, height: 2))
    ]
    item.patchTokens = [0, 0, 1, 1]
    return item
  }

  private static var factsSample: [UInt8] {
    var block = FactBlock()
    block[3] = ItemFacts(recordSample)
    return block.sealed()
  }

  private static var plainRecordSample: [UInt8] {
    ItemCodec.encode(ItemRecord(kind: .text, path: nil), fingerprint: 0)
  }

  private static let matrix = TokenMatrix(unchecked: [1, 0, 0, 0.5], tokenCount: 2, dimension: 2)
  private static let emptyMatrix = TokenMatrix(unchecked: [], tokenCount: 0, dimension: 2)

  private static func encoded(_ matrix: TokenMatrix) -> [UInt8] {
    var encoder = TokenEncoder()
    return (try? encoder.encode(matrix)) ?? []
  }

  private static func segmentSample(_ bits: PlaneBits) -> [UInt8] {
    var builder = PlaneSegmentBuilder(dimension: 3, bits: bits)
    builder.append(id: 1, rows: [1, 0, 0, 0, 0.5, 0.5], tokenCount: 2)
    builder.append(id: 2, rows: [0, 0, -1], tokenCount: 1)
    var bytes = builder.bytes()
    SegmentSeal.seal(&bytes)
    return bytes
  }

  private static var screenSample: [UInt8] {
    ScreenCodec.encode(
      SegmentScreen(
        segment: 1, segmentChecksum: 5, codebook: 6, bounds: [0, 2, 3], codes: [0, 1, 2]))
  }

  /// Two cells of one centroid each, less their hash, which `decode` puts in.
  private static var codebookSample: [UInt8] {
    var writer = ByteWriter()
    for byte in [1, 0, 0, 0] as [UInt8] { writer.append(byte) }
    for count in [2, 2, 2] as [UInt32] { writer.append(count) }
    writer.append(UInt64(9))
    writer.append(UInt64(0))
    for half in [0x3C00, 0, 0, 0x3C00, 0x3C00, 0, 0, 0x3C00] as [UInt16] { writer.append(half) }
    return writer.bytes
  }

  private static var recallCurveSample: [UInt8] {
    let point = RecallCurve.Point(candidateCount: 100, recall: 0.9, interval: 0.8...0.95)
    return RecallCurve(
      points: [point], queryCount: 20, querySource: "phrases", generation: 3, codebook: 4,
      imageCount: 500, nextItem: 501
    ).note
  }

  /// `{"a": tensor([1.0, 2.0])}` as PyTorch wrote it before 1.6, made by hand; the newer form is among
  /// the inputs that are kept.
  private static var torchSample: [UInt8] {
    func text(_ text: String) -> [UInt8] { [0x8C, UInt8(text.utf8.count)] + Array(text.utf8) }
    func global(_ module: String, _ name: String) -> [UInt8] {
      Array("c\(module)\n\(name)\n".utf8)
    }
    let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    let head = [0x80, 2] + magic + [0x2E, 0x80, 2, 0x4D, 0xE9, 3, 0x2E, 0x80, 2, 0x7D, 0x2E]
    var tensor = global("torch._utils", "_rebuild_tensor_v2") + [0x28, 0x28]
    tensor += text("storage") + global("torch", "FloatStorage") + text("0") + text("cpu")
    tensor += [0x4B, 2, 0x4E, 0x74, 0x51, 0x4B, 0, 0x4B, 2, 0x85, 0x4B, 1, 0x85, 0x89]
    tensor += global("collections", "OrderedDict") + [0x29, 0x52, 0x74, 0x52]
    let objects = [0x80, 2, 0x7D] + text("a") + tensor + [0x73, 0x2E]
    let keys = [0x80, 2, 0x5D] + text("0") + [0x61, 0x2E]
    return head + objects + keys + [2, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
  }

  private static var safetensorsSample: [UInt8] {
    let header =
      Array(
        #"{"embeddings":{"dtype":"F32","shape":[3,1],"data_offsets":[0,12]},"#.utf8)
      + Array(#""lengths":{"dtype":"I64","shape":[2],"data_offsets":[12,28]}}"#.utf8)
    let length = [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0]
    let values = [UInt8](repeating: 0, count: 12)
    return length + header + values + [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]
  }
}
