/// The stack machine that pickles are programs of (Python's `pickletools` describes it).
///
/// Every operation makes at most one object, and takes at most as much memory as bytes were read
/// and values were on the stack. Nothing recurses.
struct PickleReader {
  private let bytes: [UInt8]
  private var position: Int
  private var stack: [Pickle.Value] = []
  /// Heights of the stack at each mark that is still open.
  private var marks: [Int] = []
  private var memo: [Int: Pickle.Value] = [:]
  private var objects: [Pickle.Object] = []

  /// More objects, values on the stack or remembered ones than this are not believed; a checkpoint
  /// has some ten for each tensor.
  private static let countLimit = 1 << 19

  /// Reads the pickle that begins at byte `start`.
  ///
  /// - Throws: `PickleError`.
  static func read(_ bytes: [UInt8], at start: Int = 0) throws(PickleError) -> Pickle {
    var reader = PickleReader(bytes: bytes, position: start)
    let root = try reader.run()
    return Pickle(root: root, objects: reader.objects, end: reader.position)
  }

  private init(bytes: [UInt8], position: Int) {
    self.bytes = bytes
    self.position = position
  }

  /// Executes operations up to STOP.
  private mutating func run() throws(PickleError) -> Pickle.Value {
    guard bytes.indices.contains(position), bytes[position] == Pickle.protocolMark else {
      throw failure("it does not begin like a pickle")
    }
    while true {
      let code = try byte()
      // STOP
      if code == UInt8(ascii: ".") { return try pop() }
      // `||` would lose the type of the errors.
      var isKnown = try execute(constant: code)
      if !isKnown { isKnown = try execute(container: code) }
      if !isKnown { isKnown = try execute(object: code) }
      guard isKnown else {
        position -= 1
        throw PickleError(
          "operation \(code) at byte \(position) of its pickle is not one of a state dict; save "
            + "model.state_dict() with torch.save", isForeign: true)
      }
      guard stack.count <= Self.countLimit, objects.count <= Self.countLimit,
        memo.count <= Self.countLimit, marks.count <= Self.countLimit
      else { throw failure("the pickle describes too much") }
    }
  }

  // MARK: - Constants, stack and memo

