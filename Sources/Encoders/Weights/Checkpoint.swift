internal import FilipLinearAlgebra

/// All tensors of a model, under the names of the Hugging Face library.
package final class Checkpoint: Sendable {
  /// What people should look at when a tensor is missing.
  let path: String
  private let views: [String: TensorView]
  /// In which form linear layers are made of the tensors.
  let preparation: LayerPreparation

  /// The given tensors; of two with one name the first.
  init(path: String, tensors: [TensorView]) {
    self.path = path
    views = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
    preparation = .floats
  }

  /// The same tensors, of which linear layers are made in another form.
  init(_ other: Checkpoint, preparation: LayerPreparation) {
    path = other.path
    views = other.views
    self.preparation = preparation
  }

  // MARK: - Reading

  /// The files that hold the tensors, by rising path.
  var filePaths: [String] { Set(views.values.map(\.path)).sorted() }

  /// All tensors, by rising name.
  var tensors: [TensorView] {
    views.values.sorted { $0.name < $1.name }
  }

  /// Whether there is a tensor of this name.
  func contains(_ name: String) -> Bool { views[name] != nil }

  /// The extents of the tensor `name`; `nil` when there is none.
  func shape(of name: String) -> [Int]? { views[name]?.shape }

  /// The tensor `name`, which must have `shape`.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`.
  func tensor(_ name: String, shape: [Int]) throws(EncoderError) -> TensorView {
    guard let tensor = views[name] else {
      let nearest = NearestName(to: name, among: views.keys).name
      throw EncoderError(
        .missingTensor,
        "\(path) has no tensor \(name), expected with shape \(describe(shape: shape))"
          + (nearest.map { "; the nearest is \($0)" } ?? "")
          + "; config.json and weights belong to different models, or the family is another")
    }
    guard tensor.shape == shape else {
      let stored = tensor.storedName == name ? "" : " (\(tensor.storedName) in the file)"
      throw EncoderError(
        .wrongShape,
        "\(tensor.path): tensor \(name)\(stored) has shape \(describe(shape: tensor.shape)), "
          + "config.json wants \(describe(shape: shape)); copy both from the same model")
    }
    return tensor
  }

  /// The floats of the tensor `name`, which must have `shape`; see `TensorView.matrix()`.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  func matrix(_ name: String, _ shape: Int...) throws(EncoderError) -> Matrix {
    try tensor(name, shape: shape).matrix()
  }

  /// Learned vectors, (rowCount, columnCount), which may have extents of 1 before them or, when
  /// there is one, be a vector.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  func rows(
    _ name: String, rowCount: Int, columnCount: Int
  ) throws(EncoderError) -> Matrix {
    let plain = rowCount == 1 ? [columnCount] : [rowCount, columnCount]
    let stored = views[name]?.shape ?? plain
    let isPlain = Array(stored.drop { $0 == 1 }) == Array(plain.drop { $0 == 1 })
    return try tensor(name, shape: isPlain ? stored : plain).matrix()
      .reshaped(rowCount: rowCount, columnCount: columnCount)
  }

  /// The first rows of the tensor `name`, which must have `width` columns and as many rows at least.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  func matrix(_ name: String, firstRows rowCount: Int, _ width: Int) throws(EncoderError) -> Matrix
  {
    let found = views[name]?.shape.first ?? rowCount
    return try matrix(name, max(found, rowCount), width).rows(0..<rowCount)
  }

  /// The table `name` of `rowCount` rows, to be read a row at a time.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  func table(
    _ name: String, rowCount: Int, columnCount: Int
  ) throws(EncoderError) -> RowTable {
    try RowTable(tensor(name, shape: [rowCount, columnCount]))
  }
}
