/// Token strings and their ids, as needed while a tokenizer is loaded.
///
/// All strings lie in one array behind an open hash table: a table of `String` takes several times
/// as long to fill, and loading happens at every start.
struct Vocabulary {
  /// Ids and the number of tokens stay below this.
  static let limit = 1 << 20

  /// The UTF-8 of all tokens, one after the other. A token that is to be added is appended first.
  var bytes: [UInt8] = []

  /// Where each token starts in `bytes`, and where the next one will.
  private var starts: [UInt32] = [0]
  private var ids: [Int32] = []
  /// Entry by id, or -1.
  private var entryByID: [Int32] = []
  /// Entries by hash: half of the hash above the entry, or `emptySlot`.
  private var slots = [UInt64](repeating: emptySlot, count: 1 << 12)
  /// Random, so that no file can be made whose tokens all collide.
  private var seed = UInt64.random(in: 0 ... .max)

  private static let emptySlot = UInt64.max

  /// Number of tokens.
  var count: Int { ids.count }

  /// One more than the largest id.
  var idCount: Int { entryByID.count }

  /// Why a token cannot be added.
  enum Failure {
    /// The token is there already.
    case duplicateToken
    /// Another token has the id.
    case duplicateID
    /// The id is negative or too large.
    case idOutOfRange
  }

  /// What is wrong with the first token that could not be added.
  private(set) var failure: (reason: Failure, token: String)?

  /// Adds the token that was appended to `bytes`. Nothing is added after a failure.
  mutating func addToken(id: Int64) {
    guard failure == nil else { return }
    let range = Int(starts[count])..<bytes.count
    guard id >= 0, id < Self.limit else { return fail(.idOutOfRange, range) }
    let hash = hash(of: range, in: bytes)
    let slot = slot(of: range, in: bytes, hash: hash)
    guard slots[slot] == Self.emptySlot else { return fail(.duplicateToken, range) }
    while entryByID.count <= id { entryByID.append(-1) }
    guard entryByID[Int(id)] < 0 else { return fail(.duplicateID, range) }
    slots[slot] = Self.slot(entry: count, hash: hash)
    entryByID[Int(id)] = Int32(count)
    ids.append(Int32(id))
    starts.append(UInt32(range.upperBound))
    if count * 2 > slots.count { grow() }
  }

  private mutating func fail(_ reason: Failure, _ token: Range<Int>) {
    failure = (reason, String(decoding: bytes[token].prefix(64), as: UTF8.self))
  }

  /// The id of the token whose UTF-8 is `token[range]`.
  func id(of range: Range<Int>, in token: [UInt8]) -> Int32? {
    let slot = slots[slot(of: range, in: token, hash: hash(of: range, in: token))]
    return slot == Self.emptySlot ? nil : ids[Self.entry(slot)]
  }

  /// The id of a token.
  func id(of token: String) -> Int32? {
    let token = Array(token.utf8)
    return id(of: 0..<token.count, in: token)
  }

  /// The id of the token that is `left` and `right` together.
  ///
  /// - Parameter guess: an id that is tried first.
  func id(joining left: Int32, _ right: Int32, guess: Int) -> Int32? {
    let left = range(ofID: left)
    let right = range(ofID: right)
    if guess < idCount, entryByID[guess] >= 0 {
      let joined = range(ofID: Int32(guess))
      let middle = joined.lowerBound + left.count
      if joined.count == left.count + right.count,
        isEqual(joined.lowerBound..<middle, left, in: bytes),
        isEqual(middle..<joined.upperBound, right, in: bytes)
      {
        return Int32(guess)
      }
    }
    let joined = Array(bytes[left]) + bytes[right]
    return id(of: 0..<joined.count, in: joined)
  }

  private func range(ofID id: Int32) -> Range<Int> { range(ofEntry: Int(entryByID[Int(id)])) }

  private func range(ofEntry entry: Int) -> Range<Int> {
    Int(starts[entry])..<Int(starts[entry + 1])
  }

  /// The token with an id, or `nil` when there is none.
  func token(of id: Int32) -> ArraySlice<UInt8>? {
    guard id >= 0, id < idCount, entryByID[Int(id)] >= 0 else { return nil }
    return bytes[range(ofID: id)]
  }

