internal import FilipLinearAlgebra

/// All tensors of a model: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` names.
package final class Checkpoint: Sendable {
  /// A tensor and the file it lies in.
  struct Entry: Sendable {
    let tensor: TensorDescription
    let file: SafetensorsFile
  }

  /// What people should look at when a tensor is missing.
  let path: String
  private let entries: [String: Entry]
  /// In which form linear layers are made of the tensors.
  let preparation: LayerPreparation

  /// The same tensors, of which linear layers are made in another form.
  init(_ other: Checkpoint, preparation: LayerPreparation) {
    path = other.path
    entries = other.entries
    self.preparation = preparation
  }

  /// Opens the weight files of a model directory.
  ///
  /// - Throws: `.unreadableFile`, `.malformedFile`.
  package init(directory: String) throws(EncoderError) {
    preparation = .floats
    let single = directory + "/model.safetensors"
    let index = directory + "/model.safetensors.index.json"
    if fileExists(single) {
      path = single
      let file = try SafetensorsFile(path: single)
      entries = file.tensors.mapValues { Entry(tensor: $0, file: file) }
    } else if fileExists(index) {
      path = index
      entries = try Self.shardedEntries(directory: directory, index: index)
    } else {
      throw EncoderError(
        .unreadableFile,
        "\(directory) has neither model.safetensors nor model.safetensors.index.json; "
          + "a checkpoint in another format must be converted to safetensors")
    }
  }

  private static func shardedEntries(
    directory: String, index: String
  ) throws(EncoderError) -> [String: Entry] {
    let bytes = try readFile(index)
    let map: JSONObject
    do throws(JSONError) {
      let value = try JSONValue(parsing: bytes)
      guard let object = value["weight_map"]?.object else { throw JSONError(.wrongType, at: 0) }
      map = object
    } catch {
      throw EncoderError.malformed(index, "no weight_map could be read (\(error))")
    }
    var files: [String: SafetensorsFile] = [:]
    var entries: [String: Entry] = [:]
    for member in map.members {
      guard let name = member.value.string, isPlainFileName(name) else {
        throw EncoderError.malformed(
          index, "tensor \(member.key) is said to lie in something that is no plain file name")
      }
      let file: SafetensorsFile
      if let open = files[name] {
        file = open
      } else {
        file = try SafetensorsFile(path: directory + "/" + name)
        files[name] = file
      }
      guard let tensor = file.tensors[member.key] else {
        throw EncoderError.malformed(
          file.path, "tensor \(member.key), which \(index) places here, is missing")
      }
      entries[member.key] = Entry(tensor: tensor, file: file)
    }
    return entries
  }

  /// Shards lie beside their index: a name with a separator could reach any file.
  private static func isPlainFileName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".."
      && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
  }

  // MARK: - Reading

  /// The files that hold the tensors, by rising path.
  var filePaths: [String] { Set(entries.values.map(\.file.path)).sorted() }

  /// All tensors, by rising name.
  var tensors: [TensorDescription] {
    entries.values.map(\.tensor).sorted { $0.name < $1.name }
  }

  /// Whether there is a tensor of this name.
  func contains(_ name: String) -> Bool { entries[name] != nil }

  /// The extents of the tensor `name`; `nil` when there is none.
  func shape(of name: String) -> [Int]? { entries[name]?.tensor.shape }

  /// The tensor `name`, which must have `shape`.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`.
  func entry(_ name: String, shape: [Int]) throws(EncoderError) -> Entry {
    guard let entry = entries[name] else {
      throw EncoderError(
        .missingTensor,
        "\(path) has no tensor \(name), expected with shape \(describe(shape: shape)); "
          + "config.json and weights belong to different models, or the family is another")
    }
    guard entry.tensor.shape == shape else {
      throw EncoderError(
        .wrongShape,
        "\(entry.file.path): tensor \(name) has shape \(describe(shape: entry.tensor.shape)), "
          + "config.json wants \(describe(shape: shape)); copy both from the same model")
    }
    return entry
  }

  /// The floats of the tensor `name`, which must have `shape`; see `SafetensorsFile.matrix(of:)`.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  func matrix(_ name: String, _ shape: Int...) throws(EncoderError) -> Matrix {
    let entry = try entry(name, shape: shape)
    return try entry.file.matrix(of: entry.tensor)
  }

  /// Learned vectors, (rowCount, columnCount), which may have extents of 1 before them or, when
  /// there is one, be a vector.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  func rows(
    _ name: String, rowCount: Int, columnCount: Int
  ) throws(EncoderError) -> Matrix {
    let plain = rowCount == 1 ? [columnCount] : [rowCount, columnCount]
    let stored = entries[name]?.tensor.shape ?? plain
    let isPlain = Array(stored.drop { $0 == 1 }) == Array(plain.drop { $0 == 1 })
    let entry = try entry(name, shape: isPlain ? stored : plain)
    return try entry.file.matrix(of: entry.tensor)
      .reshaped(rowCount: rowCount, columnCount: columnCount)
  }

  /// The first rows of the tensor `name`, which must have `width` columns and as many rows at least.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  func matrix(_ name: String, firstRows rowCount: Int, _ width: Int) throws(EncoderError) -> Matrix
  {
    let found = entries[name]?.tensor.shape.first ?? rowCount
    return try matrix(name, max(found, rowCount), width).rows(0..<rowCount)
  }

  /// The table `name` of `rowCount` rows, to be read a row at a time.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  func table(
    _ name: String, rowCount: Int, columnCount: Int
  ) throws(EncoderError) -> RowTable {
    try RowTable(entry(name, shape: [rowCount, columnCount]))
  }

  /// The stored bytes of the tensor `name` through `body`; `nil` when there is none.
  func withBytes<Result>(
    of name: String, _ body: (TensorDescription, RawSpan) -> Result
  ) -> Result? {
    guard let entry = entries[name] else { return nil }
    return entry.file.withBytes(of: entry.tensor) { body(entry.tensor, $0) }
  }
}
