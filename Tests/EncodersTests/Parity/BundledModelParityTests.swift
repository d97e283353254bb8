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

  private struct Scene: Decodable {
    var caption: String
  }

  @Test func `8 bits keep the tokens and what is found`() throws {
    let scenes = try JSONDecoder().decode(
      [String: Scene].self,
      from: Data(
        contentsOf: Repository.folder.appendingPathComponent("Examples/gallery/captions.json")))
    let names = scenes.keys.sorted().prefix(60)
    let preprocessor = ImagePreprocessor(
      configuration: try #require(directory.preprocessing))
    let decoder = ImageDecoder(limits: DecodingLimits(maximumPixelCount: 1 << 24))
    let prepared = try names.map { name in
      let url = Repository.folder.appendingPathComponent("Examples/gallery/" + name)
      return preprocessor.prepare(try decoder.decode([UInt8](Data(contentsOf: url))))
    }
    func encode(_ format: ComputeFormat) throws -> (images: [TokenMatrix], texts: [TokenMatrix]) {
      let images = try ImageEncoder(model: directory, format: format)
      let words = try TextEncoder(model: directory, format: format)
      return (
        try images.encode(prepared, workspace: images.makeWorkspace()).map(\.tokens),
        try names.map { try words.encode(scenes[$0]?.caption ?? "").tokens }
      )
    }
    func best(_ text: TokenMatrix, of images: [TokenMatrix]) -> Set<Int> {
      let scores = images.map { image in
        let products = similarities(text, image)
        return (0..<text.tokenCount).map { word in
          products[word * image.tokenCount..<(word + 1) * image.tokenCount].max() ?? 0
        }.reduce(0, +)
      }
      return Set(images.indices.sorted { scores[$0] > scores[$1] }.prefix(10))
    }
    let (reference, rounded) = (try encode(.float32), try encode(.int8))
    var smallest = 1.0
    for (left, right) in zip(
      reference.images + reference.texts, rounded.images + rounded.texts)
    {
      let products = similarities(left, right)
      for row in 0..<left.tokenCount {
        smallest = min(smallest, products[row * (left.tokenCount + 1)])
      }
    }
    #expect(smallest >= 0.995)
    #expect(smallest < 0.999999, "8 bits were computed with")
    let kept = zip(reference.texts, rounded.texts).prefix(20).map { text, other in
      best(text, of: reference.images).intersection(best(other, of: rounded.images)).count
    }
    #expect(Double(kept.reduce(0, +)) / Double(10 * kept.count) >= 0.97, "\(kept)")
  }

  private func similarities(_ words: TokenMatrix, _ patches: TokenMatrix) -> [Double] {
    dotProducts(
      words: words.elements, wordCount: words.tokenCount, patches: patches.elements,
      patchCount: patches.tokenCount, dimension: words.dimension)
  }
}
