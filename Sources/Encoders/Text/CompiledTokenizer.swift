// A large tokenizer as it is in memory, so that the next start need not parse 30 MB of JSON.
//
// Version 1, little-endian: "filip tokenizer\n"; version u32, zero u32; size u64 and XXH3-128 of the
// file it was made from (high, low); XXH3-128 of all that follows (high, low); then sections, each a
// byte count u64 and its bytes, padded to a multiple of 8: components and model as JSON, vocabulary,
// scores, merges.

extension TokenizerDocument {
  /// What a compiled tokenizer was made from.
  struct Source: Hashable {
    /// Bytes of the file.
    var size: UInt64
    /// Their XXH3-128.
    var high: UInt64
    var low: UInt64

    /// The source that a file is.
    init(_ file: MappedFile) {
      let digest = contentDigest(of: file.bytes)
      (size, high, low) = (UInt64(file.bytes.count), digest.high, digest.low)
    }

    /// A source of these parts.
    init(size: UInt64, high: UInt64, low: UInt64) {
      (self.size, self.high, self.low) = (size, high, low)
    }
  }

  private static let marker = Array("filip tokenizer\n".utf8)
  private static let version: UInt64 = 1
  /// Where the sections begin: the marker and six numbers.
  private static let headerByteCount = 64

  /// The document as bytes.
  func compiled(from source: Source) -> [UInt8] {
    var sections = SectionWriter()
    let settings = JSONValue.members([
      "components": .object(components), "model": .object(model),
    ])
    sections.append(Array(settings.text.utf8))
    vocabulary.write(to: &sections)
    sections.append(scores)
    merges.write(to: &sections)
    let digest = contentDigest(of: sections.bytes)
    var header = SectionWriter()
    for number in [
      Self.version, source.size, source.high, source.low, digest.high, digest.low,
    ] {
      header.append(number: number)
    }
    return Self.marker + header.bytes + sections.bytes
  }

  /// The document in bytes that `compiled(from:)` made; `nil` when they are damaged, of another
  /// version, or made from another source.
  ///
  /// Nothing in them is trusted, not even where their checksum is right: every number that is used
  /// as an index is checked.
  init?(compiled bytes: UnsafeRawBufferPointer, from source: Source) {
    guard bytes.count >= Self.headerByteCount, bytes.starts(with: Self.marker) else { return nil }
    var header = SectionReader(UnsafeRawBufferPointer(rebasing: bytes[Self.marker.count...]))
    guard header.number() == Self.version, header.number() == source.size,
      header.number() == source.high, header.number() == source.low,
      let high = header.number(), let low = header.number()
    else { return nil }
    let body = UnsafeRawBufferPointer(rebasing: bytes[Self.headerByteCount...])
    guard contentDigest(of: body) == (high, low) else { return nil }
    self.init(sections: body)
  }

  /// The document in the sections of a compiled tokenizer; `nil` when they contradict each other.
  init?(sections bytes: UnsafeRawBufferPointer) {
    var sections = SectionReader(bytes)
    guard let text = sections.next(UInt8.self), let settings = try? JSONValue(parsing: text),
      let components = settings["components"]?.object, let model = settings["model"]?.object,
      let vocabulary = Vocabulary(from: &sections), let scores = sections.next(Double.self),
      scores.isEmpty || scores.count == vocabulary.idCount,
      scores.allSatisfy(\.isFinite),
      let merges = MergeTable(from: &sections, idCount: vocabulary.idCount)
    else { return nil }
    self.init()
    self.components = components
    self.model = model
    self.vocabulary = vocabulary
    self.scores = scores
    self.merges = merges
  }
}

/// Puts arrays one after the other.
struct SectionWriter {
  /// What was written so far; a multiple of 8 long.
  private(set) var bytes: [UInt8] = []

  /// Adds a number.
  mutating func append(number: UInt64) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Adds an array of numbers.
  mutating func append<Element: BitwiseCopyable>(_ elements: [Element]) {
    elements.withUnsafeBytes { content in
      append(number: UInt64(content.count))
      bytes.append(contentsOf: content)
    }
    while bytes.count % 8 != 0 { bytes.append(0) }
  }
}

/// Takes arrays from bytes in order.
struct SectionReader {
  private var rest: UnsafeRawBufferPointer

  /// A reader at the start of `bytes`, which have to outlive it.
  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

  /// The next number; `nil` at the end.
  mutating func number() -> UInt64? {
    guard rest.count >= 8 else { return nil }
    defer { rest = UnsafeRawBufferPointer(rebasing: rest[8...]) }
    // Safe because eight bytes are there.
    return UInt64(littleEndian: rest.loadUnaligned(as: UInt64.self))
  }

  /// A copy of the next array; `nil` when its bytes are not all there or make no whole elements.
  mutating func next<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element]? {
    guard let number = number(), number <= UInt64(rest.count),
      number % UInt64(MemoryLayout<Element>.stride) == 0
    else { return nil }
    let byteCount = Int(number)
    let padded = min(rest.count, (byteCount + 7) / 8 * 8)
    defer { rest = UnsafeRawBufferPointer(rebasing: rest[padded...]) }
    let count = byteCount / MemoryLayout<Element>.stride
    // Safe because as many bytes as the array takes are copied, and any bits make an element.
    return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: rest[..<byteCount]))
      initialized = count
    }
  }
}
