/// A file of tensors, told by its first bytes, whatever its name: safetensors, or what `torch.save`
/// and `torch.jit.save` write.
enum WeightFile {
  /// The endings of names that people give to weight files.
  static let nameEndings = [".safetensors", ".pt", ".pth", ".bin", ".ckpt"]

  /// Opens the file at `path`.
  ///
  /// - Throws: `.unreadableFile`; `.malformedFile`; `.unsupportedModel` when the file holds other
  ///   things than tensors.
  static func tensors(at path: String) throws(EncoderError) -> [TensorView] {
    let start = try firstBytes(of: path)
    // The length of a header may begin with the byte that pickles begin with.
    let isSafetensors =
      start.count == 9 && start[4..<8].allSatisfy { $0 == 0 } && start[8] == UInt8(ascii: "{")
    let isTorch = start.starts(with: ZipArchive.magic) || start.first == Pickle.protocolMark
    return isTorch && !isSafetensors
      ? try TorchFile(path: path).tensors : try SafetensorsFile(path: path).views
  }

  private static func firstBytes(of path: String) throws(EncoderError) -> [UInt8] {
    let file = try MappedFile(path: path)
    return withExtendedLifetime(file) { Array(file.bytes.prefix(9)) }
  }
}

/// The weights of a folder: one file, or several that an index names.
struct WeightFolder {
  /// What people should look at when a tensor is missing.
  let path: String
  /// All tensors, in the files' naming.
  let tensors: [TensorView]

  /// The names of Hugging Face's layout; the first that is there counts.
  static let names = ["model.safetensors", "pytorch_model.bin"]
  /// Those of open_clip's.
  static let openCLIPNames = ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"]

  /// Whether there are weights under a name that Hugging Face uses.
  static func hasWeights(_ folder: String) -> Bool {
    names.contains {
      fileExists(folder + "/" + $0) || fileExists(folder + "/" + $0 + ".index.json")
    }
  }

  /// Opens the weights in `folder`: the first of `names` that is there, or the files that its
  /// `.index.json` names.
  ///
  /// - Throws: `.unreadableFile`, `.malformedFile`, `.unsupportedModel`.
  init(_ folder: String, names: [String] = Self.names) throws(EncoderError) {
    for name in names {
      let single = folder + "/" + name
      let index = single + ".index.json"
      if fileExists(single) {
        path = single
        tensors = try WeightFile.tensors(at: single)
        return
      }
      if fileExists(index) {
        path = index
        tensors = try Self.shards(in: folder, index: index)
        return
      }
    }
    throw EncoderError(
      .unreadableFile,
      "\(folder) has no weights: neither \(names.joined(separator: " nor ")), nor an .index.json "
        + "of either; copy them from where the model came from")
  }

  private static func shards(
    in folder: String, index: String
  ) throws(EncoderError) -> [TensorView] {
    let bytes = try readFile(index)
    let map: JSONObject
    do throws(JSONError) {
      let value = try JSONValue(parsing: bytes)
      guard let object = value["weight_map"]?.object else { throw JSONError(.wrongType, at: 0) }
      map = object
    } catch {
      throw EncoderError.malformed(index, "no weight_map could be read (\(error))")
    }
    var files: [String: [String: TensorView]] = [:]
    var tensors: [TensorView] = []
    for member in map.members {
      guard let name = member.value.string, isPlainFileName(name) else {
        throw EncoderError.malformed(
          index, "tensor \(member.key) is said to lie in something that is no plain file name")
      }
      let path = folder + "/" + name
      if files[name] == nil {
        let shard = try WeightFile.tensors(at: path)
        files[name] = Dictionary(shard.map { ($0.name, $0) }) { first, _ in first }
      }
      guard let tensor = files[name]?[member.key] else {
        throw EncoderError.malformed(
          path, "tensor \(member.key), which \(index) places here, is missing")
      }
      tensors.append(tensor)
    }
    return tensors
  }

  /// Shards lie beside their index: a name with a separator could reach any file.
  private static func isPlainFileName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".."
      && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
  }
}
