/// Merges as written: pairs of ids and the id of the result, or what is wrong with one.
struct MergeList {
  /// One merge.
  struct Merge {
    /// First token.
    var left: Int32
    /// Second token.
    var right: Int32
    /// Both as one.
    var result: Int32
  }

  /// Why a merge cannot be kept.
  enum Failure {
    /// Not two words with one space between.
    case malformed
    /// A token that the vocabulary does not have.
    case unknownToken
    /// The result is not in the vocabulary.
    case unknownResult
    /// More merges than `Vocabulary.limit`.
    case tooMany
  }

  /// All merges, in order, up to the first that fails.
  private(set) var merges: [Merge] = []
  /// What is wrong with the merge after the last.
  private(set) var failure: Failure?
  /// One less than the result we expect next: results follow each other in most files.
  private var lastResult: Int32 = -1

  /// Whether no merge was read, not even one that fails.
  var isEmpty: Bool { merges.isEmpty && failure == nil }

  /// Adds the merge of `bytes[left]` and `bytes[right]`. Nothing is added after a failure.
  mutating func append(
    left: Range<Int>, right: Range<Int>, in bytes: [UInt8], vocabulary: Vocabulary
  ) {
    guard failure == nil else { return }
    guard merges.count < Vocabulary.limit else { return failure = .tooMany }
    guard let left = vocabulary.id(of: left, in: bytes),
      let right = vocabulary.id(of: right, in: bytes)
    else { return failure = .unknownToken }
    guard let result = vocabulary.id(joining: left, right, guess: Int(lastResult) + 1) else {
      return failure = .unknownResult
    }
    lastResult = result
    merges.append(Merge(left: left, right: right, result: result))
  }

  /// Adds the merge in `bytes[range]`: two tokens with one space between.
  mutating func append(_ range: Range<Int>, in bytes: [UInt8], vocabulary: Vocabulary) {
    guard let space = bytes[range].firstIndex(of: 0x20), space > range.lowerBound,
      space + 1 < range.upperBound, !bytes[(space + 1)..<range.upperBound].contains(0x20)
    else {
      if failure == nil { failure = .malformed }
      return
    }
    append(
      left: range.lowerBound..<space, right: (space + 1)..<range.upperBound, in: bytes,
      vocabulary: vocabulary)
  }
}

// MARK: - Files

extension MergeList {
  /// Reads an array of `"a b"` or `["a", "b"]`.
  mutating func read(
    _ reader: inout JSONReader, vocabulary: Vocabulary
  ) throws(JSONError) {
    var bytes: [UInt8] = []
    try reader.beginArray()
    while try reader.nextElement() {
      bytes.removeAll(keepingCapacity: true)
      if try reader.peekKind() == .string {
        if let range = try reader.readStringRange() {
          append(range, in: reader.bytes, vocabulary: vocabulary)
          continue
        }
        try reader.readString(appendingTo: &bytes)
        append(0..<bytes.count, in: bytes, vocabulary: vocabulary)
        continue
      }
      var middle = 0
      var tokenCount = 0
      try reader.beginArray()
      while try reader.nextElement() {
        middle = bytes.count
        tokenCount += 1
        try reader.readString(appendingTo: &bytes)
      }
      guard tokenCount == 2 else { throw JSONError(.wrongType, at: reader.position) }
      append(left: 0..<middle, right: middle..<bytes.count, in: bytes, vocabulary: vocabulary)
    }
  }
}

extension MergeList {
  /// Reads the lines of a `merges.txt`: two tokens each, after a line with the version.
  init(text: [UInt8], vocabulary: Vocabulary) {
    self.init()
    let version = Array("#version".utf8)
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: 0x0A) ?? text.count
      let next = end + 1
      let hasReturn = end > start && text[end - 1] == 0x0D
      let line = start..<(hasReturn ? end - 1 : end)
      if !text[line].starts(with: version) {
        append(line, in: text, vocabulary: vocabulary)
      }
      start = next
    }
  }
}

extension MergeList {
  /// Every way to put a token of `vocabulary` together from two others: first those of the first
  /// token, and of one token those with the shortest left part.
  init(joining vocabulary: Vocabulary) {
    self.init()
    for id in 0..<Int32(vocabulary.idCount) {
      guard let token = vocabulary.token(of: id) else { continue }
      for middle in token.indices.dropFirst() where vocabulary.bytes[middle] & 0xC0 != 0x80 {
        let left = token.startIndex..<middle
        let right = middle..<token.endIndex
        guard failure == nil, let first = vocabulary.id(of: left, in: vocabulary.bytes),
          let second = vocabulary.id(of: right, in: vocabulary.bytes)
        else { continue }
        guard merges.count < Vocabulary.limit else {
          failure = .tooMany
          return
        }
        merges.append(Merge(left: first, right: second, result: id))
      }
    }
  }
}
