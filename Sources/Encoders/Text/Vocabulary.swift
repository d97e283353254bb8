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
  private var starts: [Int] = [0]
  private var ids: [Int32] = []
  /// Entry by id, or -1.
  private var entryByID: [Int32] = []
  /// Entries by hash, or -1.
  private var slots = [Int32](repeating: -1, count: 1 << 12)
  /// Random, so that no file can be made whose tokens all collide.
  private let seed = UInt64.random(in: 0 ... .max)

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
    let range = starts[count]..<bytes.count
    guard id >= 0, id < Self.limit else { return fail(.idOutOfRange, range) }
    let slot = slot(of: range, in: bytes)
    guard slots[slot] < 0 else { return fail(.duplicateToken, range) }
    while entryByID.count <= id { entryByID.append(-1) }
    guard entryByID[Int(id)] < 0 else { return fail(.duplicateID, range) }
    let entry = Int32(count)
    slots[slot] = entry
    entryByID[Int(id)] = entry
    ids.append(Int32(id))
    starts.append(range.upperBound)
    if count * 2 > slots.count { grow() }
  }

  private mutating func fail(_ reason: Failure, _ token: Range<Int>) {
    failure = (reason, String(decoding: bytes[token].prefix(64), as: UTF8.self))
  }

  /// The id of the token whose UTF-8 is `token[range]`.
  func id(of range: Range<Int>, in token: [UInt8]) -> Int32? {
    let entry = slots[slot(of: range, in: token)]
    return entry < 0 ? nil : ids[Int(entry)]
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

  private func range(ofID id: Int32) -> Range<Int> {
    let entry = Int(entryByID[Int(id)])
    return starts[entry]..<starts[entry + 1]
  }

  // MARK: - Hash table

  /// The slot that holds the token, or the empty one where it belongs.
  private func slot(of range: Range<Int>, in token: [UInt8]) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash(of: range, in: token)) & mask
    while slots[slot] >= 0 {
      let entry = Int(slots[slot])
      if isEqual(starts[entry]..<starts[entry + 1], range, in: token) { return slot }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private func hash(of range: Range<Int>, in token: [UInt8]) -> UInt64 {
    var hash = seed
    for index in range {
      hash = (hash ^ UInt64(token[index])) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 29
    }
    return hash ^ hash >> 32
  }

  private func isEqual(_ own: Range<Int>, _ other: Range<Int>, in token: [UInt8]) -> Bool {
    guard own.count == other.count else { return false }
    for offset in 0..<own.count
    where bytes[own.lowerBound + offset] != token[other.lowerBound + offset] {
      return false
    }
    return true
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 4)
    for entry in 0..<count {
      slots[slot(of: starts[entry]..<starts[entry + 1], in: bytes)] = Int32(entry)
    }
  }
}
