import FilipLateInteraction
import FilipLinearAlgebra
import Foundation
import Testing

@testable import FilipEncoders

/// Where the project's own files lie.
private enum Repository {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  static let bundledModel = folder.appendingPathComponent("share/filip/models/filip-drawn").path
  static var hasBundledModel: Bool { FileManager.default.fileExists(atPath: bundledModel) }
}

/// The model that comes with the project against its training code, from files and texts to rows.
///
/// `Training/parity.py` writes the expectations whenever the model is exported.
@Suite(.enabled(if: Repository.hasBundledModel)) struct BundledModelParityTests {
  /// Entries of normalised rows; both sides compute in 32 bits.
  static let tolerance: Float = 1e-4

  private struct Inputs: Decodable {
    var images: [String]
    var texts: [String]
  }

  private let inputs: Inputs
  private let expected: SafetensorsFile
  private let directory: ModelDirectory

  init() throws {
    let folder = try ModelFixture.directory("filip-drawn")
    inputs = try JSONDecoder().decode(
      Inputs.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/inputs.json")))
    expected = try SafetensorsFile(path: folder + "/expected.safetensors")
    directory = try ModelDirectory(path: Repository.bundledModel)
  }

  private func floats(_ name: String) throws -> [Float] {
    try expected.matrix(of: #require(expected.tensors[name])).elements
  }

  @Test func `image files become the rows of the training code`() throws {
    let encoder = try ImageEncoder(model: directory)
    let workspace = encoder.makeWorkspace()
    let preprocessor = ImagePreprocessor(
      configuration: try #require(directory.preprocessing))
    for (index, name) in inputs.images.enumerated() {
      let url = Repository.folder.appendingPathComponent("Examples/gallery/" + name)
      let decoder = ImageDecoder(limits: DecodingLimits(maximumPixelCount: 1 << 24))
      let image = try decoder.decode([UInt8](Data(contentsOf: url)))
      let encoded = try #require(
        try encoder.encode([preprocessor.prepare(image)], workspace: workspace).first)
      let tokens = largestDifference(
        encoded.tokens.elements, try floats("image.\(index).tokens"))
      let pooled = largestDifference(encoded.pooled, try floats("image.\(index).pooled"))
      #expect(tokens <= Self.tolerance && pooled <= Self.tolerance, "\(name)")
    }
  }

  @Test func `texts become the rows of the training code`() throws {
    let encoder = try TextEncoder(model: directory)
    for (index, text) in inputs.texts.enumerated() {
      let encoded = try encoder.encode(text)
      let tokens = largestDifference(encoded.tokens.elements, try floats("text.\(index).tokens"))
      let pooled = largestDifference(encoded.pooled, try floats("text.\(index).pooled"))
      #expect(tokens <= Self.tolerance && pooled <= Self.tolerance, "\(text)")
      #expect(encoded.terms.last?.rows.upperBound == encoded.tokens.tokenCount)
    }
  }
}
