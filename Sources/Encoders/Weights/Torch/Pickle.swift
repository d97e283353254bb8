/// What a pickle describes, as data: Python's serialised objects (protocols 2 to 5), read without
/// executing anything.
///
/// Where the Python program would call something (a class, a function that makes a tensor), the
/// call itself is kept, with the name and the arguments. Whoever knows the name may make something
/// of it; nobody else needs to. Objects lie in one array and refer to each other by number, so
/// neither depth nor cycles of what is described can do harm.
struct Pickle {
  /// The first byte of every pickle of protocol 2 or later.
  static let protocolMark: UInt8 = 0x80

  /// A value, or the number of an object.
  enum Value: Hashable {
    /// `None`.
    case none
    /// A truth value.
    case bool(Bool)
    /// A whole number that fits 64 bits.
    case integer(Int)
    /// Any other number.
    case real(Double)
    /// A text.
    case text(String)
    /// Bytes, or a whole number of more than 64 bits; what they were is not kept.
    case bytes
    /// A class or function: its module and name, as in `torch.FloatStorage`.
    case global(String)
    /// The object of this number.
    case object(Int)
  }

  /// What refers to other values.
  struct Object {
    /// What kind of thing it is.
    enum Kind: Hashable {
      case tuple, list, set, dictionary
      /// What a call of a class or function would give: `elements` are what is called and its
      /// arguments.
      case call
      /// What the program is asked to find by itself: `elements` is one value, its identifier.
      case persistent
    }

    var kind: Kind
    /// Members of a tuple, list or set.
    var elements: [Value] = []
    /// Keys and values of a dictionary, or of a call that makes something like one.
    var pairs: [(key: Value, value: Value)] = []
    /// What a call's result is told to become.
    var state: Value?
  }

  /// What all of it is about.
  let root: Value
  /// All objects.
  let objects: [Object]
  /// The byte behind the pickle.
  let end: Int

  /// The object of a value, if it is one.
  func object(_ value: Value) -> Object? {
    if case .object(let number) = value { objects[number] } else { nil }
  }

  /// The members of a tuple or list.
  func elements(_ value: Value) -> [Value]? {
    guard let object = object(value), [.tuple, .list].contains(object.kind) else { return nil }
    return object.elements
  }

  /// Whole numbers in a tuple or list.
  func integers(_ value: Value) -> [Int]? {
    guard let elements = elements(value) else { return nil }
    var numbers: [Int] = []
    for element in elements {
      guard case .integer(let number) = element else { return nil }
      numbers.append(number)
    }
    return numbers
  }

  /// What is called, with its arguments, when the value is a call of something with a name.
  func call(_ value: Value) -> (name: String, arguments: [Value])? {
    guard let object = object(value), object.kind == .call, object.elements.count == 2,
      case .global(let name) = object.elements[0]
    else { return nil }
    return (name, elements(object.elements[1]) ?? [])
  }
}

/// Bytes that are no pickle of a state dict.
struct PickleError: Error {
  /// What is wrong, and what to do unless the file is damaged.
  let problem: String
  /// Whether the file may be whole, but holds what is not read.
  let isForeign: Bool

  init(_ problem: String, isForeign: Bool = false) {
    self.problem = problem
    self.isForeign = isForeign
  }
}