  /// Executes an operation that gives a constant or moves values; `false` when it is another.
  private mutating func execute(constant code: UInt8) throws(PickleError) -> Bool {
    switch code {
    case 0x80:  // PROTO
      let version = try byte()
      guard (2...5).contains(version) else {
        throw failure("protocol \(version) of pickle is not read")
      }
    case 0x95: _ = try integer(UInt64.self)  // FRAME
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "J"): stack.append(.integer(Int(try integer(Int32.self))))
    case UInt8(ascii: "K"): stack.append(.integer(Int(try byte())))
    case UInt8(ascii: "M"): stack.append(.integer(Int(try integer(UInt16.self))))
    case 0x8A: stack.append(try longInteger(byteCount: Int(try byte())))
    case 0x8B: stack.append(try longInteger(byteCount: count(Int64(try integer(Int32.self)))))
    case UInt8(ascii: "G"):  // BINFLOAT, the only big-endian one
      stack.append(.real(Double(bitPattern: try integer(UInt64.self).byteSwapped)))
    case UInt8(ascii: "X"): stack.append(.text(try text(count: count(integer(UInt32.self)))))
    case 0x8C: stack.append(.text(try text(count: Int(try byte()))))
    case 0x8D: stack.append(.text(try text(count: count(integer(UInt64.self)))))
    // Texts of Python 2 are bytes; those of a state dict are ASCII.
    case UInt8(ascii: "T"): stack.append(.text(try text(count: count(integer(UInt32.self)))))
    case UInt8(ascii: "U"): stack.append(.text(try text(count: Int(try byte()))))
    case UInt8(ascii: "B"): stack.append(try skip(count(integer(UInt32.self))))
    case UInt8(ascii: "C"): stack.append(try skip(Int(try byte())))
    case 0x8E, 0x96: stack.append(try skip(count(integer(UInt64.self))))
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): stack.append(try top())
    case UInt8(ascii: "q"): memo[Int(try byte())] = try top()
    case UInt8(ascii: "r"): memo[Int(try integer(UInt32.self))] = try top()
    case 0x94: memo[memo.count] = try top()  // MEMOIZE
    case UInt8(ascii: "h"): stack.append(try remembered(Int(try byte())))
    case UInt8(ascii: "j"): stack.append(try remembered(Int(try integer(UInt32.self))))
    default: return false
    }
    return true
  }

  // MARK: - Containers

  /// Executes an operation that makes or fills a container; `false` when it is another.
  private mutating func execute(container code: UInt8) throws(PickleError) -> Bool {
    switch code {
    case UInt8(ascii: ")"): push(Pickle.Object(kind: .tuple))
    case UInt8(ascii: "t"): push(Pickle.Object(kind: .tuple, elements: try popToMark()))
    case 0x85...0x87:  // TUPLE1, TUPLE2, TUPLE3
      push(Pickle.Object(kind: .tuple, elements: try pop(count: Int(code - 0x84))))
    case UInt8(ascii: "]"): push(Pickle.Object(kind: .list))
    case UInt8(ascii: "l"): push(Pickle.Object(kind: .list, elements: try popToMark()))
    case 0x8F: push(Pickle.Object(kind: .set))
    case 0x91: push(Pickle.Object(kind: .set, elements: try popToMark()))
    case UInt8(ascii: "}"): push(Pickle.Object(kind: .dictionary))
    case UInt8(ascii: "d"):
      push(Pickle.Object(kind: .dictionary, pairs: try pairs(of: popToMark())))
    case UInt8(ascii: "a"):
      let element = try pop()
      try fill([element])
    case UInt8(ascii: "e"), 0x90: try fill(try popToMark())  // APPENDS, ADDITEMS
    case UInt8(ascii: "s"):
      let pair = try pop(count: 2)
      try fill(pairs: [(pair[0], pair[1])])
    case UInt8(ascii: "u"): try fill(pairs: try pairs(of: popToMark()))
    default: return false
    }
    return true
  }

  /// Adds elements to the list or set on top of the stack; of others nobody asks for them.
  private mutating func fill(_ elements: [Pickle.Value]) throws(PickleError) {
    guard case .object(let number) = try top() else { throw failure("elements of no list") }
    if [.list, .set].contains(objects[number].kind) { objects[number].elements += elements }
  }

  /// Adds members to the dictionary, or what is like one, on top of the stack.
  private mutating func fill(
    pairs: [(key: Pickle.Value, value: Pickle.Value)]
  ) throws(PickleError) {
    guard case .object(let number) = try top(),
      [.dictionary, .call].contains(objects[number].kind)
    else { throw failure("members of no dictionary") }
    objects[number].pairs += pairs
  }

  private func pairs(
    of values: [Pickle.Value]
  ) throws(PickleError) -> [(key: Pickle.Value, value: Pickle.Value)] {
    guard values.count.isMultiple(of: 2) else { throw failure("a key without its value") }
    return stride(from: 0, to: values.count, by: 2).map { (values[$0], values[$0 + 1]) }
  }

  // MARK: - Objects

  /// Executes an operation by which Python would find or make an object; `false` when it is
  /// another.
  private mutating func execute(object code: UInt8) throws(PickleError) -> Bool {
    switch code {
    case UInt8(ascii: "c"):  // GLOBAL
      let module = try line()
      stack.append(.global("\(module).\(try line())"))
    case 0x93:  // STACK_GLOBAL
      let names = try pop(count: 2)
      guard case .text(let module) = names[0], case .text(let name) = names[1] else {
        throw failure("a class without a name")
      }
      stack.append(.global("\(module).\(name)"))
    case UInt8(ascii: "R"), 0x81:  // REDUCE, NEWOBJ
      push(Pickle.Object(kind: .call, elements: try pop(count: 2)))
    case 0x92:  // NEWOBJ_EX, whose named arguments nobody asks for
      push(Pickle.Object(kind: .call, elements: try pop(count: 3).dropLast()))
    case UInt8(ascii: "b"):  // BUILD
      let state = try pop()
      if case .object(let number) = try top() { objects[number].state = state }
    case UInt8(ascii: "Q"):  // BINPERSID
      push(Pickle.Object(kind: .persistent, elements: [try pop()]))
    default: return false
    }
    return true
  }

  // MARK: - Stack

  private mutating func push(_ object: Pickle.Object) {
    stack.append(.object(objects.count))
    objects.append(object)
  }

  /// The stack's floor: what lies below the last mark is not to be taken.
  private var floor: Int { marks.last ?? 0 }

  private func top() throws(PickleError) -> Pickle.Value {
    guard stack.count > floor, let value = stack.last else { throw failure("an empty stack") }
    return value
  }

  private mutating func pop() throws(PickleError) -> Pickle.Value {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(count: Int) throws(PickleError) -> [Pickle.Value] {
    guard stack.count - floor >= count else { throw failure("an empty stack") }
    let values = Array(stack.suffix(count))
    stack.removeLast(count)
    return values
  }

  private mutating func popToMark() throws(PickleError) -> [Pickle.Value] {
    guard let mark = marks.popLast() else { throw failure("no mark on the stack") }
    let values = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return values
  }

  private func remembered(_ number: Int) throws(PickleError) -> Pickle.Value {
    guard let value = memo[number] else { throw failure("nothing was remembered as \(number)") }
    return value
  }

  // MARK: - Bytes

  private func failure(_ problem: String) -> PickleError {
    PickleError("\(problem), at byte \(position) of its pickle")
  }

  private mutating func take(_ count: Int) throws(PickleError) -> Range<Int> {
    guard count <= bytes.count - position else { throw failure("the pickle is cut short") }
    defer { position += count }
    return position..<position + count
  }

  private mutating func byte() throws(PickleError) -> UInt8 { bytes[try take(1).lowerBound] }

  private mutating func integer<Integer: FixedWidthInteger>(
    _: Integer.Type
  ) throws(PickleError) -> Integer {
    bytes[try take(Integer.bitWidth / 8)].reversed().reduce(0) { $0 << 8 | Integer($1) }
  }

  /// A length that the file states.
  private func count(_ number: some FixedWidthInteger) throws(PickleError) -> Int {
    guard let count = Int(exactly: number), count >= 0 else {
      throw failure("an impossible length")
    }
    return count
  }

  /// A number of so many bytes, two's complement; `.bytes` for one that does not fit.
  private mutating func longInteger(byteCount: Int) throws(PickleError) -> Pickle.Value {
    let range = try take(byteCount)
    guard byteCount <= 8 else { return .bytes }
    let isNegative = range.last.map { bytes[$0] >= 0x80 } ?? false
    return .integer(bytes[range].reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) })
  }

  private mutating func text(count: Int) throws(PickleError) -> String {
    guard let text = String(validating: bytes[try take(count)], as: UTF8.self) else {
      throw failure("a text that is not UTF-8")
    }
    return text
  }

  private mutating func skip(_ count: Int) throws(PickleError) -> Pickle.Value {
    _ = try take(count)
    return .bytes
  }

  /// The text up to the end of the line.
  private mutating func line() throws(PickleError) -> String {
    guard let end = bytes[position...].firstIndex(of: 0x0A) else {
      throw failure("the pickle is cut short")
    }
    let line = try text(count: end - position)
    position += 1
    return line
  }
}
