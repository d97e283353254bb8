/// The state dict in a file that `torch.save` or `torch.jit.save` wrote, memory-mapped.
///
/// Three forms are read: the zip archive of PyTorch 1.6 and later, the same with the modules of a
/// TorchScript program (OpenAI's files), and the older sequence of pickles with the numbers behind
/// them. Nothing that a file says is executed: of all Python objects only containers, tensors and
/// TorchScript's modules mean something here (see `TorchObjects`).
struct TorchFile {
  /// All tensors of the state dict.
  let tensors: [TensorView]

  /// Larger descriptions are refused; those of the largest published models have some megabytes.
  private static let pickleByteLimit = 16 << 20

  /// Opens the file at `path`.
  ///
  /// - Throws: `.unreadableFile`; `.malformedFile` when it is damaged; `.unsupportedModel` when the
  ///   state dict holds objects of other programs.
  init(path: String) throws(EncoderError) {
    let file = try MappedFile(path: path)
    do throws(PickleError) {
      if file.bytes.starts(with: ZipArchive.magic) {
        tensors = try Self.archived(in: file)
      } else {
        tensors = try Self.legacy(in: file)
      }
    } catch {
      throw error.isForeign
        ? EncoderError(.unsupportedModel, "\(path): \(error.problem)")
        : EncoderError.malformed(path, error.problem)
    }
  }

  // MARK: - Archives

  /// The tensors of a zip archive: `NAME/data.pkl`, and each storage as `NAME/data/KEY`.
  private static func archived(in file: MappedFile) throws(PickleError) -> [TensorView] {
    let archive = try ZipArchive(file)
    guard let main = archive.names.first(where: { $0.hasSuffix("/data.pkl") }),
      let range = try archive.range(of: main)
    else { throw PickleError("the archive has no data.pkl: torch.save did not write it") }
    let folder = main.dropLast("data.pkl".count)
    if let order = try archive.range(of: folder + "byteorder"),
      !file.bytes[order].elementsEqual("little".utf8)
    {
      throw PickleError(
        "its numbers are not little-endian; save it again on an ordinary machine", isForeign: true)
    }
    guard range.count <= pickleByteLimit else { throw PickleError("its data.pkl is too large") }
    let objects = TorchObjects(try PickleReader.read(Array(file.bytes[range])), in: file) {
      (key) throws(PickleError) in
      try archive.range(of: folder + "data/" + key)
    }
    return try objects.stateDictionary()
  }

  // MARK: - Before PyTorch 1.6

  /// The tensors of a sequence of pickles: a magic number, a version, the machine, the objects and
  /// the keys of the storages, which follow, each behind its count of elements.
  private static func legacy(in file: MappedFile) throws(PickleError) -> [TensorView] {
    let bytes = Array(file.bytes.prefix(pickleByteLimit))
    // 0x1950a86a20f9469cfc6c, a number of ten bytes.
    let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    guard bytes.dropFirst(2).starts(with: magic) else {
      throw PickleError(
        "a pickle that torch.save did not write; save the model's state_dict() with torch.save",
        isForeign: true)
    }
    var position = 0
    var parts: [Pickle] = []
    while parts.count < 5 {
      let part = try PickleReader.read(bytes, at: position)
      position = part.end
      parts.append(part)
    }
    let machine = parts[2].object(parts[2].root)?.pairs.first { $0.key == .text("little_endian") }
    guard parts[1].root == .integer(1001), machine?.value != .bool(false) else {
      throw PickleError("a version of torch.save's format that is not known")
    }
    let objects = parts[3]
    let widths = TorchObjects.elementWidths(of: objects)
    var storages: [String: Range<Int>] = [:]
    var cursor = ByteCursor(file.bytes, at: position)
    for key in parts[4].elements(parts[4].root) ?? [] {
      guard case .text(let key) = key, let width = widths[key],
        let count = cursor.next(Int64.self).flatMap({ Int(exactly: $0) }), count >= 0,
        count <= file.bytes.count / width, let range = cursor.range(count: count * width)
      else { throw PickleError("the numbers behind the objects are cut short or unknown") }
      storages[key] = range
      cursor.offset = range.upperBound
    }
    let found = storages
    return try TorchObjects(objects, in: file) { key in found[key] }.stateDictionary()
  }
}
