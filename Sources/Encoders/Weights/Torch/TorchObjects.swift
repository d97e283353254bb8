/// The objects of PyTorch that a pickle describes: what there is to know of them without PyTorch.
///
/// Known are mappings (`dict`, `collections.OrderedDict`), tensors and parameters by the functions
/// that rebuild them, storages by their class, and modules of TorchScript (`__torch__.…`), which
/// are mappings of their attributes. Anything else is an object of another program: passed over where
/// nobody needs it (the arguments of a training run), refused by its name inside a state dict.
struct TorchObjects {
  private let pickle: Pickle
  private let file: MappedFile
  /// Where a storage's elements lie in the file.
  private let storage: (String) throws(PickleError) -> Range<Int>?

  /// Objects deeper than this are not believed.
  private static let depthLimit = 64
  /// More members than this are not gone through; a mapping can be a member of many.
  private static let memberLimit = 1 << 20
  /// Members that hold the state dict of a file that holds more.
  private static let wrappers = ["state_dict", "model_state_dict", "model"]
  /// What training programs put before every name.
  private static let prefixes = ["module.", "_orig_mod."]

  /// The objects of a pickle whose storages lie in `file`.
  init(
    _ pickle: Pickle, in file: MappedFile,
    storage: @escaping (String) throws(PickleError) -> Range<Int>?
  ) {
    self.pickle = pickle
    self.file = file
    self.storage = storage
  }

  // MARK: - State dicts

  /// The tensors of the state dict: of the root, or of its member `state_dict`, `model_state_dict`
  /// or `model`; names of nested mappings are joined by dots, and a `module.` that all names begin
  /// with is dropped.
  func stateDictionary() throws(PickleError) -> [TensorView] {
    var root = pickle.root
    for _ in 0..<4 {
      let members = mapping(root) ?? module(root) ?? []
      let inner = Self.wrappers.lazy.compactMap { name in
        members.first { $0.key == .text(name) }?.value
      }.first { mapping($0) != nil || module($0) != nil }
      guard let inner else { break }
      root = inner
    }
    guard mapping(root) != nil || module(root) != nil else { throw foreign(root, under: "") }
    var found = Found()
    try collect(root, under: "", depth: 0, into: &found)
    guard !found.tensors.isEmpty else {
      throw PickleError("it holds no tensors", isForeign: true)
    }
    var names = found.tensors.map(\.name)
    while let prefix = Self.prefixes.first(where: { prefix in
      names.allSatisfy { $0.hasPrefix(prefix) }
    }) {
      names = names.map { String($0.dropFirst(prefix.count)) }
    }
    guard Set(names).count == names.count else {
      throw PickleError("two of its tensors have the same name")
    }
    return zip(found.tensors, names).map { $0.renamed($1) }
  }

  private struct Found {
    var tensors: [TensorView] = []
    var memberCount = 0
  }

  private func collect(
    _ value: Pickle.Value, under prefix: String, depth: Int, into found: inout Found
  ) throws(PickleError) {
    let members = mapping(value) ?? module(value) ?? []
    // A module's attributes are no state unless they are tensors or modules.
    let isModule = module(value) != nil
    found.memberCount += members.count
    guard depth < Self.depthLimit, found.memberCount <= Self.memberLimit else {
      throw PickleError("its mappings are nested too deep or too often")
    }
    for (key, member) in members {
      guard let name = name(of: key) else { continue }
      let path = prefix + name
      if let tensor = try tensor(member, name: path) {
        found.tensors.append(tensor)
      } else if mapping(member) != nil || module(member) != nil {
        try collect(member, under: path + ".", depth: depth + 1, into: &found)
      } else if !isModule, isForeign(member) {
        throw foreign(member, under: path)
      }
    }
  }

  private func name(of key: Pickle.Value) -> String? {
    switch key {
    case .text(let text): text
    case .integer(let number): String(number)
    default: nil
    }
  }

  // MARK: - Mappings and modules

  private func mapping(
    _ value: Pickle.Value
  ) -> [(key: Pickle.Value, value: Pickle.Value)]? {
    guard let object = pickle.object(value) else { return nil }
    if object.kind == .dictionary { return object.pairs }
    guard let call = pickle.call(value), call.name == "collections.OrderedDict" else { return nil }
    // Old files give the members as arguments, a list of pairs.
    var given: [(key: Pickle.Value, value: Pickle.Value)] = []
    for pair in call.arguments.first.flatMap(pickle.elements) ?? [] {
      guard let parts = pickle.elements(pair), parts.count == 2 else { return nil }
      given.append((parts[0], parts[1]))
    }
    return given + object.pairs
  }

  /// The attributes of a module of a TorchScript program.
  private func module(
    _ value: Pickle.Value
  ) -> [(key: Pickle.Value, value: Pickle.Value)]? {
    guard let call = pickle.call(value), call.name.hasPrefix("__torch__."),
      let state = pickle.object(value)?.state
    else { return nil }
    return mapping(state)
  }

