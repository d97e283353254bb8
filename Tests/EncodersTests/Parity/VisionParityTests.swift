import FilipLateInteraction
import FilipLinearAlgebra
import Foundation
import Testing

@testable import FilipEncoders

/// Tiny random towers of `make_vision_fixtures.py` against transformers and, for the token modes,
/// against the authors' formulas in PyTorch.
///
/// Rows are normalised; both sides compute in 32 bits.
@Suite struct VisionParityTests {
  static let tolerance: Float = 1e-4
  /// Two depths of CLIP, and a tower whose images are not of the size that its positions are for.
  static let towers = [
    "vision-clip-deep", "vision-clip-shallow", "vision-siglip", "vision-tips", "vision-tips-old",
  ]

  @Test(arguments: towers)
  func `every token mode equals its authors' formula and leaves the pooled vector alone`(
    name: String
  ) throws {
    let fixture = try ModelFixture(name)
    let images = try fixture.images()
    let pooled = try fixture.expectation("image.pooled").values
    var seen: Set<[Float]> = []
    for mode in fixture.model.family.tokenModes {
      let encoder = try ImageEncoder(model: fixture.model, tokenMode: mode)
      let encoded = try encoder.encode(images, workspace: encoder.makeWorkspace())
      let expected = try fixture.expectation("image.\(mode.rawValue)")
      #expect(expected.shape == [images.count, encoder.maximumPatchCount, encoder.dimension])
      let tokens = largestDifference(encoded.flatMap(\.tokens.elements), expected.values)
      let whole = largestDifference(encoded.flatMap(\.pooled), pooled)
      #expect(tokens <= Self.tolerance && whole <= Self.tolerance, "\(name), \(mode)")
      seen.insert(expected.values)
    }
    #expect(seen.count == fixture.model.family.tokenModes.count, "modes that differ")
  }

  @Test func `modes share a workspace without a trace of each other`() throws {
    let fixture = try ModelFixture("vision-clip-deep")
    let images = try fixture.images()
    let workspace = EncoderWorkspace()
    for mode in fixture.model.family.tokenModes + fixture.model.family.tokenModes.reversed() {
      let encoder = try ImageEncoder(model: fixture.model, tokenMode: mode)
      let shared = try encoder.encode(images, workspace: workspace)
      #expect(shared == (try encoder.encode(images, workspace: encoder.makeWorkspace())), "\(mode)")
    }
  }

  // MARK: - Other tokens than patches

  @Test func `every patch asks in FG-CLIP 2's second head`() throws {
    let fixture = try ModelFixture("vision-fgclip")
    let images = try fixture.variedImages()
    let encoder = try ImageEncoder(model: fixture.model)
    let encoded = try encoder.encode(images, workspace: encoder.makeWorkspace())
    #expect(encoded.count == 2 && encoder.tokenMode == .native)
    let pooled = try fixture.expectation("image.pooled").values
    #expect(largestDifference(encoded.flatMap(\.pooled), pooled) <= Self.tolerance)
    for (index, image) in encoded.enumerated() {
      let expected = try fixture.expectation("image.native.\(index)").values
      #expect(largestDifference(image.tokens.elements, expected) <= Self.tolerance)
    }
  }

  @Test func `Wukong's learned tokens stand for the patches that they weigh most`() throws {
    let fixture = try ModelFixture("vision-wukong")
    let encoder = try ImageEncoder(model: fixture.model)
    #expect(encoder.maximumTokenCount == 5 && encoder.maximumPatchCount == 36)
    let encoded = try encoder.encode(fixture.images(), workspace: encoder.makeWorkspace())
    let tokens = try fixture.expectation("image.native").values
    let pooled = try fixture.expectation("image.pooled").values
    #expect(largestDifference(encoded.flatMap(\.tokens.elements), tokens) <= Self.tolerance)
    #expect(largestDifference(encoded.flatMap(\.pooled), pooled) <= Self.tolerance)
    let maps = try fixture.expectation("image.maps").values
    for (index, image) in encoded.enumerated() {
      let shares = Array(maps[index * 5 * 36..<(index + 1) * 5 * 36])
      let owners = try #require(image.patchTokens)
      #expect(owners.count == 36 && Set(owners) == Set(0..<5))
      let largest = (0..<36).map { patch in
        (0..<5).max { shares[$0 * 36 + patch] < shares[$1 * 36 + patch] } ?? 0
      }
      let others = (0..<36).filter { largest[$0] != owners[$0] }
      // Only a token that is nowhere the largest takes a patch from another, and only one.
      #expect(others.allSatisfy { !largest.contains(Int(owners[$0])) })
      #expect(others.count == 5 - Set(largest).count)
    }
  }

  @Test func `a token that is nowhere the largest takes its best patch from a token with two`() {
    // Tokens 0, 1, 2 of four patches: 1 is never the largest, and its best patch is token 2's only.
    let shares: [Float] = [
      0.5, 0.6, 0.7, 0.1,
      0.1, 0.3, 0.2, 0.4,
      0.2, 0.1, 0.1, 0.6,
    ]
    #expect(LearnedTokens.owners(shares, patchCount: 4) == [0, 1, 0, 2])
    #expect(LearnedTokens.owners([0.3, 0.3, 0.1, 0.9], patchCount: 2) == [0, 1])
    // More tokens than patches: not every one can lie somewhere.
    #expect(LearnedTokens.owners([0.2, 0.3, 0.4], patchCount: 1) == [2])
    #expect(LearnedTokens.owners([], patchCount: 0) == [])
  }