  /// Scalars of the longest token.
  var longestScalarCount: Int {
    (0..<count).reduce(0) { longest, entry in
      max(longest, bytes[range(ofEntry: entry)].count { $0 & 0xC0 != 0x80 })
    }
  }

  // MARK: - Hash table

  private static func slot(entry: Int, hash: UInt64) -> UInt64 {
    (hash & ~0xFFFF_FFFF) | UInt64(entry)
  }

  private static func entry(_ slot: UInt64) -> Int { Int(slot & 0xFFFF_FFFF) }

  private func firstSlot(hash: UInt64) -> Int {
    Int(truncatingIfNeeded: hash >> 32) & (slots.count - 1)
  }

  /// The slot that holds the token, or the empty one where it belongs.
  private func slot(of range: Range<Int>, in token: [UInt8], hash: UInt64) -> Int {
    var position = firstSlot(hash: hash)
    while slots[position] != Self.emptySlot {
      if (slots[position] ^ hash) >> 32 == 0 {
        let entry = Self.entry(slots[position])
        if isEqual(self.range(ofEntry: entry), range, in: token) { return position }
      }
      position = (position + 1) & (slots.count - 1)
    }
    return position
  }

  private func hash(of range: Range<Int>, in token: [UInt8]) -> UInt64 {
    let span = token.span
    var hash = seed
    var word: UInt64 = 0
    var shift: UInt64 = 0
    for index in range {
      word |= UInt64(span[index]) &<< shift
      shift &+= 8
      if shift == 64 {
        hash = Self.mix(hash, word)
        (word, shift) = (0, 0)
      }
    }
    return Self.mix(hash, word | UInt64(truncatingIfNeeded: range.count) &<< 56)
  }

  private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
    let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
  }

  private func isEqual(_ own: Range<Int>, _ other: Range<Int>, in token: [UInt8]) -> Bool {
    guard own.count == other.count else { return false }
    let ownSpan = bytes.span
    let otherSpan = token.span
    var position = other.lowerBound
    for index in own {
      if ownSpan[index] != otherSpan[position] { return false }
      position &+= 1
    }
    return true
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: Self.emptySlot, count: old.count * 2)
    for slot in old where slot != Self.emptySlot {
      var position = firstSlot(hash: slot)
      while slots[position] != Self.emptySlot { position = (position + 1) & (slots.count - 1) }
      slots[position] = slot
    }
  }
}

// MARK: - Files

extension Vocabulary {
  /// Reads an object of tokens and ids.
  mutating func read(_ reader: inout JSONReader) throws(JSONError) {
    try reader.beginObject()
    while try reader.nextKey(appendingTo: &bytes) {
      addToken(id: try reader.readInteger())
    }
  }
}

extension Vocabulary {
  /// Writes the vocabulary as it is in memory.
  func write(to sections: inout SectionWriter) {
    sections.append(number: seed)
    sections.append(bytes)
    sections.append(starts)
    sections.append(ids)
    sections.append(entryByID)
    sections.append(slots)
  }

  /// A vocabulary that was written; `nil` when its parts contradict each other.
  init?(from sections: inout SectionReader) {
    guard let seed = sections.number(), let bytes = sections.next(UInt8.self),
      let starts = sections.next(UInt32.self), let ids = sections.next(Int32.self),
      let entryByID = sections.next(Int32.self), let slots = sections.next(UInt64.self),
      ids.count > 0, ids.count <= Self.limit, entryByID.count <= Self.limit,
      starts.count == ids.count + 1, starts[0] == 0, Int(starts[ids.count]) == bytes.count,
      slots.count >= ids.count * 2, slots.count & (slots.count - 1) == 0
    else { return nil }
    for entry in ids.indices {
      guard starts[entry] <= starts[entry + 1], ids[entry] >= 0, ids[entry] < entryByID.count,
        entryByID[Int(ids[entry])] == entry
      else { return nil }
    }
    guard entryByID.allSatisfy({ $0 >= -1 && $0 < ids.count }) else { return nil }
    var filledCount = 0
    for slot in slots where slot != Self.emptySlot {
      guard Self.entry(slot) < ids.count else { return nil }
      filledCount += 1
    }
    // A search ends at an empty slot.
    guard filledCount == ids.count else { return nil }
    self.seed = seed
    self.bytes = bytes
    self.starts = starts
    self.ids = ids
    self.entryByID = entryByID
    self.slots = slots
  }
}