  /// Whether a value is an object of another program, or holds one directly.
  private func isForeign(_ value: Pickle.Value) -> Bool {
    switch pickle.object(value)?.kind {
    case .call, .persistent: true
    default: false
    }
  }

  private func foreign(_ value: Pickle.Value, under path: String) -> PickleError {
    let place = path.isEmpty ? "" : " as \(path)"
    guard let call = pickle.call(value) else {
      return PickleError("it holds no state dict; save model.state_dict()", isForeign: true)
    }
    return PickleError(
      "it holds a Python object of \(call.name)\(place), which is not loaded; save "
        + "model.state_dict() alone", isForeign: true)
  }

  // MARK: - Tensors

  /// The tensor that a call rebuilds; `nil` when it is another call or none.
  private func tensor(
    _ value: Pickle.Value, name: String
  ) throws(PickleError) -> TensorView? {
    guard var call = pickle.call(value) else { return nil }
    // A parameter is its tensor with more arguments; a tensor with attributes is rebuilt by naming
    // what rebuilds it.
    for _ in 0..<4 {
      switch call.name {
      case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
        guard let inner = call.arguments.first.flatMap(pickle.call) else {
          throw damaged(name)
        }
        call = inner
      case "torch._tensor._rebuild_from_type_v2":
        guard call.arguments.count >= 3, case .global(let function) = call.arguments[0],
          let arguments = pickle.elements(call.arguments[2])
        else { throw damaged(name) }
        call = (function, arguments)
      case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2":
        return try tensor(rebuiltFrom: call.arguments, name: name)
      default: return nil
      }
    }
    throw damaged(name)
  }

  /// (storage, offset, shape, strides, …)
  private func tensor(
    rebuiltFrom arguments: [Pickle.Value], name: String
  ) throws(PickleError) -> TensorView {
    guard arguments.count >= 4, let storage = Self.storage(arguments[0], in: pickle),
      case .integer(let offset) = arguments[1], let shape = pickle.integers(arguments[2]),
      let strides = pickle.integers(arguments[3])
    else { throw damaged(name) }
    guard let elementType = storage.elementType else {
      throw PickleError(
        "tensor \(name) has numbers of \(storage.className), which are not read", isForeign: true)
    }
    guard let range = try self.storage(storage.key) else {
      throw PickleError("the numbers of tensor \(name) are missing")
    }
    let start = range.lowerBound + storage.offset
    guard storage.offset <= range.count else { throw damaged(name) }
    guard
      let tensor = TensorView(
        name: name, elementType: elementType, shape: shape, strides: strides, offset: offset,
        storage: start..<range.upperBound, file: file)
    else {
      throw PickleError(
        "tensor \(name) of shape \(describe(shape: shape)) does not fit its numbers, or repeats "
          + "them (save tensor.contiguous())")
    }
    return tensor
  }

  private func damaged(_ name: String) -> PickleError {
    PickleError("tensor \(name) is described in a way that is not known")
  }

  // MARK: - Storages

  private struct Storage {
    var key: String
    /// What Python calls it, as in `torch.FloatStorage`.
    var className: String
    /// Bytes of the storage before this part of it.
    var offset = 0

    var elementType: TensorElementType? {
      TorchObjects.elementTypes[className].map(TensorElementType.init(name:))
    }
  }

  private static let elementTypes = [
    "torch.FloatStorage": "F32", "torch.HalfStorage": "F16", "torch.BFloat16Storage": "BF16",
    "torch.DoubleStorage": "F64", "torch.LongStorage": "I64", "torch.IntStorage": "I32",
    "torch.ShortStorage": "I16", "torch.CharStorage": "I8", "torch.ByteStorage": "U8",
    "torch.BoolStorage": "BOOL",
  ]

  /// What an identifier ("storage", class, key, place, count, …) stands for.
  private static func storage(_ value: Pickle.Value, in pickle: Pickle) -> Storage? {
    guard let object = pickle.object(value), object.kind == .persistent,
      let parts = object.elements.first.flatMap(pickle.elements), parts.count >= 5,
      parts[0] == .text("storage"), case .global(let name) = parts[1],
      case .text(let key) = parts[2]
    else { return nil }
    var storage = Storage(key: key, className: name)
    // Files before PyTorch 1.6 may name a part: (key, offset, count).
    if parts.count >= 6, let view = pickle.elements(parts[5]) {
      guard view.count == 3, case .integer(let offset) = view[1], offset >= 0,
        let width = storage.elementType?.byteCount
      else { return nil }
      let (byteOffset, isTooFar) = offset.multipliedReportingOverflow(by: width)
      guard !isTooFar else { return nil }
      storage.offset = byteOffset
    }
    return storage
  }

  /// Bytes of an element of each storage that a pickle speaks of.
  static func elementWidths(of pickle: Pickle) -> [String: Int] {
    var widths: [String: Int] = [:]
    for (number, object) in pickle.objects.enumerated() where object.kind == .persistent {
      guard let storage = storage(.object(number), in: pickle) else { continue }
      widths[storage.key] = storage.elementType?.byteCount
    }
    return widths
  }
}
