import FilipLateInteraction
import FilipLinearAlgebra

/// How far a model's vectors are from those of its reference implementation, where somebody has put
/// these beside the weights.
///
/// `parity.safetensors` holds `pixels` (images, 3, height, width), the tokens `image.MODE` and pooled
/// vectors `image.pooled` that belong to them, and texts as `text.N.ids`, `text.N.tokens` and
/// `text.N.pooled`; rows of length one. `Training/fixtures` writes such files with transformers.
package struct ParityCheck: Sendable, Equatable {
  /// The largest absolute difference of one tensor.
  package struct Difference: Sendable, Hashable {
    /// The tensor's name in the file.
    package var name: String
    /// Infinite when the shapes differ.
    package var largest: Float
  }

  /// One for each tensor that could be compared, in the order of the model's token modes.
  package private(set) var differences: [Difference] = []

  /// Compares a model with the file in its folder.
  /// - Returns: `nil` when there is no such file.
  /// - Throws: `EncoderError` when file or model cannot be read.
  package init?(_ model: ModelDirectory) throws(EncoderError) {
    let path = model.path + "/parity.safetensors"
    guard fileExists(path) else { return nil }
    let file = try SafetensorsFile(path: path)
    if file.tensors["pixels"] != nil { try compareImages(model, file) }
    if file.tensors["text.0.ids"] != nil { try compareTexts(model, file) }
  }

  private mutating func compareImages(
    _ model: ModelDirectory, _ file: SafetensorsFile
  ) throws(EncoderError) {
    let (shape, values) = try Self.tensor("pixels", file)
    guard shape.count == 4, shape[1] == 3 else {
      throw EncoderError(.wrongShape, "\(file.path): pixels is \(shape), not (images, 3, h, w)")
    }
    let count = shape[1] * shape[2] * shape[3]
    let images = (0..<shape[0]).map { index in
      PreparedImage(
        width: shape[3], height: shape[2],
        values: Array(values[index * count..<(index + 1) * count]),
        region: PixelRegion(x: 0, y: 0, width: Double(shape[3]), height: Double(shape[2])))
    }
    var pooled: [Float] = []
    for mode in model.tokenModes where file.tensors["image.\(mode.rawValue)"] != nil {
      let encoder = try ImageEncoder(model: model, tokenMode: mode)
      let encoded = try encoder.encode(images, workspace: encoder.makeWorkspace())
      pooled = encoded.flatMap(\.pooled)
      try compare("image.\(mode.rawValue)", encoded.flatMap(\.tokens.elements), file)
    }
    if file.tensors["image.pooled"] != nil, !pooled.isEmpty {
      try compare("image.pooled", pooled, file)
    }
  }

  private mutating func compareTexts(
    _ model: ModelDirectory, _ file: SafetensorsFile
  ) throws(EncoderError) {
    let transformer = try TextTransformer(model.configuration, in: model.checkpoint)
    var number = 0
    while file.tensors["text.\(number).ids"] != nil {
      let ids = try Self.tensor("text.\(number).ids", file).values.map { Int($0) }
      let output = try transformer.run(on: [TextInput(ids)], workspace: EncoderWorkspace())
      for (part, rows) in [("tokens", output.tokens), ("pooled", output.pooled)]
      where file.tensors["text.\(number).\(part)"] != nil {
        try compare(
          "text.\(number).\(part)", TokenMatrix.normalizing(rows).elements, file)
      }
      number += 1
    }
  }

  private mutating func compare(
    _ name: String, _ values: [Float], _ file: SafetensorsFile
  ) throws(EncoderError) {
    let expected = try Self.tensor(name, file).values
    let largest =
      expected.count == values.count
      ? zip(values, expected).reduce(0) { max($0, abs($1.0 - $1.1)) } : Float.infinity
    differences.append(Difference(name: name, largest: largest))
  }

  private static func tensor(
    _ name: String, _ file: SafetensorsFile
  ) throws(EncoderError) -> (shape: [Int], values: [Float]) {
    guard let tensor = file.tensors[name] else {
      throw EncoderError(.missingTensor, "\(file.path): no tensor \(name)")
    }
    return (tensor.shape, try file.matrix(of: tensor).elements)
  }
}