  // MARK: - Grids

  @Test func `images of different grids are encoded in one batch as each by itself`() throws {
    let fixture = try ModelFixture("vision-siglip2")
    let images = try fixture.variedImages()
    let grids = [(4, 4), (3, 7), (6, 2), (1, 5), (2, 2)].map {
      PatchGrid(rowCount: $0.0, columnCount: $0.1)
    }
    let pooled = try fixture.expectation("image.pooled").values
    for mode in fixture.model.family.tokenModes {
      let encoder = try ImageEncoder(model: fixture.model, tokenMode: mode)
      #expect(encoder.grid == nil && encoder.maximumPatchCount == 16)
      let encoded = try encoder.encode(images, workspace: encoder.makeWorkspace())
      #expect(encoded.map(\.tiles.first?.grid) == grids)
      #expect(largestDifference(encoded.flatMap(\.pooled), pooled) <= Self.tolerance)
      for (index, image) in encoded.enumerated() {
        let expected = try fixture.expectation("image.\(mode.rawValue).\(index)")
        #expect(expected.shape == [grids[index].patchCount, encoder.dimension])
        #expect(
          largestDifference(image.tokens.elements, expected.values) <= Self.tolerance,
          "\(mode), \(index)")
      }
    }
  }

  @Test func `pictures get the sizes that SigLIP 2's processor gives them`() throws {
    let path = try ModelFixture.directory("vision-siglip2") + "/sizes.txt"
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 272)
    for line in lines {
      let row = line.split(separator: " ").compactMap { Int($0) }
      let size = ImagePreprocessor.patchedSize(
        width: row[0], height: row[1], side: row[2], maximumCount: row[3])
      #expect(size == .init(width: row[4], height: row[5]), "\(line)")
    }
  }

  @Test func `a picture becomes the values that SigLIP 2's processor makes of it`() throws {
    let path = try ModelFixture.directory("vision-siglip2") + "/picture.safetensors"
    let file = try SafetensorsFile(path: path)
    let picture = try file.matrix(of: #require(file.tensors["picture"])).elements
    let planes = try #require(file.tensors["planes"])
    let json = #"""
      {"image_processor_type": "Siglip2ImageProcessorFast", "patch_size": 8, "max_num_patches": 20}
      """#
    let preprocessor = ImagePreprocessor(
      configuration: try PreprocessorConfiguration(json: Array(json.utf8)))
    let prepared = preprocessor.prepare(
      DecodedImage(width: 61, height: 37, pixels: picture.map { UInt8($0) }, format: .png))
    #expect([3, prepared.height, prepared.width] == planes.shape)
    let expected = try file.matrix(of: planes).elements
    #expect(largestDifference(prepared.values, expected) <= 1e-6)
    #expect(prepared.region == PixelRegion(x: 0, y: 0, width: 61, height: 37))
  }

  @Test func `FG-CLIP 2's picture takes the first number of patches that is not too small`() throws
  {
    let configuration = PreprocessorConfiguration.fgclip
    let cases = [
      (160, 160, 128), (256, 256, 256), (272, 256, 576), (384, 384, 576), (2000, 3000, 1024),
    ]
    for (width, height, maximum) in cases {
      let pixels = [UInt8](repeating: 0, count: width * height * 3)
      let prepared = ImagePreprocessor(configuration: configuration).prepare(
        DecodedImage(width: width, height: height, pixels: pixels, format: .png))
      let expected = ImagePreprocessor.patchedSize(
        width: width, height: height, side: 16, maximumCount: maximum)
      #expect(prepared.width == expected.width && prepared.height == expected.height)
    }
  }

  @Test func `an image of broken patches or of another size is refused`() throws {
    let varied = try ModelFixture("vision-siglip2").model
    let square = try ModelFixture("vision-siglip").model
    let misfit = PreparedImage(
      width: 18, height: 16, values: [Float](repeating: 0, count: 18 * 16 * 3),
      region: PixelRegion(x: 0, y: 0, width: 18, height: 16))
    for model in [varied, square] {
      let encoder = try ImageEncoder(model: model)
      let error = #expect(throws: EncoderError.self) {
        _ = try encoder.encode([misfit], workspace: encoder.makeWorkspace())
      }
      #expect(error?.code == .invalidInput)
    }
  }
}

extension ModelFixture {
  /// Input images of different sizes.
  func variedImages() throws -> [PreparedImage] {
    var images: [PreparedImage] = []
    while contains("pixels.\(images.count)") {
      let (shape, values) = try expectation("pixels.\(images.count)")
      images.append(
        PreparedImage(
          width: shape[2], height: shape[1], values: values,
          region: PixelRegion(x: 0, y: 0, width: Double(shape[2]), height: Double(shape[1]))))
    }
    return images
  }
}
