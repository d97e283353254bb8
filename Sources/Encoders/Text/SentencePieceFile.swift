/// A model file of SentencePiece: a protobuf message with the pieces and how they were trained.
struct SentencePieceFile {
  /// What a piece is for.
  enum Kind: UInt64 {
    /// A piece of text.
    case normal = 1
    /// Stands for what has no piece.
    case unknown = 2
    /// Never found in text, such as the end of a text.
    case control = 3
    /// Always found in text, as a whole.
    case userDefined = 4
    /// Never found in text.
    case unused = 5
    /// One byte.
    case byte = 6
  }

  /// How the pieces are chosen.
  enum Model: UInt64 {
    /// The most likely ones.
    case unigram = 1
    /// By merging.
    case bytePairs = 2
  }

  /// One piece; its id is its place.
  struct Piece {
    var text: [UInt8] = []
    var score: Float = 0
    var kind = Kind.normal
  }

  /// More pieces are refused.
  static let pieceLimit = Vocabulary.limit

  private(set) var pieces: [Piece] = []
  /// `nil` for a kind of model that we do not have.
  private(set) var model: Model? = .unigram
  private(set) var hasByteFallback = false
  private(set) var putsSpacesAfterWords = false
  private(set) var unknownID: Int64 = 0
  private(set) var charsMap: [UInt8] = []
  private(set) var addsPrefix = true
  private(set) var removesExtraSpaces = true
  private(set) var escapesSpaces = true

  /// Parses a file; `nil` when it is damaged.
  init?(bytes: [UInt8]) {
    var message = ProtobufReader(bytes[...])
    while let field = message.next() {
      guard case .bytes(let content) = field.value else { continue }
      switch field.number {
      case 1:
        guard pieces.count < Self.pieceLimit, let piece = Self.piece(content) else { return nil }
        pieces.append(piece)
      case 2: guard readTraining(content) else { return nil }
      case 3: guard readNormalization(content) else { return nil }
      default: break
      }
    }
    guard message.isIntact, !pieces.isEmpty else { return nil }
  }

  private static func piece(_ bytes: ArraySlice<UInt8>) -> Piece? {
    var piece = Piece()
    var message = ProtobufReader(bytes)
    while let field = message.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let text)):
        guard String(validating: text, as: UTF8.self) != nil else { return nil }
        piece.text = Array(text)
      case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
      case (3, .integer(let number)):
        guard let kind = Kind(rawValue: number) else { return nil }
        piece.kind = kind
      default: break
      }
    }
    return message.isIntact && piece.score.isFinite ? piece : nil
  }

  private mutating func readTraining(_ bytes: ArraySlice<UInt8>) -> Bool {
    var message = ProtobufReader(bytes)
    while let field = message.next() {
      guard case .integer(let number) = field.value else { continue }
      switch field.number {
      case 3: model = Model(rawValue: number)
      case 24: putsSpacesAfterWords = number != 0
      case 35: hasByteFallback = number != 0
      case 40: unknownID = Int64(bitPattern: number)
      default: break
      }
    }
    return message.isIntact
  }

  private mutating func readNormalization(_ bytes: ArraySlice<UInt8>) -> Bool {
    var message = ProtobufReader(bytes)
    while let field = message.next() {
      switch (field.number, field.value) {
      case (2, .bytes(let map)): charsMap = Array(map)
      case (3, .integer(let number)): addsPrefix = number != 0
      case (4, .integer(let number)): removesExtraSpaces = number != 0
      case (5, .integer(let number)): escapesSpaces = number != 0
      default: break
      }
    }
    return message.isIntact
  }
}

/// Reads the fields of a protobuf message in order. Groups, which nobody writes, are damage.
private struct ProtobufReader {
  enum Value {
    case integer(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes(ArraySlice<UInt8>)
  }

  private var rest: ArraySlice<UInt8>
  /// Whether all that was read made sense.
  private(set) var isIntact = true

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// The next field; `nil` at the end, and where the message is damaged.
  mutating func next() -> (number: UInt64, value: Value)? {
    guard isIntact, !rest.isEmpty else { return nil }
    if let tag = readInteger(), tag >> 3 != 0, let value = readValue(type: tag & 7) {
      return (tag >> 3, value)
    }
    isIntact = false
    return nil
  }

  private mutating func readValue(type: UInt64) -> Value? {
    switch type {
    case 0: return readInteger().map { .integer($0) }
    case 1: return readFixed(8).map { .fixed64($0) }
    case 2:
      guard let count = readInteger(), count <= rest.count else { return nil }
      defer { rest = rest.dropFirst(Int(count)) }
      return .bytes(rest.prefix(Int(count)))
    case 5: return readFixed(4).map { .fixed32(UInt32(truncatingIfNeeded: $0)) }
    default: return nil
    }
  }

  private mutating func readInteger() -> UInt64? {
    var number: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 64, let byte = rest.popFirst() {
      number |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return number }
      shift += 7
    }
    return nil
  }

  private mutating func readFixed(_ count: Int) -> UInt64? {
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
