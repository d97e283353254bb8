internal import FilipLinearAlgebra

/// All tensors of a model, under the names of the Hugging Face library.
package final class Checkpoint: Sendable {
  /// What people should look at when a tensor is missing.
  let path: String
  private let views: [String: TensorView]

  /// The given tensors; of two with one name the first.
  init(path: String, tensors: [TensorView]) {
    self.path = path
    views = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
  }

  // MARK: - Reading

  /// All tensors, by rising name.
  var tensors: [TensorView] {
    views.values.sorted { $0.name < $1.name }
  }

  /// Whether there is a tensor of this name.
  func contains(_ name: String) -> Bool { views[name] != nil }

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

  /// The table `name` of `rowCount` rows, to be read a row at a time.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  func table(
    _ name: String, rowCount: Int, columnCount: Int
  ) throws(EncoderError) -> RowTable {
    try RowTable(tensor(name, shape: [rowCount, columnCount]))
  }
}
