import FilipEncoders
import FilipLateInteraction
import Testing

@Suite struct ImagePreprocessorTests {
  private func configuration(_ json: String) throws -> PreprocessorConfiguration {
    try PreprocessorConfiguration(json: Array(json.utf8))
  }

  @Test func `an empty configuration is CLIP's`() throws {
    let found = try configuration("{}")
    #expect(found == PreprocessorConfiguration())
    #expect(found.resizing == .shorterSide(224))
    #expect(found.centerCrop == .init(width: 224, height: 224))
    #expect(found.filter == .bicubic)
    #expect(found.rescaleFactor == 1.0 / 255)
    #expect(found.mean == [0.48145466, 0.4578275, 0.40821073])
    #expect(found.standardDeviation == [0.26862954, 0.26130258, 0.27577711])
    #expect(found.outputSize == .init(width: 224, height: 224))
  }

  @Test func `OpenAI's file of CLIP, old and new, is understood`() throws {
    let old = """
      {"crop_size": 224, "do_center_crop": true, "do_normalize": true, "do_resize": true,
       "feature_extractor_type": "CLIPFeatureExtractor", "resample": 3, "size": 224,
       "image_mean": [0.48145466, 0.4578275, 0.40821073],
       "image_std": [0.26862954, 0.26130258, 0.27577711]}
      """
    let new = """
      {"crop_size": {"height": 224, "width": 224}, "do_convert_rgb": true, "do_rescale": true,
       "image_processor_type": "CLIPImageProcessor", "rescale_factor": 0.00392156862745098,
       "size": {"shortest_edge": 224}}
      """
    #expect(try configuration(old) == PreprocessorConfiguration())
    #expect(try configuration(new) == PreprocessorConfiguration())
  }

  @Test func `other classes have other defaults`() throws {
    let siglip = try configuration(
      #"{"image_processor_type": "SiglipImageProcessor", "size": 384}"#)
    #expect(siglip.resizing == .exact(width: 384, height: 384))
    #expect(siglip.centerCrop == nil)
    #expect(siglip.mean == [0.5, 0.5, 0.5])
    let vit = try configuration(#"{"image_processor_type": "ViTImageProcessorFast"}"#)
    #expect(vit.filter == .bilinear)
    #expect(vit.outputSize == .init(width: 224, height: 224))
    let unknown = """
      {"image_processor_type": "NewImageProcessor", "size": {"height": 10, "width": 20},
       "resample": 2, "image_mean": 0.5, "image_std": [1, 2, 3]}
      """
    #expect(try configuration(unknown).standardDeviation == [1, 2, 3])
  }

  @Test(arguments: [
    ("", "not JSON"), ("[]", "not a JSON object"), (#"{"size": 0}"#, "1...16384"),
    (#"{"size": 99999999999}"#, "1...16384"), (#"{"size": "large"}"#, "size is none of"),
    (#"{"size": {"shortest_edge": 224, "longest_edge": 500}}"#, "size is none of"),
    (#"{"crop_size": {"height": -5, "width": 5}}"#, "1...16384"),
    (#"{"crop_size": []}"#, "crop_size is neither"), (#"{"resample": 0}"#, "resample is none of"),
    (#"{"resample": true}"#, "resample is none of"), (#"{"image_std": [1, 0, 1]}"#, "zero"),
    (#"{"image_std": [1e-60, 1, 1]}"#, "zero"), (#"{"image_mean": [1, 2]}"#, "three numbers"),
    (#"{"image_mean": [1, 2, "3"]}"#, "not a finite number"),
    (#"{"image_mean": 1e300}"#, "not a finite number"),
    (#"{"rescale_factor": "1"}"#, "not a finite number"),
    (#"{"do_resize": 1}"#, "neither true nor"),
    (#"{"do_pad": true}"#, "do_pad"), (#"{"image_processor_type": "Odd"}"#, "defaults of Odd"),
    (#"{"feature_extractor_type": "ViTImageProcessor", "do_center_crop": true}"#, "no crop_size"),
    (#"{"image_processor_type": 7}"#, "not a text"), (#"{"size": 224, "size": 225}"#, "not JSON"),
  ])
  func `a bad configuration is refused with a reason`(json: String, reason: String) {
    let error = #expect(throws: PreprocessorConfigurationError.self) { try configuration(json) }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func `the region is what the crop shows of the original`() throws {
    let image = ImageFixtures.pattern(width: 640, height: 427)
    let clip = ImagePreprocessor(configuration: PreprocessorConfiguration()).prepare(image)
    // 640 x 427 becomes 335 x 224, of which columns 55 to 279 are kept.
    #expect(clip.region.x == 55 * 640.0 / 335)
    #expect(clip.region.y == 0)
    #expect(clip.region.width == 224 * 640.0 / 335)
    #expect(clip.region.height == 427)
    let squash = try configuration(#"{"image_processor_type": "SiglipImageProcessor"}"#)
    #expect(
      ImagePreprocessor(configuration: squash).prepare(image).region
        == PixelRegion(x: 0, y: 0, width: 640, height: 427))
    let padded = try configuration(#"{"do_resize": false, "crop_size": 701}"#)
    #expect(
      ImagePreprocessor(configuration: padded).prepare(image).region
        == PixelRegion(x: -31, y: -137, width: 701, height: 701))
  }

  @Test func `a long strip is prepared without resizing all of it`() {
    let image = ImageFixtures.pattern(width: 1, height: 40000)
    let prepared = ImagePreprocessor(configuration: PreprocessorConfiguration()).prepare(image)
    #expect(prepared.values.count == 3 * 224 * 224)
    #expect(prepared.region.height == 1)
  }

  @Test func `a thumbnail fits, keeps its proportions and survives as JPEG`() throws {
    let image = try ImageDecoder(limits: DecodingLimits(maximumPixelCount: 1_000_000))
      .decode(ImageFixtures.bytes("odd-images/png/rgb.png"))
    let small = image.reduced(toFit: 32)
    #expect([small.width, small.height] == [32, 24])
    #expect([image.reduced(toFit: 64).width, image.reduced(toFit: 500).width] == [64, 64])
    let strip = ImageFixtures.pattern(width: 1000, height: 2).reduced(toFit: 100)
    #expect([strip.width, strip.height] == [100, 1])

    let file = try small.jpegData(quality: 90)
    let again = try ImageDecoder(limits: DecodingLimits(maximumPixelCount: 1_000_000)).decode(file)
    #expect(again.format == .jpeg)
    let largest = zip(again.pixels, small.pixels).map { abs(Int($0) - Int($1)) }.reduce(0, +)
    #expect(largest / small.pixels.count <= 6)
  }
}
