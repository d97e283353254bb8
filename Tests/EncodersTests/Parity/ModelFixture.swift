import FilipLateInteraction
import FilipLinearAlgebra
import Foundation
import Testing

@testable import FilipEncoders

/// A tiny model that `Training/fixtures/make_parity_fixtures.py` made, with inputs and what must
/// come out.
struct ModelFixture {
  let directory: String
  let model: ModelDirectory
  private let parity: SafetensorsFile

  init(_ name: String) throws {
    directory = try Self.directory(name)
    model = try ModelDirectory(path: directory)
    parity = try SafetensorsFile(path: directory + "/parity.safetensors")
  }

  /// The folder of a fixture.
  static func directory(_ name: String) throws -> String {
    let resources = try #require(Bundle.module.resourceURL)
    return resources.appendingPathComponent("Fixtures/" + name).path
  }

  /// A tensor of the parity file, flat, with its shape.
  func expectation(_ name: String) throws -> (shape: [Int], values: [Float]) {
    let tensor = try #require(parity.tensors[name], "\(name)")
    return (tensor.shape, try parity.matrix(of: tensor).elements)
  }

  /// Whether the parity file has a tensor.
  func contains(_ name: String) -> Bool { parity.tensors[name] != nil }

  /// The input images.
  func images() throws -> [PreparedImage] {
    let (shape, values) = try expectation("pixels")
    let count = shape[1] * shape[2] * shape[3]
    return (0..<shape[0]).map { index in
      PreparedImage(
        width: shape[3], height: shape[2],
        values: Array(values[index * count..<(index + 1) * count]),
        region: PixelRegion(x: 0, y: 0, width: Double(shape[3]), height: Double(shape[2])))
    }
  }

  /// The input texts, as token numbers.
  func texts() throws -> [[Int]] {
    var texts: [[Int]] = []
    while parity.tensors["text.\(texts.count).ids"] != nil {
      texts.append(try expectation("text.\(texts.count).ids").values.map { Int($0) })
    }
    return texts
  }
}

/// The largest absolute difference; infinite when the lengths differ.
func largestDifference(_ left: some Collection<Float>, _ right: some Collection<Float>) -> Float {
  guard left.count == right.count else { return .infinity }
  return zip(left, right).map { abs($0 - $1) }.max() ?? 0
}
